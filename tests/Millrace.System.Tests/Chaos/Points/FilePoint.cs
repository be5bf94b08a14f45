using System.Text.RegularExpressions;
using Millrace.SystemTests.Moves;

namespace Millrace.SystemTests.Chaos.Points;

/// <summary>The moment right before a certain file or folder is opened for the nth time; <see cref="Doorstep"/> stops the program there.</summary>
/// <param name="Name">What is about to happen.</param>
/// <param name="Phase">Where that is on the way of the rows.</param>
/// <param name="Path">The path below the world's folder.</param>
/// <param name="Comes">How often it comes in an undisturbed run, at least.</param>
internal sealed partial record FilePoint(string Name, ChaosPhase Phase, Regex Path, ChaosOften Comes = ChaosOften.Once) : ChaosPoint(Name, Phase, Comes)
{
    /// <summary>All of them, in the order of an undisturbed run.</summary>
    public static IReadOnlyList<FilePoint> All { get; } =
    [
        new("the target is tried", ChaosPhase.Begin, Probe()) { IsOfFiles = true },
        new("the job is kept", ChaosPhase.Begin, Job()),
        new("the run is made", ChaosPhase.Begin, Manifest()),
        new("the run is locked", ChaosPhase.Plan, Lock()),
        new("the coordinator is numbered", ChaosPhase.Plan, Epoch()),
        new("the story begins", ChaosPhase.Plan, Story()),
        new("staging is made", ChaosPhase.Plan, Staging(), ChaosOften.EachStream) { IsOfFiles = true },
        new("a stream is described", ChaosPhase.Plan, Header(), ChaosOften.EachStream),
        new("a stream is planned", ChaosPhase.Plan, Plan(), ChaosOften.EachStream),
        new("the keeper is asked", ChaosPhase.Plan, Keeper()),
        new("a worker begins", ChaosPhase.Load, Workers(), ChaosOften.Twice),
        new("a unit is written", ChaosPhase.Load, Unit(), ChaosOften.EachUnit) { IsOfFiles = true },
        new("a result is written", ChaosPhase.Load, Result(), ChaosOften.EachUnit),
        new("results are read", ChaosPhase.Commit, Results(), ChaosOften.EachUnit),
        new("the hold is asked for", ChaosPhase.Commit, Holds(), ChaosOften.TwiceEachStream),
        new("the table is put together", ChaosPhase.Commit, Table(), ChaosOften.EachStream) { IsOfFiles = true },
        new("the table is locked", ChaosPhase.Commit, TableLock(), ChaosOften.EachStream) { IsOfFiles = true },
        new("the table is marked", ChaosPhase.Commit, Mark(), ChaosOften.EachStream) { IsOfFiles = true },
        new("the folder of the tables is flushed", ChaosPhase.Published, Lake(), ChaosOften.EachStream) { IsOfFiles = true },
        new("the commit is noted", ChaosPhase.Published, Commit(), ChaosOften.EachStream),
        new("the run is reported", ChaosPhase.Published, Report()),
    ];

    /// <summary>Those of a job whose rows go through stages.</summary>
    public static IReadOnlyList<FilePoint> OfStages { get; } =
    [
        new("a bucket file is opened", ChaosPhase.Load, Buckets(), ChaosOften.EachUnit),
        new("a folder of buckets is made", ChaosPhase.Load, BucketFolder(), ChaosOften.EachStream),
        new("stages are removed", ChaosPhase.Published, Stages(), ChaosOften.EachStream),
    ];

    /// <summary>Whether it comes only where the target is a folder of files.</summary>
    public bool IsOfFiles { get; private init; }

    /// <inheritdoc/>
    public override IChaosWatch Watch(ChaosWorld world, int count) => new DoorWatch(world.Folder, this, count);

    [GeneratedRegex(@"\.buckets$")]
    private static partial Regex Buckets();

    [GeneratedRegex("/stages/[^/]+/[^/]*buckets[^/]*$")]
    private static partial Regex BucketFolder();

    [GeneratedRegex("/stages$")]
    private static partial Regex Stages();

    [GeneratedRegex(@"^\.millrace-probe$")]
    private static partial Regex Probe();

    [GeneratedRegex(@"/\.job\.json\.")]
    private static partial Regex Job();

    [GeneratedRegex(@"/\.run\.json\.")]
    private static partial Regex Manifest();

    [GeneratedRegex("^state/runs/[^/]+/lock$")]
    private static partial Regex Lock();

    [GeneratedRegex(@"/epochs/\.")]
    private static partial Regex Epoch();

    [GeneratedRegex(@"/story\.ndjson$")]
    private static partial Regex Story();

    [GeneratedRegex(@"^\.lake\.millrace(/[^/]+){0,2}$")]
    private static partial Regex Staging();

    [GeneratedRegex(@"/\.stream\.json\.")]
    private static partial Regex Header();

    [GeneratedRegex(@"/plan\.ndjson$")]
    private static partial Regex Plan();

    [GeneratedRegex(@"\.sign$")]
    private static partial Regex Keeper();

    [GeneratedRegex(@"/workers\.lock$")]
    private static partial Regex Workers();

    [GeneratedRegex(@"/units/[^/]+\.(parquet|csv)$")]
    private static partial Regex Unit();

    [GeneratedRegex(@"/results/\d+/\.")]
    private static partial Regex Result();

    [GeneratedRegex(@"/results/\d+/\d+\.json$")]
    private static partial Regex Results();

    [GeneratedRegex("/epochs$")]
    private static partial Regex Holds();

    [GeneratedRegex(@"^\.lake\.millrace/.*/table$")]
    private static partial Regex Table();

    [GeneratedRegex(@"/\.lock-[^/]+$")]
    private static partial Regex TableLock();

    [GeneratedRegex(@"/table/\._millrace\.json\.")]
    private static partial Regex Mark();

    [GeneratedRegex("^lake$")]
    private static partial Regex Lake();

    [GeneratedRegex(@"/\.commit\.json\.")]
    private static partial Regex Commit();

    [GeneratedRegex(@"/\.report\.json\.")]
    private static partial Regex Report();

    private sealed class DoorWatch : IChaosWatch
    {
        private readonly Doorstep _door;
        private int _left;

        public DoorWatch(string folder, FilePoint point, int count)
        {
            _left = count;
            _door = new Doorstep(folder, path => point.Path.IsMatch(System.IO.Path.GetRelativePath(folder, path)) && --_left == 0);
        }

        public async Task<bool> ReachedAsync(Task ended) => await _door.HeldOrEndAsync(ended) is not null;

        public void Release() => _door.Release();

        public ValueTask DisposeAsync()
        {
            _door.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
