using System.Collections.Immutable;
using Millrace.Connectors.Postgres.Catalog;
using Millrace.Faults;

namespace Millrace.Connectors.Postgres.Target;

/// <summary>The table that is in the target now, as far as writing it needs. Immutable.</summary>
/// <param name="Table">Its name.</param>
/// <param name="Oid">pg_class.oid.</param>
/// <param name="Kind">pg_class.relkind: r or p.</param>
/// <param name="IsUnlogged">Whether its rows are lost when the server crashes.</param>
/// <param name="Columns">Its columns in order.</param>
internal sealed record PgLiveTable(PgTable Table, uint Oid, char Kind, bool IsUnlogged, ImmutableArray<PgLiveColumn> Columns)
{
    /// <summary>A column by its name; null when there is none. Letter case counts.</summary>
    public PgLiveColumn? Find(string name) => Columns.FirstOrDefault(column => string.Equals(column.Name, name, StringComparison.Ordinal));

    /// <summary>The table of this name; null when there is none. What is no table is refused.</summary>
    public static async Task<PgLiveTable?> FindAsync(PgControl control, PgTypeCatalog types, PgTable table, CancellationToken cancel)
    {
        var rows = await control.QueryAsync(
            "SELECT c.oid, c.relkind, c.relpersistence FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2",
            [table.Schema, table.Name],
            cancel);
        if (rows.Count == 0) return null;
        var (oid, kind) = (PgCatalog.Oid(rows[0][0]), rows[0][1]![0]);
        if (kind is not ('r' or 'p')) throw NoTable(table, kind);
        return new PgLiveTable(table, oid, kind, rows[0][2] == "u", await ColumnsAsync(control, types, oid, cancel));
    }

    private static async Task<ImmutableArray<PgLiveColumn>> ColumnsAsync(PgControl control, PgTypeCatalog types, uint oid, CancellationToken cancel)
    {
        var attributes = await types.AttributesAsync(oid, cancel);
        var more = await control.QueryAsync(
            """
            SELECT a.attidentity <> '', a.attgenerated <> '', a.atthasdef AND a.attgenerated = ''
            FROM pg_attribute a WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
            """,
            [PgCatalog.Text(oid)],
            cancel);
        return
        [
            .. attributes.Zip(more, static (attribute, row) => new PgLiveColumn(attribute)
            {
                IsIdentity = row[0] == "t", IsGenerated = row[1] == "t", HasDefault = row[2] == "t",
            }),
        ];
    }

    private static Fault NoTable(PgTable table, char kind)
    {
        var what = kind switch
        {
            'v' => "a view",
            'm' => "a materialised view",
            'f' => "a foreign table",
            'S' => "a sequence",
            'i' or 'I' => "an index",
            _ => "no table",
        };
        return new Fault(FaultKind.Refused, $"{table.Written} is {what}, expected a table") { Side = FaultSide.Target, Advice = "Write to another name with `to:`." };
    }
}

/// <summary>A column of a table that is in the target now.</summary>
/// <param name="Attribute">Its name and type.</param>
internal sealed record PgLiveColumn(PgAttribute Attribute)
{
    /// <summary>Its name.</summary>
    public string Name => Attribute.Name;

    /// <summary>GENERATED … AS IDENTITY.</summary>
    public bool IsIdentity { get; init; }

    /// <summary>Computed from other columns: nobody can write it.</summary>
    public bool IsGenerated { get; init; }

    /// <summary>Whether it has a default.</summary>
    public bool HasDefault { get; init; }

    /// <summary>Whether a row without a value for it can be inserted.</summary>
    public bool MayBeLeftOut => Attribute.Nullable || HasDefault || IsIdentity || IsGenerated;
}
