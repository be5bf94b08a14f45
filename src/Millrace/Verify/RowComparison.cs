using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Millrace.DuckDb;
using Millrace.Faults;

namespace Millrace.Verify;

/// <summary>
/// Compares the rows that were picked from both sides, key by key, out of core: DuckDB groups them and spills what does not fit. A key's rows
/// are a set in which each row counts as often as it is there.
/// </summary>
/// <param name="scope">What is compared.</param>
/// <param name="session">Runs the queries.</param>
/// <param name="folder">Where the picked rows lie.</param>
internal sealed class RowComparison(VerifyScope scope, VerifySession session, VerifyFolder folder)
{
    /// <summary>What differs.</summary>
    /// <param name="isAtLeast">Whether some buckets were left out.</param>
    /// <param name="label">Names a unit of one side, for people.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<RowDifferences> CompareAsync(bool isAtLeast, Func<FaultSide, long, string> label, CancellationToken cancel)
    {
        if (Rows().Length == 0) return new RowDifferences { OnlyInSource = 0, OnlyInTarget = 0, Different = 0, IsAtLeast = isAtLeast };
        if (scope.Key.IsEmpty) return await WithoutKeyAsync(isAtLeast, label, cancel).ConfigureAwait(false);
        long onlySource = 0, onlyTarget = 0, both = 0;
        await session.QueryAsync(
            $"SELECT count(*) FILTER (b = 0), count(*) FILTER (a = 0), count(*) FILTER (a > 0 AND b > 0) FROM ({Differing()})",
            row => (onlySource, onlyTarget, both) = (row.GetInt64(0), row.GetInt64(1), row.GetInt64(2)),
            cancel).ConfigureAwait(false);
        return new RowDifferences
        {
            OnlyInSource = onlySource,
            OnlyInTarget = onlyTarget,
            Different = both,
            IsAtLeast = isAtLeast,
            Keys = await FirstKeysAsync(cancel).ConfigureAwait(false),
        };
    }

    /// <summary>The first keys that differ, with the columns that do: the columns are looked at for these keys alone.</summary>
    private async Task<ImmutableArray<KeyDifference>> FirstKeysAsync(CancellationToken cancel)
    {
        var keys = ImmutableArray.CreateBuilder<KeyDifference>();
        var order = string.Join(", ", scope.Key.Select((column, i) => $"TRY_CAST(f.{VerifyScope.KeyColumn(i)} AS {scope.TypeOf(column)}) NULLS LAST, f.{VerifyScope.KeyColumn(i)}"));
        var same = string.Join(" AND ", scope.Key.Select(static (_, i) => $"f.{VerifyScope.KeyColumn(i)} IS NOT DISTINCT FROM r.{VerifyScope.KeyColumn(i)}"));
        var columns = string.Join(", ", scope.Compared.Select(static (_, i) => $"{SumOf("r." + VerifyScope.HashColumn(i))} <> 0"));
        var names = KeyNames("f.");
        await session.QueryAsync(
            string.Create(CultureInfo.InvariantCulture, $"""
                WITH f AS (SELECT * FROM ({Differing()}) AS f ORDER BY {order} LIMIT {Limits.VerifyNamedMax})
                SELECT {names}, CAST(f.a AS BIGINT), CAST(f.b AS BIGINT), {columns}
                FROM f JOIN ({Rows()}) AS r ON {same} GROUP BY {names}, f.a, f.b ORDER BY {order}
                """),
            row => keys.Add(Read(row)),
            cancel).ConfigureAwait(false);
        return keys.ToImmutable();
    }

    private KeyDifference Read(DuckDbResult row)
    {
        var key = ImmutableArray.CreateBuilder<string?>(scope.Key.Length);
        for (var i = 0; i < scope.Key.Length; i++) key.Add(row.GetText(i));
        var (a, b) = (row.GetInt64(scope.Key.Length), row.GetInt64(scope.Key.Length + 1));
        var columns = ImmutableArray.CreateBuilder<string>();
        for (var i = 0; a == b && i < scope.Compared.Length; i++)
        {
            if (row.GetBoolean(scope.Key.Length + 2 + i)) columns.Add(scope.Compared[i]);
        }

        return new KeyDifference(key.MoveToImmutable(), a, b, columns.ToImmutable());
    }

    /// <summary>Without a key a row that differs is one that each side has for itself; it is said where such rows lie.</summary>
    private async Task<RowDifferences> WithoutKeyAsync(bool isAtLeast, Func<FaultSide, long, string> label, CancellationToken cancel)
    {
        var differing = $"SELECT {VerifyScope.RowColumn}, CAST(sum(s) - sum(1 - s) AS BIGINT) AS n FROM ({Rows()}) GROUP BY ALL HAVING n <> 0";
        long onlySource = 0, onlyTarget = 0;
        await session.QueryAsync(
            $"SELECT CAST(coalesce(sum(n) FILTER (n > 0), 0) AS BIGINT), CAST(coalesce(-sum(n) FILTER (n < 0), 0) AS BIGINT) FROM ({differing})",
            row => (onlySource, onlyTarget) = (row.GetInt64(0), row.GetInt64(1)),
            cancel).ConfigureAwait(false);
        var places = ImmutableArray.CreateBuilder<PlaceChange>();
        await session.QueryAsync(
            string.Create(CultureInfo.InvariantCulture, $"""
                SELECT s, {VerifyScope.UnitColumn}, count(*) FROM ({Rows()}) JOIN ({differing}) USING ({VerifyScope.RowColumn})
                WHERE (n > 0) = (s = 1) GROUP BY ALL ORDER BY 1 DESC, 2 LIMIT {Limits.VerifyNamedMax}
                """),
            row =>
            {
                var side = row.GetInt64(0) == 1 ? FaultSide.Source : FaultSide.Target;
                var rows = row.GetInt64(2);
                places.Add(new PlaceChange(side, row.GetInt64(1), label(side, row.GetInt64(1)), $"{rows} {(rows == 1 ? "row" : "rows")} that the other side does not have"));
            },
            cancel).ConfigureAwait(false);
        return new RowDifferences { OnlyInSource = onlySource, OnlyInTarget = onlyTarget, Different = 0, IsAtLeast = isAtLeast, Places = places.ToImmutable() };
    }

    /// <summary>Keys that have other rows on one side than on the other: a rows of the source, b of the target.</summary>
    private string Differing() =>
        $"SELECT {KeyNames("")}, sum(s) AS a, sum(1 - s) AS b FROM ({Rows()}) GROUP BY {KeyNames("")} HAVING sum(s) <> sum(1 - s) OR {SumOf(VerifyScope.RowColumn)} <> 0";

    /// <summary>All picked rows; s is 1 for those of the source.</summary>
    private string Rows()
    {
        var sides = new List<string>();
        foreach (var (path, side) in ((string, int)[])[(folder.Source, 1), (folder.Target, 0)])
        {
            if (!Directory.EnumerateFiles(path, "*" + VerifyFolder.PickedEnding).Any()) continue;
            sides.Add(string.Create(CultureInfo.InvariantCulture, $"SELECT *, {side}::BIGINT AS s FROM read_parquet('{Pattern(path)}', hive_partitioning = false)"));
        }

        return string.Join(" UNION ALL ", sides);
    }

    /// <summary>All picked files of a side; what else in the path would be a wildcard stands for itself.</summary>
    private static string Pattern(string folder)
    {
        var text = new StringBuilder();
        foreach (var c in folder) _ = c is '*' or '?' or '[' ? text.Append('[').Append(c).Append(']') : c == '\'' ? text.Append("''") : text.Append(c);
        return text.Append("/*").Append(VerifyFolder.PickedEnding).ToString();
    }

    private string KeyNames(string of) => string.Join(", ", scope.Key.Select((_, i) => of + VerifyScope.KeyColumn(i)));

    /// <summary>The hashes of a column of the source's rows less those of the target's; wide enough for any number of rows.</summary>
    private static string SumOf(string column) => $"sum(CASE WHEN s = 1 THEN CAST({column} AS HUGEINT) ELSE -CAST({column} AS HUGEINT) END)";
}
