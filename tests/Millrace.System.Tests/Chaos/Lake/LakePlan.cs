using Millrace.SystemTests.Chaos.Faults;
using Millrace.SystemTests.Chaos.Points;

namespace Millrace.SystemTests.Chaos.Lake;

/// <summary>A run from PostgreSQL or files to files.</summary>
internal sealed record LakePlan : ChaosPlan
{
    // Each stage is planned and has units, those of keys fewer than those of the source.
    private const int StagesTimes = 2;

    /// <summary>Whether the target is CSV; else Parquet.</summary>
    public required bool ToCsv { get; init; }

    /// <summary>Whether rows are added to those that are there; else they are replaced.</summary>
    public required bool IsAppend { get; init; }

    /// <summary>Whether the job has steps that need all rows of a key, and folders whose rows are put together: rows go through several stages.</summary>
    public required bool HasStages { get; init; }

    /// <summary>With so many, these rows are too many to be put together in one unit.</summary>
    public override int EmptyColumns => HasStages && !IsServer ? 90 : 0;

    protected override string Way => $"{(HasStages ? "through stages, " : "")}{(IsServer ? IsEncrypted ? "PostgreSQL with TLS" : "PostgreSQL" : "CSV")} to {(ToCsv ? "CSV" : "Parquet")}, {(IsAppend ? "append" : "overwrite")}";

    /// <summary>The plan of a seed.</summary>
    public static LakePlan Of(int seed, bool hasStages = false)
    {
        var random = new Random(seed);
        var isServer = random.Next(3) > 0;
        var disk = random.Next(4) == 0 ? (ChaosDisk)random.Next(1, 4) : ChaosDisk.None;
        var plan = new LakePlan
        {
            Seed = seed,
            IsServer = isServer,
            IsEncrypted = random.Next(3) == 0,
            ToCsv = random.Next(3) == 0,
            IsAppend = random.Next(2) == 0,
            Rows = hasStages && !isServer ? [random.Next(7800, 9000)] : [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => random.Next(400, 2500))],
            Disk = disk,
            HasClock = random.Next(5) == 0,
            HasStages = hasStages,
            Rounds = [],
        };
        var rounds = new List<(ChaosMoment, ChaosFault)>();
        for (var round = random.Next(1, RoundsMax + 1); round > 0; round--) rounds.Add(plan.Choose(random, rounds.Count == 0));
        return plan with { Rounds = rounds };
    }

    /// <inheritdoc/>
    public override ChaosTarget TargetOf(ChaosWorld world, ChaosGround ground) => new LakeTarget(this, world, ground);

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
            < 8 and var choice => ProcessFault(choice, random, time),
            8 => new KillFault(ChaosVictim.Keepers),
            9 => new PauseFault(random.Next(2) == 0 ? ChaosVictim.Keepers : ChaosVictim.Everybody, time),
            10 => new RestartFault(Crash: random.Next(2) == 0),
            _ => new ConnectionFault((ConnectionTrouble)random.Next(3), time),
        };
    }

    /// <summary>Connections are disturbed between bytes; all else happens there too, now and then. A point of a run's beginning comes only once.</summary>
    private ChaosMoment ChooseMoment(Random random, ChaosFault fault, bool isFirst)
    {
        if (fault is ConnectionFault || (IsServer && random.Next(4) == 0)) return new ChaosMoment(new BytePoint(), random.Next(1, 15_000 + (Rows.Sum() * 80)));
        var points = FilePoint.All.Where(point => (isFirst || point.Phase != ChaosPhase.Begin) && (IsServer || point.Name != "the keeper is asked"))
            .Concat(HasStages ? FilePoint.OfStages : []).ToList();
        var point = points[random.Next(points.Count)];
        var times = TimesOf(point) * (HasStages && point.Phase is ChaosPhase.Plan or ChaosPhase.Load && point.Comes != ChaosOften.Once ? StagesTimes : 1);
        return new ChaosMoment(point, random.Next(1, times + 1));
    }

    /// <summary>Points on a disk of its own can't be watched: a mount is watched as a whole, and it is another one.</summary>
    private bool Reaches(ChaosMoment moment) => moment.Point is not FilePoint point || Disk switch
    {
        ChaosDisk.Target => point.Phase is ChaosPhase.Plan or ChaosPhase.Load && point.Name is not ("staging is made" or "a unit is written"),
        ChaosDisk.State => point.Name is "staging is made" or "a unit is written" or "the table is marked" or "the table is locked",
        _ => true,
    };
}
