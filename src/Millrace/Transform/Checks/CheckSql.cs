using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Millrace.DuckDb;

namespace Millrace.Transform;

/// <summary>The SQL of a stage's checks.</summary>
internal static class CheckSql
{
    private const string Place = "millrace_place";
    private const string Same = "millrace_same_";

    /// <summary>The numbers of the rules that a row breaks, NULL where it keeps all. One that goes to quarantine breaks no rule of those that stay.</summary>
    public static string Broken(ImmutableArray<RowCheck> rows)
    {
        var sql = new StringBuilder("CASE");
        foreach (var leaves in (ReadOnlySpan<bool>)[true, false])
        {
            var checks = rows.Where(check => check.Leaves == leaves).ToArray();
            if (checks.Length == 0) continue;
            sql.Append(" WHEN ").AppendJoin(" OR ", checks.Select(static check => $"({check.Broken})")).Append(" THEN concat_ws(','");
            foreach (var check in checks) sql.Append(CultureInfo.InvariantCulture, $", CASE WHEN {check.Broken} THEN '{check.Rule}' END");
            sql.Append(')');
        }

        return sql.Append(" END").ToString();
    }

    /// <summary>The rows of a SELECT, each with how many have its values, in their order; <see cref="InOrder"/> takes away what this adds.</summary>
    public static string WithSame(string select, ImmutableArray<UniqueCheck> checks)
    {
        var sql = new StringBuilder("SELECT *");
        for (var i = 0; i < checks.Length; i++)
            sql.Append(CultureInfo.InvariantCulture, $", CASE WHEN {AllThere(checks[i])} THEN count(*) OVER (PARTITION BY {KeySql.Names(checks[i].Columns)}) END AS {Same}{i}");
        return sql.Append(" FROM (SELECT *, row_number() OVER () AS ").Append(Place).Append(" FROM (").Append(select).Append("))").ToString();
    }

    /// <summary>The rules that such a row breaks.</summary>
    public static ImmutableArray<RowCheck> Twice(ImmutableArray<UniqueCheck> checks) =>
        [.. checks.Select(static (check, i) => new RowCheck(check.Rule, string.Create(CultureInfo.InvariantCulture, $"{Same}{i} > 1"), Leaves: false))];

    /// <summary>The rows of <see cref="WithSame"/> as they were.</summary>
    public static string InOrder(string select, ImmutableArray<UniqueCheck> checks)
    {
        var added = string.Concat(checks.Select(static (_, i) => string.Create(CultureInfo.InvariantCulture, $", {Same}{i}")));
        return $"SELECT * EXCLUDE ({Place}{added}) FROM ({select}) ORDER BY {Place}";
    }

    /// <summary>One row: how many rows have values that another has too, and a list of some of those values.</summary>
    /// <param name="select">All rows that may have the same values.</param>
    /// <param name="checks">The stage's checks: rows that leave for quarantine are not compared.</param>
    /// <param name="check">The rule.</param>
    public static string CountTwice(string select, StageChecks checks, UniqueCheck check)
    {
        var names = KeySql.Names(check.Columns);
        var stays = string.Concat(checks.Rows.Where(static row => row.Leaves).Select(static row => $" AND ({row.Broken}) IS NOT TRUE"));
        var key = string.Join(", ", check.Columns.Select(static name => $"{SqlText.Name(name)} := {SqlText.Name(name)}"));
        return $"SELECT CAST(coalesce(sum(millrace_rows), 0) AS BIGINT), min(millrace_key, {Limits.RuleSamplesMax}) "
            + $"FROM (SELECT count(*) AS millrace_rows, {Cut($"to_json(struct_pack({key}))")} AS millrace_key "
            + $"FROM ({select}) WHERE {AllThere(check)}{stays} GROUP BY {names} HAVING count(*) > 1)";
    }

    /// <summary>A value as text that is short enough to be kept.</summary>
    public static string Cut(string value) => $"left(CAST({value} AS VARCHAR), {Limits.RuleSampleCharsMax})";

    private static string AllThere(UniqueCheck check) => string.Join(" AND ", check.Columns.Select(static name => $"{SqlText.Name(name)} IS NOT NULL"));
}
