using Millrace.Commit;
using Millrace.Connectors.Postgres.Catalog;

namespace Millrace.Connectors.Postgres.Target;

/// <summary>A table that was not there: the staged rows become it, or, where the server must cast some, are put into one that does.</summary>
internal sealed class PgNewTable(PgControl control, PgTypeCatalog types, PgStaging staging, PgStagingPlace place, PgTargetShape shape, MergeRule? rule)
{
    private PgTable _rows = place.Rows;

    /// <summary>Gives every column its final type, on a table that nobody sees.</summary>
    public async Task PrepareAsync(CancellationToken cancel)
    {
        _rows = await PgNextTable.New(shape).TakeAsync(control, types, staging, place, shape, cancel);
        await control.ExecuteAsync($"ANALYZE {_rows.Sql}", cancel);
    }

    /// <summary>Inside the transaction: gives it its key and its name. Nobody waits for this: it is not there yet.</summary>
    public async Task PublishAsync(CancellationToken cancel)
    {
        if (rule is { Key.IsEmpty: false }) await KeepLastAsync(rule, cancel);
        await control.ExecuteAsync($"COMMENT ON TABLE {_rows.Sql} IS NULL; ALTER TABLE {_rows.Sql} RENAME TO {PgName.Quote(place.Table.Name)}", cancel);
    }

    /// <summary>Of rows with one key the last stays, unless it says that there is none.</summary>
    private async Task KeepLastAsync(MergeRule merge, CancellationToken cancel)
    {
        var key = PgMerge.KeysOf(merge, "");
        var deletes = merge.Deletes is { } deleted ? $"OR ({PgName.Quote(deleted)} AND n = 1)" : "";
        var marked = merge.Deletes is { } mark ? $", {PgName.Quote(mark)}" : "";
        await control.ExecuteAsync(
            $"""
            DELETE FROM {_rows.Sql} AS t USING (
                SELECT row, n > 1 {deletes} AS gone FROM (
                    SELECT ctid AS row{marked}, row_number() OVER (PARTITION BY {key} ORDER BY {PgMerge.LastFirst(merge, "")}) AS n FROM {_rows.Sql}) AS numbered) AS s
            WHERE t.ctid = s.row AND s.gone;
            ALTER TABLE {_rows.Sql} ADD CONSTRAINT {PgName.Quote($"{place.Table.Name}_pkey")} PRIMARY KEY ({key})
            """,
            cancel);
    }
}
