using System.Collections.Immutable;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Runs;

namespace Millrace.Verify;

/// <summary>What has changed since the run: the first ones are named, all are counted. Thread safe.</summary>
internal sealed class ChangeList
{
    private readonly Lock _lock = new();
    private readonly SortedList<(long Unit, int Side, long Order), PlaceChange> _named = [];
    private long _count;

    /// <summary>How many.</summary>
    public long Count => Interlocked.Read(ref _count);

    /// <summary>The first of them, in the units' order.</summary>
    public ImmutableArray<PlaceChange> Named
    {
        get { lock (_lock) return [.. _named.Values]; }
    }

    /// <summary>Adds one.</summary>
    public void Add(FaultSide side, long? unit, string where, string text)
    {
        lock (_lock)
        {
            _named.Add((unit ?? long.MaxValue, (int)side, _count++), new PlaceChange(side, unit, where, text));
            if (_named.Count > Limits.VerifyNamedMax) _named.RemoveAt(_named.Count - 1);
        }
    }

    /// <summary>Adds one if what is there now is not what a unit's result has recorded. True: it is not.</summary>
    /// <param name="side">The side that was read.</param>
    /// <param name="result">What the unit has recorded.</param>
    /// <param name="now">What is there now, all columns; null: not all columns can be compared, only rows are.</param>
    /// <param name="rows">Rows that are there now.</param>
    /// <param name="where">The range or the files, for people.</param>
    public bool AddIfChanged(FaultSide side, UnitResult result, ContentHash? now, long rows, string where)
    {
        var recorded = side == FaultSide.Source ? result.HashIn : result.HashOut;
        if (result.RowsWritten == rows && (now is null || recorded is null || ResultHashes.Read(result, recorded) == now)) return false;
        Add(side, result.Number, where, TextOf(result.RowsWritten, rows));
        return true;
    }

    /// <summary>Rows then and now.</summary>
    public static string TextOf(long then, long now) => then == now ? $"the same number of rows ({now}), other values" : $"rows {then} → {now}";
}
