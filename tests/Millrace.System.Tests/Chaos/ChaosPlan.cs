using System.Globalization;
using Millrace.SystemTests.Chaos.Faults;

namespace Millrace.SystemTests.Chaos;

/// <summary>What one chaos run does: all of it follows from a seed.</summary>
internal sealed record ChaosPlan
{
    /// <summary>Rows that a unit is to have.</summary>
    public const int UnitRows = 300;

    private const int RoundsMax = 3;

    /// <summary>The seed.</summary>
    public required int Seed { get; init; }

    /// <summary>Whether the source is PostgreSQL; else a folder of CSV files.</summary>
    public required bool IsServer { get; init; }

    /// <summary>Whether the connection is encrypted: then what is cut is no message of PostgreSQL's but one of TLS.</summary>
    public required bool IsEncrypted { get; init; }

    /// <summary>Whether the target is CSV; else Parquet.</summary>
    public required bool ToCsv { get; init; }

    /// <summary>Whether rows are added to those that are there; else they are replaced.</summary>
    public required bool IsAppend { get; init; }

    /// <summary>Rows of each table.</summary>
    public required IReadOnlyList<int> Rows { get; init; }

    /// <summary>What lies on a small disk.</summary>
    public required ChaosDisk Disk { get; init; }

    /// <summary>Whether the processes see a clock of the test's.</summary>
    public required bool HasClock { get; init; }

    /// <summary>Each disturbed start of the program: what is done, and when.</summary>
    public required IReadOnlyList<(ChaosMoment Moment, ChaosFault Fault)> Rounds { get; init; }

    /// <summary>The plan of a seed.</summary>
    public static ChaosPlan Of(int seed)
    {
        var random = new Random(seed);
        var isServer = random.Next(3) > 0;
        var disk = random.Next(4) == 0 ? (ChaosDisk)random.Next(1, 4) : ChaosDisk.None;
        var plan = new ChaosPlan
        {
            Seed = seed,
            IsServer = isServer,
            IsEncrypted = random.Next(3) == 0,
            ToCsv = random.Next(3) == 0,
            IsAppend = random.Next(2) == 0,
            Rows = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => random.Next(400, 2500))],
            Disk = disk,
            HasClock = random.Next(5) == 0,
            Rounds = [],
        };
        var rounds = new List<(ChaosMoment, ChaosFault)>();
        for (var round = random.Next(1, RoundsMax + 1); round > 0; round--) rounds.Add(plan.Choose(random, rounds.Count == 0));
        return plan with { Rounds = rounds };
    }

    /// <summary>What a person needs to see what the seed means.</summary>
    public override string ToString()
    {
        var disk = Disk == ChaosDisk.None ? "" : $", small disk: {Disk}";
        var rounds = string.Join("; ", Rounds.Select(static round => $"{round.Fault.Name} {round.Moment}"));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"seed {Seed}: {(IsServer ? IsEncrypted ? "PostgreSQL with TLS" : "PostgreSQL" : "CSV")} to {(ToCsv ? "CSV" : "Parquet")}, {(IsAppend ? "append" : "overwrite")}, rows {string.Join('+', Rows)}{disk}: {rounds}");
    }

    private (ChaosMoment Moment, ChaosFault Fault) Choose(Random random, bool isFirst)
    {
        while (true)
        {
            var fault = ChooseFault(random);
            var moment = ChooseMoment(random, fault, isFirst);
            if (fault.Fits(moment) && (fault is not FullDiskFault || Reaches(moment))) return (moment, fault);
        }
    }

    private ChaosFault ChooseFault(Random random)
    {
        if (Disk != ChaosDisk.None && random.Next(3) > 0) return new FullDiskFault();
        if (HasClock && random.Next(2) == 0) return new ClockFault(random.Next(1, 100_000));
        var time = TimeSpan.FromMilliseconds(random.Next(50, 800));
        return random.Next(IsServer ? 14 : 8) switch
        {
            0 or 1 => new KillFault(ChaosVictim.Coordinator),
            2 => new KillFault(ChaosVictim.Everybody),
            3 or 4 => new KillFault(ChaosVictim.Workers),
            5 => new PauseFault(random.Next(2) == 0 ? ChaosVictim.Coordinator : ChaosVictim.Workers, time),
            6 => new ReplaceFault(),
            7 => new OutliveFault(time),
            8 => new KillFault(ChaosVictim.Keepers),
            9 => new PauseFault(random.Next(2) == 0 ? ChaosVictim.Keepers : ChaosVictim.Everybody, time),
            10 => new RestartFault(Crash: random.Next(2) == 0),
            _ => new ConnectionFault((ConnectionTrouble)random.Next(3), time),
        };
    }

    /// <summary>Connections are disturbed between bytes; all else happens there too, now and then. A point of a run's beginning comes only once.</summary>
    private ChaosMoment ChooseMoment(Random random, ChaosFault fault, bool isFirst)
    {
        if (fault is ConnectionFault || (IsServer && random.Next(4) == 0)) return new ChaosMoment(null, random.Next(1, 15_000 + (Rows.Sum() * 80)));
        var points = ChaosPoint.All.Where(point => (isFirst || point.Phase != ChaosPhase.Begin) && (IsServer || point.Name != "the keeper is asked")).ToList();
        var point = points[random.Next(points.Count)];
        var openings = point.Comes switch
        {
            ChaosOften.Once => 1,
            ChaosOften.Twice => 2,
            ChaosOften.EachStream => Rows.Count,
            ChaosOften.TwiceEachStream => 2 * Rows.Count,
            _ => Rows.Sum() / UnitRows,
        };
        return new ChaosMoment(point, random.Next(1, openings + 1));
    }

    /// <summary>Points on a disk of its own can't be watched: a mount is watched as a whole, and it is another one.</summary>
    private bool Reaches(ChaosMoment moment) => moment.Point is not { } point || Disk switch
    {
        ChaosDisk.Target => point.Phase is ChaosPhase.Plan or ChaosPhase.Load && point.Name is not ("staging is made" or "a unit is written"),
        ChaosDisk.State => point.Name is "staging is made" or "a unit is written" or "the table is marked" or "the table is locked",
        _ => true,
    };
}

/// <summary>What lies on a small disk that can be filled.</summary>
internal enum ChaosDisk
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The tables and the staging beside them.</summary>
    Target,

    /// <summary>The run directory.</summary>
    State,

    /// <summary>Both.</summary>
    All,
}
