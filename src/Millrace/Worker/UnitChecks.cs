using System.Collections.Immutable;
using Millrace.DuckDb;
using Millrace.Extract;
using Millrace.Runs;
using Millrace.Transform;

namespace Millrace.Worker;

/// <summary>
/// A stage's rules around one attempt at a unit: rows that break them are counted as they pass, some are kept, those that must go to quarantine
/// leave. Rows with the same values are found in place, or by asking the unit's buckets once more.
/// </summary>
internal sealed class UnitChecks : IDisposable
{
    private readonly StageChecks _checks;
    private readonly RuleTaps _taps;
    private readonly RuleTally _tally;
    private readonly List<RuleTap> _open = [];

    private UnitChecks(StageChecks checks, RuleTaps taps)
    {
        _checks = checks;
        _taps = taps;
        _tally = new RuleTally(checks.Rules, Limits.RuleSamplesMax);
    }

    /// <summary>Opens them where a stage has rules; null otherwise.</summary>
    public static UnitChecks? Open(StreamHeader header, RuleTaps taps) => header.Stage?.Checks is { } checks ? new UnitChecks(checks, taps) : null;

    /// <summary>The rules that rows have broken; null: none was.</summary>
    public ImmutableArray<RuleCount>? Counts()
    {
        var counts = ImmutableArray.CreateBuilder<RuleCount>();
        for (var rule = 0; rule < _checks.Rules; rule++)
        {
            if (_tally.RowsOf(rule) is > 0 and var rows) counts.Add(new RuleCount(rule, rows, [.. _tally.SamplesOf(rule)]));
        }

        return counts.Count == 0 ? null : counts.ToImmutable();
    }

    /// <summary>A SELECT of the rows that stay.</summary>
    /// <param name="select">The steps' SELECT.</param>
    /// <param name="quarantine">Takes the others.</param>
    /// <param name="header">The stream as it is written.</param>
    public string Over(string select, Quarantine? quarantine, StreamHeader header)
    {
        if (!_checks.Rows.IsEmpty) select = Counted(select, _checks.Rows);
        select = quarantine?.OverChecked(select, header) ?? select;
        if (!_checks.InPlace || _checks.Unique.IsEmpty) return select;
        return CheckSql.InOrder(Counted(CheckSql.WithSame(select, _checks.Unique), CheckSql.Twice(_checks.Unique)), _checks.Unique);
    }

    /// <summary>After the copy: counts the rows of the unit's buckets that have the same values.</summary>
    /// <param name="open">Reads the unit once more.</param>
    /// <param name="steps">The stage's steps once more.</param>
    /// <param name="connection">Runs it.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task CompareAsync(Func<ValueTask<IUnitInput>> open, Func<UnitSteps?> steps, DuckDbConnection connection, CancellationToken cancel)
    {
        if (_checks.InPlace) return;
        foreach (var check in _checks.Unique)
        {
            await using var input = await open().ConfigureAwait(false);
            using var again = steps();
            using var stop = cancel.Register(() =>
            {
                input.Cancel();
                again?.Cancel();
            });
            using var answer = await connection.QueryAsync(CheckSql.CountTwice(again?.Over(input.Select) ?? input.Select, _checks, check), cancel).ConfigureAwait(false);
            answer.Read();
            _tally.Add(check.Rule, answer.GetInt64(0), answer.GetTextList(1)?.OfType<string>() ?? []);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tap in _open) tap.Dispose();
    }

    private string Counted(string select, ImmutableArray<RowCheck> rows)
    {
        var tap = _taps.Open(_tally);
        _open.Add(tap);
        return tap.Over(select, CheckSql.Broken(rows), CheckSql.Cut(RejectLine.RowOf(_checks.ShownFirst)));
    }
}
