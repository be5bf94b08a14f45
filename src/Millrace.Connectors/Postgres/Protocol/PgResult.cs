namespace Millrace.Connectors.Postgres.Protocol;

/// <summary>A column of a result (RowDescription in the PostgreSQL documentation, "Message Formats").</summary>
/// <param name="Name">The column's name.</param>
/// <param name="TypeOid">The type's object id in <c>pg_type</c>.</param>
/// <param name="TypeModifier"><c>atttypmod</c>, -1 when the type has none: numeric's precision and scale, varchar's length.</param>
/// <param name="TableOid">The table that the column comes from as it is, 0 when it is computed.</param>
/// <param name="ColumnNumber">Its <c>attnum</c> in that table, 0 when it is computed.</param>
public sealed record PgColumn(string Name, uint TypeOid, int TypeModifier, uint TableOid, int ColumnNumber)
{
    internal static List<PgColumn> ReadAll(ReadOnlySpan<byte> payload)
    {
        var at = new PgPayload(payload);
        var count = at.Int16();
        var columns = new List<PgColumn>();
        for (var i = 0; i < count; i++)
        {
            var name = at.Text();
            var table = at.UInt32();
            var number = at.Int16();
            var type = at.UInt32();
            at.Int16();
            var modifier = at.Int32();
            at.Int16();
            columns.Add(new PgColumn(name, type, modifier, table, number));
        }

        return columns;
    }
}

/// <summary>The whole result of a catalogue query: small, in memory, every value in PostgreSQL's text notation, null for NULL.</summary>
/// <param name="Columns">The columns.</param>
/// <param name="Rows">The rows; each array has as many values as there are columns.</param>
public sealed record PgResult(IReadOnlyList<PgColumn> Columns, IReadOnlyList<string?[]> Rows);
