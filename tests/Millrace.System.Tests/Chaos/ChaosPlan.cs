using System.Globalization;
using Millrace.SystemTests.Chaos.Faults;
using Millrace.SystemTests.Chaos.Points;

namespace Millrace.SystemTests.Chaos;

/// <summary>What one chaos run does: all of it follows from a seed.</summary>
internal abstract record ChaosPlan
{
    /// <summary>Rows that a unit is to have.</summary>
    public const int UnitRows = 300;

    /// <summary>Disturbed starts of the program at most.</summary>
    protected const int RoundsMax = 3;

    /// <summary>The seed.</summary>
    public required int Seed { get; init; }

    /// <summary>Whether the source is PostgreSQL; else a folder of CSV files.</summary>
    public required bool IsServer { get; init; }

    /// <summary>Whether the source's connection is encrypted: then what is cut is no message of PostgreSQL's but one of TLS.</summary>
    public required bool IsEncrypted { get; init; }

    /// <summary>Rows of each table.</summary>
    public required IReadOnlyList<int> Rows { get; init; }

    /// <summary>Columns of the source's files that no target gets.</summary>
    public virtual int EmptyColumns => 0;

    /// <summary>What lies on a small disk.</summary>
    public required ChaosDisk Disk { get; init; }

    /// <summary>Whether the processes see a clock of the test's.</summary>
    public required bool HasClock { get; init; }

    /// <summary>Each disturbed start of the program: what is done, and when.</summary>
    public required IReadOnlyList<(ChaosMoment Moment, ChaosFault Fault)> Rounds { get; init; }

    /// <summary>From where to where, and how.</summary>
    protected abstract string Way { get; }

    /// <summary>The target in a world of this plan.</summary>
    public abstract ChaosTarget TargetOf(ChaosWorld world, ChaosGround ground);

    /// <summary>What a person needs to see what the seed means.</summary>
    public sealed override string ToString()
    {
        var disk = Disk == ChaosDisk.None ? "" : $", small disk: {Disk}";
        var rounds = string.Join("; ", Rounds.Select(static round => $"{round.Fault.Name} {round.Moment}"));
        return string.Create(CultureInfo.InvariantCulture, $"seed {Seed}: {Way}, rows {string.Join('+', Rows)}{disk}: {rounds}");
    }

    /// <summary>The faults that every world has: number 0 to 7, the frequent ones twice.</summary>
    protected static ChaosFault ProcessFault(int number, Random random, TimeSpan time) => number switch
    {
        0 or 1 => new KillFault(ChaosVictim.Coordinator),
        2 => new KillFault(ChaosVictim.Everybody),
        3 or 4 => new KillFault(ChaosVictim.Workers),
        5 => new PauseFault(random.Next(2) == 0 ? ChaosVictim.Coordinator : ChaosVictim.Workers, time),
        6 => new ReplaceFault(),
        _ => new OutliveFault(time),
    };

    /// <summary>How often a point comes in an undisturbed run of this plan, at least.</summary>
    protected int TimesOf(ChaosPoint point) => point.Comes switch
    {
        ChaosOften.Once => 1,
        ChaosOften.Twice => 2,
        ChaosOften.EachStream => Rows.Count,
        ChaosOften.TwiceEachStream => 2 * Rows.Count,
        _ => Rows.Sum() / UnitRows,
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
