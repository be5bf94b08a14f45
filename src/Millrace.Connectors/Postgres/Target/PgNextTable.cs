using Millrace.Connectors.Postgres.Catalog;

namespace Millrace.Connectors.Postgres.Target;

/// <summary>How the table is made that is to be the live one, under a name that nobody looks for.</summary>
/// <param name="Fingerprint">Of what it is made from: rows that were staged in such a table are those of the live one only while that is the same.</param>
/// <param name="IsLogged">Whether its rows outlive a crash of the server.</param>
/// <param name="Make">The statements that make it, empty.</param>
internal sealed record PgNextTable(string Fingerprint, bool IsLogged, Func<PgTable, string> Make)
{
    /// <summary>A table that was not there.</summary>
    public static PgNextTable New(PgTargetShape shape) =>
        new("new", IsLogged: true, table => $"CREATE TABLE {table.Sql} ({string.Join(", ", shape.Columns.Select(static column => column.Definition))})");

    /// <summary>A table like the one that is there, with the columns that are to be.</summary>
    public static PgNextTable Like(PgLiveTable live, PgTargetShape shape, PgDefinition definition)
    {
        var changes = string.Join(", ", PgInsertion.Changes(shape).Concat(Settings(definition, shape)));
        return new PgNextTable(definition.Fingerprint, !definition.IsUnlogged, table =>
            $"CREATE {(definition.IsUnlogged ? "UNLOGGED " : "")}TABLE {table.Sql} (LIKE {live.Table.Sql} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED"
            + $" INCLUDING IDENTITY INCLUDING STORAGE INCLUDING COMMENTS) TABLESPACE {definition.Tablespace}"
            + (changes.Length > 0 ? $"; ALTER TABLE {table.Sql} {changes}" : ""));
    }

    private static IEnumerable<string> Settings(PgDefinition definition, PgTargetShape shape) => definition.Settings
        .Where(setting => !shape.Dropped.Contains(setting.Column) && !(setting.IsOfType && shape.Altered.Any(altered => altered.Name == setting.Column)))
        .Select(static setting => $"ALTER COLUMN {PgName.Quote(setting.Column)} {setting.Setting}");

    /// <summary>The staging table itself where it was made so; otherwise a new one that the staged rows are put into.</summary>
    public async Task<PgTable> TakeAsync(PgControl control, PgTypeCatalog types, PgStaging staging, PgStagingPlace place, PgTargetShape shape, CancellationToken cancel)
    {
        if (await staging.IsLikeAsync(Fingerprint, cancel)) return place.Rows;
        await control.TransactionAsync(
            async () =>
            {
                await staging.HoldAsync(cancel);
                await control.ExecuteAsync($"DROP TABLE IF EXISTS {place.Next.Sql}; {Make(place.Next)}; COMMENT ON TABLE {place.Next.Sql} IS {PgName.Literal(place.Comment)}", cancel);
                var oid = await place.Next.FindAsync(control, cancel);
                var select = await staging.SelectListAsync(shape, await types.AttributesAsync(oid!.Value, cancel), cancel);
                await control.ExecuteAsync($"INSERT INTO {place.Next.Sql} ({shape.Names}) OVERRIDING SYSTEM VALUE SELECT {select} FROM {place.Rows.Sql} AS s", cancel);
            },
            cancel);
        return place.Next;
    }
}
