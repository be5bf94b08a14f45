using FsCheck;
using FsCheck.Fluent;
using Millrace.Faults;
using Millrace.Runs;
using Millrace.Telemetry;
using Millrace.Testing;

namespace Millrace.Tests.Runs;

public sealed class RunDirectoryTests : IDisposable
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly TempFolder _state = new();

    public void Dispose() => _state.Dispose();

    [Fact]
    public void Folder_names_stay_inside_and_apart()
    {
        Prop.ForAll<NonNull<string>, NonNull<string>>((one, other) =>
        {
            var name = RunDirectory.FolderName(one.Get);
            return name.Length is > 0 and < 130
                && name.AsSpan().IndexOfAny('/', '\\', '\0') < 0
                && name[0] != '.'
                && (one.Get == other.Get || !string.Equals(name, RunDirectory.FolderName(other.Get), StringComparison.OrdinalIgnoreCase));
        }).QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData("events", "events")]
    [InlineData("public.events", "public.events")]
    public void Plain_names_are_their_own_folders(string name, string folder) => Assert.Equal(folder, RunDirectory.FolderName(name));

    [Theory]
    [InlineData("Events", "events")]
    [InlineData("..", "x")]
    [InlineData("../../etc", "etc")]
    [InlineData("", "x")]
    public void Other_names_get_a_hash(string name, string notThis)
    {
        Assert.Contains('~', RunDirectory.FolderName(name));
        Assert.NotEqual(notThis, RunDirectory.FolderName(name));
    }

    [Fact]
    public async Task A_run_is_held_by_one_coordinator_and_each_gets_a_higher_number()
    {
        var run = RunDirectory.Create(_state.Path, SampleJob.Named("sample"), Noon);
        using (var first = await RunLease.TakeAsync(run, TimeProvider.System, default))
        {
            Assert.True(RunLease.IsHeld(run));
            var refused = await Assert.ThrowsAsync<Fault>(async () => await RunLease.TakeAsync(run, TimeProvider.System, default));
            Assert.Equal(FaultKind.Refused, refused.Kind);
            Assert.Contains($"process {Environment.ProcessId}", refused.Message);
            first.AssertHolder();
        }

        Assert.False(RunLease.IsHeld(run));
        using var second = await RunLease.TakeAsync(run, TimeProvider.System, default);
        Assert.Equal(2, second.Epoch);
    }

    [Fact]
    public async Task A_coordinator_that_was_replaced_may_not_publish()
    {
        var run = RunDirectory.Create(_state.Path, SampleJob.Named("sample"), Noon);
        using var paused = await RunLease.TakeAsync(run, TimeProvider.System, default);
        Assert.True(run.TryWriteEpoch(new EpochRecord { Epoch = paused.Epoch + 1, Host = "elsewhere", Pid = 1, Began = Noon }));
        var refused = Assert.Throws<Fault>(paused.AssertHolder);
        Assert.Contains("another coordinator", refused.Message);
    }

    [Fact]
    public async Task Who_takes_a_run_over_removes_what_killed_writers_had_begun()
    {
        var run = RunDirectory.Create(_state.Path, SampleJob.Named("sample"), Noon);
        (await RunLease.TakeAsync(run, TimeProvider.System, default)).Dispose();
        var results = Directory.CreateDirectory(Path.Combine(run.Path, "streams", "s", "g1", "results", "000000")).FullName;
        string[] begun = [Path.Combine(results, ".000000001.json.0123456789ab.tmp"), Path.Combine(run.Path, ".report.json.0123456789ab.tmp")];
        var kept = Path.Combine(results, "000000000.json");
        foreach (var path in begun.Append(kept)) await File.WriteAllTextAsync(path, "{");
        using var lease = await RunLease.TakeAsync(run, TimeProvider.System, default);
        Assert.All(begun, static path => Assert.False(File.Exists(path), path));
        Assert.True(File.Exists(kept));
    }

    [Fact]
    public void What_was_killed_before_its_run_began_goes_when_the_next_one_begins()
    {
        var dead = Directory.CreateDirectory(Path.Combine(_state.Path, "runs", "20260101T000000-sample-dead")).FullName;
        File.WriteAllText(Path.Combine(dead, ".job.json.0123456789ab.tmp"), "");
        var begun = RunDirectory.Create(_state.Path, SampleJob.Named("sample"), Noon);
        Assert.Equal([begun.Path], Directory.GetDirectories(Path.Combine(_state.Path, "runs")));

        // One that just begins holds its lock.
        Directory.CreateDirectory(dead);
        using (FileLock.TryAcquire(Path.Combine(dead, "lock"), "somebody"))
            RunDirectory.Create(_state.Path, SampleJob.Named("sample"), Noon);
        Assert.True(Directory.Exists(dead));
        Assert.Equal(2, RunList.Enumerate(_state.Path).Count());
    }

    [Fact]
    public async Task A_report_counts_for_its_coordinator_whatever_the_clock_says()
    {
        var run = RunDirectory.Create(_state.Path, SampleJob.Named("sample"), Noon);
        (await RunLease.TakeAsync(run, TimeProvider.System, default)).Dispose();
        run.WriteReport(new RunReport { Epoch = 1, Summary = new RunSummary { Run = run.Run, Status = RunStatus.Succeeded }, Ended = DateTimeOffset.MinValue, Commits = [] });
        Assert.Equal(RunStatus.Succeeded, RunList.Describe(run).Status);
        (await RunLease.TakeAsync(run, TimeProvider.System, default)).Dispose();
        Assert.Equal(RunStatus.Interrupted, RunList.Describe(run).Status);
    }

    [Fact]
    public async Task Statuses_follow_lock_and_report()
    {
        var run = RunDirectory.Create(_state.Path, SampleJob.Named("sample"), Noon);
        using (await RunLease.TakeAsync(run, TimeProvider.System, default))
            Assert.Equal(RunStatus.Running, RunList.Describe(run).Status);
        Assert.Equal(RunStatus.Interrupted, RunList.Describe(run).Status);
        Assert.Equal(run.Run, RunList.LatestUnfinished(_state.Path).Run);
        Assert.Throws<Fault>(() => RunList.Remove(RunList.Describe(run)));

        var summary = new RunSummary { Run = run.Run, Status = RunStatus.Succeeded };
        run.WriteReport(new RunReport { Epoch = 1, Summary = summary, Ended = DateTimeOffset.MaxValue, Commits = [] });
        var listed = Assert.Single(RunList.Enumerate(_state.Path));
        Assert.Equal(RunStatus.Succeeded, listed.Status);
        RunList.Remove(listed);
        Assert.Empty(RunList.Enumerate(_state.Path));
        Assert.Throws<Fault>(() => RunList.LatestUnfinished(_state.Path));
    }

    [Fact]
    public void A_run_of_another_version_is_refused_and_a_name_can_not_leave_the_state_folder()
    {
        var run = RunDirectory.Create(_state.Path, SampleJob.Named("sample"), Noon);
        var file = Path.Combine(run.Path, "run.json");
        File.WriteAllText(file, File.ReadAllText(file).Replace($"\"version\":\"{ProductVersion.Current}\"", "\"version\":\"9.9.9\"", StringComparison.Ordinal));
        var refused = Assert.Throws<Fault>(RunDirectory.Open(_state.Path, run.Run).AssertSameVersion);
        Assert.Contains("9.9.9", refused.Message);
        Assert.Throws<Fault>(() => RunDirectory.Open(_state.Path, "../runs/" + run.Run + "/../../x"));
        Assert.Throws<Fault>(() => RunDirectory.Open(_state.Path, "nothing"));
    }

    [Fact]
    public void Damage_is_said_with_the_file()
    {
        var run = RunDirectory.Create(_state.Path, SampleJob.Named("sample"), Noon);
        File.WriteAllText(Path.Combine(run.Path, "run.json"), "{\"layout\":1");
        var damaged = Assert.Throws<Fault>(() => RunDirectory.Open(_state.Path, run.Run));
        Assert.EndsWith("run.json", damaged.Where);
    }

    [Fact]
    public void A_fault_survives_the_way_through_json()
    {
        var fault = new Fault(FaultKind.Data, "a value") { Side = FaultSide.Target, Retryable = true, Where = "x:1", Advice = "do", Code = "22000" };
        var report = new RunReport
        {
            Summary = new RunSummary { Run = "r", Status = RunStatus.Failed, Faults = [fault] },
            Epoch = 1,
            Ended = Noon,
            Commits = [],
        };
        var back = RunJson.Read(RunJson.Line(report, RunJson.Default.RunReport), RunJson.Default.RunReport, "x").Summary.Faults[0];
        Assert.Equal(
            (fault.Kind, fault.Side, fault.Retryable, fault.Message, fault.Where, fault.Advice, fault.Code),
            (back.Kind, back.Side, back.Retryable, back.Message, back.Where, back.Advice, back.Code));
    }
}
