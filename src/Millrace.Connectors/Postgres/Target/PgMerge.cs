using System.Collections.Immutable;
using Millrace.Commit;
using Millrace.Connectors.Postgres.Catalog;
using Millrace.Faults;

namespace Millrace.Connectors.Postgres.Target;

/// <summary>
/// Rows that find those that are there: by their key, of several with one key the last by the cursor; or, without a key, by the window of the
/// cursor that was read again. Statements go through the keys in their order, so that two that do this at once do not lock each other out.
/// </summary>
internal sealed class PgMerge(PgControl control, PgInsertion insertion, PgStagingPlace place, PgLiveTable live, PgTargetShape shape, MergeRule rule)
{
    /// <summary>Refuses rows that could never be found again.</summary>
    public static async Task CheckAsync(PgControl control, PgStagingPlace place, MergeRule rule, CancellationToken cancel)
    {
        foreach (var (column, what) in rule.Key.Select(static name => (name, "key")).Concat(rule.Window is not null && rule.Cursor is { } cursor ? [(cursor, "cursor")] : []))
        {
            var rows = PgCatalog.Number((await control.QueryAsync($"SELECT count(*) FROM {place.Rows.Sql} WHERE {PgName.Quote(column)} IS NULL", [], cancel))[0][0]);
            if (rows == 0) continue;
            throw new Fault(FaultKind.Data, $"{rows} rows have NULL in {Words.Quote(column)}, the {what}: nothing was published")
            {
                Side = FaultSide.Source, Where = place.Stream, Advice = "Correct them in the source, or leave them out with `where`.",
            };
        }
    }

    /// <summary>Inside the transaction: rows take the place of those with the same key; those that are marked are removed.</summary>
    public async Task MergeAsync(CancellationToken cancel)
    {
        await insertion.ChangeAsync(cancel);
        var isUnique = await IsUniqueAsync(cancel);
        if (!isUnique) await control.ExecuteAsync($"LOCK TABLE {live.Table.Sql} IN SHARE ROW EXCLUSIVE MODE", cancel);
        var select = await insertion.SelectAsync(cancel);
        await control.ExecuteAsync($"CREATE TEMPORARY TABLE latest ON COMMIT DROP AS {Latest()}; CREATE INDEX ON pg_temp.latest ({Keys("")}); ANALYZE pg_temp.latest", cancel);
        if (rule.Deletes is { } deletes)
        {
            await control.ExecuteAsync(
                $"DELETE FROM {live.Table.Sql} AS t USING (SELECT {Keys("l.")} FROM pg_temp.latest AS l WHERE l.{PgName.Quote(deletes)} ORDER BY {Keys("l.")}) AS s WHERE {Same}; "
                + $"DELETE FROM pg_temp.latest WHERE {PgName.Quote(deletes)}",
                cancel);
        }

        var rest = shape.Columns.Where(column => !rule.Key.Contains(column.Name, StringComparer.Ordinal)).Select(static column => column.Sql).ToImmutableArray();
        var rows = $"(SELECT {select} FROM pg_temp.latest AS s ORDER BY {Keys("s.")})";
        await control.ExecuteAsync(isUnique ? Upsert(rows, rest) : UpdateAndInsert(rows, rest), cancel);
    }

    /// <summary>Inside the transaction: rows take the place of all that the window holds.</summary>
    public async Task ReplaceWindowAsync(CancellationToken cancel)
    {
        await insertion.ChangeAsync(cancel);
        await control.ExecuteAsync($"LOCK TABLE {live.Table.Sql} IN SHARE ROW EXCLUSIVE MODE", cancel);
        if (rule.Window?.From is { } from) await control.ExecuteAsync($"DELETE FROM {live.Table.Sql} WHERE {PgName.Quote(rule.Cursor!)} >= {PgName.Literal(from)}", cancel);
        await insertion.InsertAsync(cancel);
    }

    private string Same => string.Join(" AND ", rule.Key.Select(static key => $"t.{PgName.Quote(key)} = s.{PgName.Quote(key)}"));

    private string Keys(string alias) => KeysOf(rule, alias);

    /// <summary>The key's columns, quoted, with commas.</summary>
    public static string KeysOf(MergeRule rule, string alias) => string.Join(", ", rule.Key.Select(key => alias + PgName.Quote(key)));

    /// <summary>The order in which the row that counts comes first: by the cursor, and of equal ones the one that was staged last.</summary>
    public static string LastFirst(MergeRule rule, string alias) =>
        (rule.Cursor is { } name ? $"{alias}{PgName.Quote(name)} DESC NULLS LAST, " : "") + $"{alias}ctid DESC";

    /// <summary>The last row of each key.</summary>
    private string Latest() => $"SELECT DISTINCT ON ({Keys("s.")}) s.* FROM {place.Rows.Sql} AS s ORDER BY {Keys("s.")}, {LastFirst(rule, "s.")}";

    /// <summary>Where the table guards the key: one statement. A row that is as it was is not written again.</summary>
    private string Upsert(string rows, ImmutableArray<string> rest)
    {
        var action = rest.IsEmpty
            ? "NOTHING"
            : $"UPDATE SET {string.Join(", ", rest.Select(static column => $"{column} = EXCLUDED.{column}"))} WHERE {Differs("t", "EXCLUDED", rest)}";
        return $"INSERT INTO {live.Table.Sql} AS t ({shape.Names}) OVERRIDING SYSTEM VALUE SELECT * FROM {rows} AS s ON CONFLICT ({Keys("")}) DO {action}";
    }

    /// <summary>Where nothing guards the key: other writers wait meanwhile, so that none adds a key in between.</summary>
    private string UpdateAndInsert(string rows, ImmutableArray<string> rest)
    {
        var named = $"{rows} AS s ({shape.Names})";
        var update = rest.IsEmpty
            ? ""
            : $"UPDATE {live.Table.Sql} AS t SET {string.Join(", ", rest.Select(static column => $"{column} = s.{column}"))} FROM {named} WHERE {Same} AND {Differs("t", "s", rest)}; ";
        return $"{update}INSERT INTO {live.Table.Sql} ({shape.Names}) OVERRIDING SYSTEM VALUE SELECT * FROM {named} WHERE NOT EXISTS (SELECT FROM {live.Table.Sql} AS t WHERE {Same})";
    }

    // As rows of texts: json, xml and geometric types have no equality.
    private static string Differs(string one, string other, ImmutableArray<string> columns) =>
        $"ROW({string.Join(", ", columns.Select(column => $"{one}.{column}"))})::text IS DISTINCT FROM ROW({string.Join(", ", columns.Select(column => $"{other}.{column}"))})::text";

    /// <summary>Whether a unique index on exactly these columns, over every row and checked at once, guards the key.</summary>
    private async Task<bool> IsUniqueAsync(CancellationToken cancel)
    {
        var indexes = await new PgCatalog(control).IndexesAsync(live.Oid, cancel);
        return indexes.Any(index => index is { IsUnique: true, IsImmediate: true } && index.Columns.Order(StringComparer.Ordinal).SequenceEqual(rule.Key.Order(StringComparer.Ordinal)));
    }
}
