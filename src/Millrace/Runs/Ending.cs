using System.Collections.Immutable;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Telemetry;
using Millrace.Transform;

namespace Millrace.Runs;

/// <summary>What a run comes to, gathered from its streams. Thread safe.</summary>
internal sealed class Ending
{
    private readonly Lock _lock = new();
    private ImmutableArray<Fault> _faults = [];
    private ImmutableArray<CommitRecord> _commits = [];

    /// <summary>The faults so far.</summary>
    public ImmutableArray<Fault> Faults
    {
        get { lock (_lock) return _faults; }
    }

    /// <summary>The commits so far.</summary>
    public ImmutableArray<CommitRecord> Commits
    {
        get { lock (_lock) return _commits; }
    }

    /// <summary>Adds a failed stream's fault, or the run's own.</summary>
    public void Add(Fault fault)
    {
        lock (_lock) _faults = _faults.Add(fault);
    }

    /// <summary>Adds a committed stream.</summary>
    public void Add(CommitRecord commit)
    {
        lock (_lock) _commits = _commits.Add(commit);
    }

    /// <summary>Adds a committed stream and says so.</summary>
    public void Commit(ActiveRun run, CommitRecord commit)
    {
        Add(commit);
        run.On(new StreamCommitted(
            commit.Stream, commit.Receipt, commit.Hash, commit.Rejected, commit.Rejected == 0 ? null : run.Directory.Stream(commit.Stream).RejectsPath)
        {
            Rules = commit.Rules,
            Lookups = commit.Lookups,
        });
    }

    /// <summary>Adds a stream's failure and says so.</summary>
    public void Fail(ActiveRun run, StreamJob stream, Fault fault)
    {
        Add(fault);
        run.On(new StreamFailed(stream.Name, fault));
    }

    /// <summary>The sum of it all.</summary>
    public RunSummary Summary(string run)
    {
        lock (_lock)
        {
            return new RunSummary
            {
                Run = run,
                Status = _faults.IsEmpty ? RunStatus.Succeeded
                    : _faults.Any(fault => fault.Kind == FaultKind.Cancelled) ? RunStatus.Cancelled
                    : RunStatus.Failed,
                RowsRead = _commits.Sum(commit => commit.RowsRead),
                RowsWritten = _commits.Sum(commit => commit.Receipt.Rows),
                Lookups = LookupCounts.Sum(_commits.Select(commit => commit.Lookups)),
                RowsRejected = _commits.Sum(commit => commit.Rejected),
                BytesRead = _commits.Sum(commit => commit.BytesRead),
                BytesWritten = _commits.Sum(commit => commit.Receipt.Bytes),
                Units = _commits.Sum(commit => commit.Units),
                Hashes = _commits.Where(commit => commit.Hash is not null).ToImmutableSortedDictionary(commit => commit.Stream, commit => commit.Hash!, StringComparer.Ordinal),
                Rules = _commits.Where(commit => !commit.Rules.IsEmpty).ToImmutableSortedDictionary(commit => commit.Stream, commit => commit.Rules, StringComparer.Ordinal),
                Faults = _faults,
            };
        }
    }
}
