using System.Collections.Immutable;
using Millrace.Commit;
using Millrace.Engines;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Jobs.Secrets;
using Millrace.Load;
using Millrace.Planning;
using Millrace.Runs;
using Millrace.Telemetry;
using Millrace.Testing;

namespace Millrace.Tests.Runs;

public sealed class RunCancellationTests : IDisposable
{
    private readonly TempFolder _state = new();
    private readonly DiscardingTarget _target = new();

    public void Dispose() => _state.Dispose();

    [Fact]
    public async Task A_cancelled_run_has_nothing_staged_and_is_not_resumed_by_itself()
    {
        var job = JobReader.ReadShortForm(new JobOverrides { From = "in.csv", To = "out" }, _state.Path).Job!;
        var run = RunDirectory.Create(_state.Path, job, new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
        run.Stream("in").Next();
        Assert.True(RunList.Describe(run).CanResume);
        Assert.Throws<Fault>(() => RunList.Remove(RunList.Describe(run)));

        for (var time = 0; time < 2; time++)
        {
            var summary = await new RunCancellation(Options()).CancelAsync(run, job, TestContext.Current.CancellationToken);

            Assert.Equal(RunStatus.Cancelled, summary.Status);
            Assert.Null(run.Stream("in").Latest());
            Assert.False(RunList.Describe(run).CanResume);
            Assert.Throws<Fault>(() => RunList.LatestUnfinished(_state.Path));
        }

        Assert.Equal([run.Run, run.Run], _target.Discarded);
        RunList.Remove(RunList.Describe(run));
        Assert.False(Directory.Exists(run.Path));
    }

    [Fact]
    public void A_run_that_a_signal_stopped_is_resumed()
    {
        var job = JobReader.ReadShortForm(new JobOverrides { From = "in.csv", To = "out" }, _state.Path).Job!;
        var run = RunDirectory.Create(_state.Path, job, DateTimeOffset.UnixEpoch);
        run.WriteReport(new RunReport { Epoch = 1, Summary = new RunSummary { Run = run.Run, Status = RunStatus.Cancelled }, Ended = DateTimeOffset.MaxValue, Commits = [] });

        Assert.Equal(run.Run, RunList.LatestUnfinished(_state.Path).Run);
        Assert.Throws<Fault>(() => RunList.Remove(RunList.Describe(run)));
    }

    private RunOptions Options() => new()
    {
        Connectors = new KnownConnectors([], [_target]),
        Secrets = new SecretResolver(new Redactor(), _state.Path),
        Observer = _target,
        Worker = new WorkerCommand("none", [], ImmutableDictionary<string, string>.Empty),
    };

    /// <summary>A target that remembers what was discarded.</summary>
    private sealed class DiscardingTarget : ITargetConnector, ITarget, IRunObserver
    {
        public List<string> Discarded { get; } = [];

        public string Name => "discarding";

        public string Place => "nowhere";

        public TargetTraits Traits => throw new InvalidOperationException("nothing is planned");

        public bool OneFile => false;

        public bool Claims(string address) => true;

        public ITarget Open(TargetContext context) => this;

        public IUnitWriter OpenWriter(TargetContext context) => throw new InvalidOperationException("nothing is written");

        public ValueTask<string> CheckAsync(CancellationToken cancel) => throw new InvalidOperationException("nothing is checked");

        public ValueTask<string> StageAsync(StagingRequest request, CancellationToken cancel) => throw new InvalidOperationException("nothing is staged");

        public ValueTask<CommitReceipt> CommitAsync(StreamHeader header, CommitRequest request, CancellationToken cancel) =>
            throw new InvalidOperationException("nothing is committed");

        public ValueTask DiscardAsync(string run, CancellationToken cancel)
        {
            Discarded.Add(run);
            return ValueTask.CompletedTask;
        }

        public void On(RunEvent happened)
        {
            // Nothing runs.
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
