using System.Collections.Immutable;
using Millrace.Connectors.Postgres.Types;

namespace Millrace.Connectors.Postgres.Catalog;

/// <summary>Reads columns and their types, with everything that a type is made of, once for each type.</summary>
internal sealed class PgTypeCatalog
{
    private sealed record Row(uint Oid, string Schema, string Name, char Kind, bool IsDefined, uint Element, uint Base, int Modifier, int Dimensions, uint Relation)
    {
        /// <summary>What stands behind the name where a domain or an enum is made.</summary>
        public string? Made { get; init; }
    }

    private sealed record FieldRow(uint Relation, string Name, uint Type, int Modifier, int Dimensions, string Spelling);

    private readonly PgControl _control;
    private readonly Dictionary<uint, Row> _rows = [];
    private readonly Dictionary<uint, List<FieldRow>> _fields = [];
    private readonly Dictionary<uint, PgType> _types = [];

    internal PgTypeCatalog(PgControl control) => _control = control;

    /// <summary>A relation's columns in their order.</summary>
    internal async Task<ImmutableArray<PgAttribute>> AttributesAsync(uint relation, CancellationToken cancel)
    {
        var rows = await _control.QueryAsync(
            """
            SELECT a.attname, a.atttypid, a.atttypmod, a.attndims, a.attnotnull, format_type(a.atttypid, a.atttypmod),
                   has_column_privilege(a.attrelid, a.attnum, 'SELECT')
            FROM pg_attribute a WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
            """,
            [PgCatalog.Text(relation)],
            cancel);
        await LoadAsync([.. rows.Select(static row => PgCatalog.Oid(row[1]))], cancel);
        return
        [
            .. rows.Select(row => new PgAttribute(
                row[0]!, TypeOf(PgCatalog.Oid(row[1])), (int)PgCatalog.Number(row[2]), (int)PgCatalog.Number(row[3]), row[5]!)
            {
                Nullable = row[4] != "t",
                MayRead = row[6] == "t",
            }),
        ];
    }

    /// <summary>A query's columns in their order.</summary>
    internal async Task<ImmutableArray<PgAttribute>> DescribeAsync(string query, CancellationToken cancel)
    {
        var columns = await _control.DescribeAsync(query, cancel);
        await LoadAsync([.. columns.Select(static column => column.TypeOid)], cancel);
        var attributes = ImmutableArray.CreateBuilder<PgAttribute>(columns.Count);
        foreach (var column in columns)
        {
            var spelling = await _control.QueryAsync(
                "SELECT format_type($1::oid, $2::int4)",
                [PgCatalog.Text(column.TypeOid), column.TypeModifier.ToString(System.Globalization.CultureInfo.InvariantCulture)],
                cancel);
            attributes.Add(new PgAttribute(column.Name, TypeOf(column.TypeOid), column.TypeModifier, 0, spelling[0][0]!));
        }

        return attributes.DrainToImmutable();
    }

    /// <summary>Loads types, what they are made of, and so on, a level at a time.</summary>
    private async Task LoadAsync(HashSet<uint> wanted, CancellationToken cancel)
    {
        while (wanted.RemoveWhere(_rows.ContainsKey) >= 0 && wanted.Count > 0)
        {
            var found = await _control.QueryAsync(
                """
                SELECT t.oid, n.nspname, t.typname, t.typtype, t.typisdefined, coalesce(e.oid, 0), t.typbasetype, t.typtypmod, t.typndims, t.typrelid,
                       CASE t.typtype
                       WHEN 'd' THEN concat_ws(
                           ' ', format_type(t.typbasetype, t.typtypmod), 'DEFAULT ' || t.typdefault, CASE WHEN t.typnotnull THEN 'NOT NULL' END,
                           (SELECT string_agg(format('CONSTRAINT %I %s', c.conname, pg_get_constraintdef(c.oid)), ' ' ORDER BY c.conname)
                            FROM pg_constraint c WHERE c.contypid = t.oid AND c.contype = 'c'))
                       WHEN 'e' THEN format('ENUM (%s)', (SELECT string_agg(quote_literal(l.enumlabel), ', ' ORDER BY l.enumsortorder) FROM pg_enum l WHERE l.enumtypid = t.oid))
                       END
                FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_type e ON e.oid = t.typelem AND e.typarray = t.oid
                WHERE t.oid = ANY ($1::oid[])
                """,
                [ArrayOf(wanted)],
                cancel);
            wanted.Clear();
            var composites = new HashSet<uint>();
            foreach (var text in found)
            {
                var row = new Row(
                    PgCatalog.Oid(text[0]), text[1]!, text[2]!, text[3]![0], text[4] == "t", PgCatalog.Oid(text[5]), PgCatalog.Oid(text[6]),
                    (int)PgCatalog.Number(text[7]), (int)PgCatalog.Number(text[8]), PgCatalog.Oid(text[9]))
                {
                    Made = text[10],
                };
                _rows[row.Oid] = row;
                if (row.Element != 0) wanted.Add(row.Element);
                if (row.Base != 0) wanted.Add(row.Base);
                if (row.Kind == 'c') composites.Add(row.Relation);
            }

            if (composites.Count > 0) await LoadFieldsAsync(composites, wanted, cancel);
        }
    }

    private async Task LoadFieldsAsync(HashSet<uint> composites, HashSet<uint> wanted, CancellationToken cancel)
    {
        var found = await _control.QueryAsync(
            """
            SELECT a.attrelid, a.attname, a.atttypid, a.atttypmod, a.attndims, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
            WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum
            """,
            [ArrayOf(composites)],
            cancel);
        foreach (var text in found)
        {
            var field = new FieldRow(PgCatalog.Oid(text[0]), text[1]!, PgCatalog.Oid(text[2]), (int)PgCatalog.Number(text[3]), (int)PgCatalog.Number(text[4]), text[5]!);
            if (!_fields.TryGetValue(field.Relation, out var fields)) _fields[field.Relation] = fields = [];
            fields.Add(field);
            wanted.Add(field.Type);
        }
    }

    private PgType TypeOf(uint oid)
    {
        if (_types.TryGetValue(oid, out var type)) return type;
        var row = _rows[oid];
        return _types[oid] = new PgType
        {
            Oid = row.Oid,
            Schema = row.Schema,
            Name = row.Name,
            Kind = row.Kind,
            IsDefined = row.IsDefined,
            Element = row.Element == 0 ? null : TypeOf(row.Element),
            Domain = row.Base == 0 ? null : TypeOf(row.Base),
            DomainModifier = row.Modifier,
            DomainDimensions = row.Dimensions,
            Definition = DefinitionOf(row),
            Fields = _fields.TryGetValue(row.Relation, out var fields)
                ? [.. fields.Select(field => new PgField(field.Name, TypeOf(field.Type), field.Modifier, field.Dimensions))]
                : [],
        };
    }

    private string? DefinitionOf(Row row)
    {
        var name = $"{PgName.Quote(row.Schema)}.{PgName.Quote(row.Name)}";
        return row.Kind switch
        {
            'd' => $"CREATE DOMAIN {name} AS {row.Made}",
            'e' => $"CREATE TYPE {name} AS {row.Made}",
            'c' when _fields.TryGetValue(row.Relation, out var fields) =>
                $"CREATE TYPE {name} AS ({string.Join(", ", fields.Select(static field => $"{PgName.Quote(field.Name)} {field.Spelling}"))})",
            _ => null,
        };
    }

    private static string ArrayOf(IEnumerable<uint> oids) => $"{{{string.Join(',', oids.Select(PgCatalog.Text))}}}";
}
