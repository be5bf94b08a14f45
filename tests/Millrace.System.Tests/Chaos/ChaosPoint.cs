using System.Text.RegularExpressions;

namespace Millrace.SystemTests.Chaos;

/// <summary>
/// A named point of a run: the moment right before a certain file or folder is opened for the nth time. The program knows nothing of it;
/// <see cref="Moves.Doorstep"/> stops it there.
/// </summary>
/// <param name="Name">What is about to happen.</param>
/// <param name="Phase">Where that is on the way of the rows.</param>
/// <param name="Path">The path below the world's folder.</param>
/// <param name="Comes">How often it comes in an undisturbed run, at least.</param>
internal sealed partial record ChaosPoint(string Name, ChaosPhase Phase, Regex Path, ChaosOften Comes = ChaosOften.Once)
{
    /// <summary>All of them, in the order of an undisturbed run.</summary>
    public static IReadOnlyList<ChaosPoint> All { get; } =
    [
        new("the target is tried", ChaosPhase.Begin, Probe()),
        new("the job is kept", ChaosPhase.Begin, Job()),
        new("the run is made", ChaosPhase.Begin, Manifest()),
        new("the run is locked", ChaosPhase.Plan, Lock()),
        new("the coordinator is numbered", ChaosPhase.Plan, Epoch()),
        new("the story begins", ChaosPhase.Plan, Story()),
        new("staging is made", ChaosPhase.Plan, Staging(), ChaosOften.EachStream),
        new("a stream is described", ChaosPhase.Plan, Header(), ChaosOften.EachStream),
        new("a stream is planned", ChaosPhase.Plan, Plan(), ChaosOften.EachStream),
        new("the keeper is asked", ChaosPhase.Plan, Keeper()),
        new("a worker begins", ChaosPhase.Load, Workers(), ChaosOften.Twice),
        new("a unit is written", ChaosPhase.Load, Unit(), ChaosOften.EachUnit),
        new("a result is written", ChaosPhase.Load, Result(), ChaosOften.EachUnit),
        new("results are read", ChaosPhase.Commit, Results(), ChaosOften.EachUnit),
        new("the hold is asked for", ChaosPhase.Commit, Holds(), ChaosOften.TwiceEachStream),
        new("the table is put together", ChaosPhase.Commit, Table(), ChaosOften.EachStream),
        new("the table is locked", ChaosPhase.Commit, TableLock(), ChaosOften.EachStream),
        new("the table is marked", ChaosPhase.Commit, Mark(), ChaosOften.EachStream),
        new("the folder of the tables is flushed", ChaosPhase.Commit, Lake(), ChaosOften.EachStream),
        new("the commit is noted", ChaosPhase.Commit, Commit(), ChaosOften.EachStream),
        new("the run is reported", ChaosPhase.Commit, Report()),
    ];

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
}

/// <summary>How often something comes in a run.</summary>
internal enum ChaosOften
{
    /// <summary>Once.</summary>
    Once,

    /// <summary>Twice.</summary>
    Twice,

    /// <summary>For each stream.</summary>
    EachStream,

    /// <summary>Twice for each stream.</summary>
    TwiceEachStream,

    /// <summary>For each unit.</summary>
    EachUnit,
}

/// <summary>A part of the way of the rows.</summary>
internal enum ChaosPhase
{
    /// <summary>Before there is a run that could be resumed.</summary>
    Begin,

    /// <summary>Until units can run.</summary>
    Plan,

    /// <summary>While units run.</summary>
    Load,

    /// <summary>From the last result to the end.</summary>
    Commit,
}
