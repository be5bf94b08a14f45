using System.Collections.Immutable;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Load;
using Millrace.Planning;

namespace Millrace.Transform;

/// <summary>Makes conditions of a stream's rules, over the columns that its steps give.</summary>
/// <param name="check">Types SQL.</param>
/// <param name="columns">The columns.</param>
internal sealed class CheckCompiler(SqlCheck check, ImmutableArray<Column> columns)
{
    private readonly ImmutableArray<RowCheck>.Builder _rows = ImmutableArray.CreateBuilder<RowCheck>();
    private readonly ImmutableArray<Refusal>.Builder _refusals = ImmutableArray.CreateBuilder<Refusal>();

    /// <summary>Whether rows must be looked at: the number of rows is known without.</summary>
    public static bool NeedsRows(StreamJob stream) => stream.Expect.Any(static rule => rule.Kind != ExpectKind.RowCount);

    /// <summary>Whether rows with the same values must meet.</summary>
    public static bool NeedsKey(StreamJob stream) => stream.Expect.Any(static rule => rule.Kind == ExpectKind.Unique);

    /// <summary>The checks of single rows.</summary>
    /// <exception cref="Fault">A rule names no column, or a value that its column can't have.</exception>
    public StageChecks Compile(StreamJob stream)
    {
        for (var i = 0; i < stream.Expect.Length; i++)
        {
            var rule = stream.Expect[i];
            TransformCompiler.AssertColumns(columns, rule.Columns, rule.Mark);
            if (rule.Kind == ExpectKind.Unique && stream.Mode == WriteMode.Incremental)
                throw TransformCompiler.Refused(rule.Mark, "found unique with mode: incremental, which reads the latest rows only", "Take the rule out, or use merge or overwrite.");
            if (rule.Kind is ExpectKind.Unique or ExpectKind.RowCount) continue;
            if (rule.Kind == ExpectKind.NotNull) Add(i, rule, [.. rule.Columns.Select(static column => (column, $"{SqlText.Name(column)} IS NULL"))]);
            else Add(i, rule, [(rule.Columns.FirstOrDefault() ?? "", ConditionOf(rule))]);
        }

        var conditions = stream.Expect.Where(static rule => rule.Condition is not null).Select(static rule => rule.Condition!).ToArray();
        return new StageChecks
        {
            Columns = columns,
            Rows = _rows.ToImmutable(),
            Refusals = _refusals.ToImmutable(),
            Rules = stream.Expect.Length,
            Named = [.. columns.Select(static column => column.Name).Where(name => stream.Expect.Any(rule => rule.Columns.Contains(name, StringComparer.Ordinal))
                || conditions.Any(condition => condition.Contains(name, StringComparison.OrdinalIgnoreCase)))],
        };
    }

    private void Add(int number, ExpectRule rule, ImmutableArray<(string Column, string Broken)> conditions)
    {
        var leaves = rule.Action == ExpectAction.Quarantine;
        _rows.Add(new RowCheck(number, string.Join(" OR ", conditions.Select(static condition => condition.Broken)), leaves));
        if (leaves) _refusals.AddRange(conditions.Select(condition => new Refusal(condition.Column, condition.Broken, $"expected {RuleText.Of(rule)}")));
    }

    /// <summary>True where a row breaks the rule. NULL is not true: it keeps it.</summary>
    private string ConditionOf(ExpectRule rule)
    {
        if (rule.Kind == ExpectKind.Sql) return Condition(rule);
        var column = columns.First(column => column.Name == rule.Columns[0]);
        var type = DuckDbType.Parse(column.Type);
        var name = SqlText.Name(column.Name);
        string Value(string value) => check.LiteralOf(value, type, rule.Mark);
        switch (rule.Kind)
        {
            case ExpectKind.Accepted:
                return $"{name} NOT IN ({string.Join(", ", rule.Values.Select(Value))})";
            case ExpectKind.Between:
                return string.Join(" OR ", new[] { rule.Min is null ? null : $"{name} < {Value(rule.Min)}", rule.Max is null ? null : $"{name} > {Value(rule.Max)}" }.OfType<string>());
            default:
                if (type.Kind is not (DuckDbKind.Varchar or DuckDbKind.Enum))
                    throw TransformCompiler.Refused(rule.Mark, $"found {Words.Quote(column.Name)} of type {column.Type}, expected a text", "Use between or sql, or cast it in a map before.");
                check.AssertPattern(rule.Pattern!, rule.Mark);
                return $"NOT regexp_matches(CAST({name} AS VARCHAR), {SqlText.Literal(rule.Pattern!)})";
        }
    }

    private string Condition(ExpectRule rule)
    {
        var type = check.AssertRowWiseExpression(rule.Condition!, TransformCompiler.Typed(columns), rule.Mark);
        if (type.Kind != DuckDbKind.Boolean)
            throw TransformCompiler.Refused(rule.Mark, $"found a value of type {type.ToSql()}, expected a condition", "For example: shipped_at >= ordered_at");
        return $"NOT {SqlCheck.Enclosed(rule.Condition!)}";
    }
}
