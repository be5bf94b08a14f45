using Millrace.SystemTests.Chaos.Faults;
using Millrace.SystemTests.Chaos.Points;

namespace Millrace.SystemTests.Chaos.Database;

/// <summary>A run from PostgreSQL to PostgreSQL.</summary>
internal sealed record DatabasePlan : ChaosPlan
{
    /// <summary>How rows find those that are there.</summary>
    public required DatabaseMode Mode { get; init; }

    /// <summary>Whether tables and schema are not there before.</summary>
    public required bool IsNew { get; init; }

    /// <summary>Whether something must look at the rows, so that they do not pass undecoded.</summary>
    public required bool IsDecoded { get; init; }

    /// <summary>Whether both databases are on one server.</summary>
    public required bool IsOneServer { get; init; }

    /// <summary>Whether the target's connections are encrypted: then its statements can't be read on their way.</summary>
    public required bool IsTargetEncrypted { get; init; }

    protected override string Way =>
        $"{(IsOneServer ? "one PostgreSQL" : "PostgreSQL to PostgreSQL")}{(IsTargetEncrypted ? " with TLS" : "")}, {Mode}{(IsNew ? " into new tables" : "")}, {(IsDecoded ? "decoded" : "passed")}";

    /// <summary>The plan of a seed.</summary>
    public static DatabasePlan Of(int seed)
    {
        var random = new Random(seed);
        var mode = (DatabaseMode)random.Next(6);
        var plan = new DatabasePlan
        {
            Seed = seed,
            IsServer = true,
            Mode = mode,
            IsNew = mode != DatabaseMode.Replace && random.Next(5) == 0,
            IsDecoded = random.Next(2) == 0,
            IsOneServer = random.Next(5) == 0,
            IsEncrypted = random.Next(4) == 0,
            IsTargetEncrypted = random.Next(5) == 0,
            Rows = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => random.Next(400, 2500))],
            Disk = random.Next(6) == 0 ? random.Next(2) == 0 ? ChaosDisk.State : ChaosDisk.All : ChaosDisk.None,
            HasClock = random.Next(8) == 0,
            Rounds = [],
        };
        var rounds = new List<(ChaosMoment, ChaosFault)>();
        for (var round = random.Next(1, RoundsMax + 1); round > 0; round--) rounds.Add(plan.Choose(random, rounds.Count == 0));
        return plan with { Rounds = rounds };
    }

    /// <inheritdoc/>
    public override ChaosTarget TargetOf(ChaosWorld world, ChaosGround ground) => new DatabaseTarget(this, world, ground.TargetOf(this));

    private (ChaosMoment Moment, ChaosFault Fault) Choose(Random random, bool isFirst)
    {
        while (true)
        {
            var (fault, moment) = (ChooseFault(random), ChooseMoment(random, isFirst));
            if (fault.Fits(moment)) return (moment, fault);
        }
    }

    private ChaosFault ChooseFault(Random random)
    {
        if (Disk != ChaosDisk.None && random.Next(3) > 0) return new FullDiskFault();
        if (HasClock && random.Next(2) == 0) return new ClockFault(random.Next(1, 100_000));
        var time = TimeSpan.FromMilliseconds(random.Next(50, 800));
        return random.Next(IsOneServer ? 16 : 20) switch
        {
            < 8 and var choice => ProcessFault(choice, random, time),
            8 => new KillFault(ChaosVictim.Keepers),
            9 => new PauseFault(random.Next(2) == 0 ? ChaosVictim.Keepers : ChaosVictim.Everybody, time),
            10 => new RestartFault(Crash: random.Next(2) == 0),
            < 15 => new ConnectionFault((ConnectionTrouble)random.Next(3), time),
            15 => new ReplaceFault(),
            16 or 17 => new RestartFault(Crash: random.Next(2) == 0, ChaosEnd.Target),
            _ => new FailOverFault(OldLivesOn: random.Next(2) == 0),
        };
    }

    /// <summary>Half of the moments are statements of the target's; a point of a run's beginning comes only once.</summary>
    private ChaosMoment ChooseMoment(Random random, bool isFirst)
    {
        IReadOnlyList<ChaosPoint> points = random.Next(8) switch
        {
            0 => [new BytePoint(random.Next(2) == 0 ? ChaosEnd.Source : ChaosEnd.Target)],
            1 when !IsNew => [new LockPoint()],
            // Points on a disk of its own can't be watched: a mount is watched as a whole, and it is another one.
            2 or 3 or 4 when Disk != ChaosDisk.State => [.. FilePoint.All.Where(point => !point.IsOfFiles && (isFirst || point.Phase != ChaosPhase.Begin))],
            _ when !IsTargetEncrypted => StatementPoint.All,
            _ => [new BytePoint(ChaosEnd.Target)],
        };
        var point = points[random.Next(points.Count)];
        return new ChaosMoment(point, random.Next(1, point is BytePoint ? 20_000 + (Rows.Sum() * 80) : TimesOf(point) + 1));
    }
}

/// <summary>How rows find those that are there.</summary>
internal enum DatabaseMode
{
    /// <summary>overwrite: the table is exchanged.</summary>
    Exchange,

    /// <summary>overwrite of a table that can't be exchanged: its rows are replaced.</summary>
    Replace,

    /// <summary>append.</summary>
    Append,

    /// <summary>merge.</summary>
    Merge,

    /// <summary>incremental with a key.</summary>
    Incremental,

    /// <summary>incremental without a key: the window of the cursor is replaced.</summary>
    Window,
}
