using System.Collections.Immutable;
using Millrace.Connectors.Postgres.Catalog;
using Millrace.Connectors.Postgres.Types;
using Millrace.Connectors.Postgres.Writing;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;

namespace Millrace.Connectors.Postgres.Target;

/// <summary>
/// How a stream's columns become a table's: each one's type there, and what must be done to the table that is there.
/// </summary>
/// <param name="Staged">All columns, in the stream's order.</param>
/// <param name="Columns">Those that are written: not those that the server computes.</param>
/// <param name="Added">Columns that the table has not yet.</param>
/// <param name="Altered">Columns whose type there is too narrow.</param>
/// <param name="Dropped">Columns that the table must lose: <c>schema: replace</c>.</param>
internal sealed record PgTargetShape(
    ImmutableArray<PgTargetColumn> Staged, ImmutableArray<PgTargetColumn> Columns, ImmutableArray<PgTargetColumn> Added, ImmutableArray<PgTargetColumn> Altered, ImmutableArray<string> Dropped)
{
    /// <summary>Whether the table that is there has to change.</summary>
    public bool Changes => !Added.IsEmpty || !Altered.IsEmpty || !Dropped.IsEmpty;

    /// <summary>The columns' names, quoted, with commas.</summary>
    public string Names => string.Join(", ", Columns.Select(static column => column.Sql));

    /// <summary>Those of the stream's columns whose type in the table is made anew.</summary>
    public ImmutableArray<Column> MadeOf(ImmutableArray<Column> columns) =>
        [.. columns.Where(column => Added.Concat(Altered).Any(made => string.Equals(made.Name, column.Name, StringComparison.Ordinal)))];

    /// <summary>What the columns of a table that is not there become.</summary>
    public static PgTargetShape New(ImmutableArray<Column> columns)
    {
        ImmutableArray<PgTargetColumn> made = [.. columns.Select(PgTargetColumn.New)];
        return new PgTargetShape(made, made, [], [], []);
    }

    /// <summary>
    /// How columns go into a table that is there. Everything that keeps them from it is one fault that names each difference.
    /// </summary>
    /// <param name="columns">What comes.</param>
    /// <param name="live">What is there.</param>
    /// <param name="rule">Whether the table may change.</param>
    /// <param name="keepsRows">Whether rows that are there stay.</param>
    public static PgTargetShape Into(ImmutableArray<Column> columns, PgLiveTable live, SchemaRule rule, bool keepsRows)
    {
        var staged = ImmutableArray.CreateBuilder<PgTargetColumn>(columns.Length);
        var added = ImmutableArray.CreateBuilder<PgTargetColumn>();
        var altered = ImmutableArray.CreateBuilder<PgTargetColumn>();
        var computed = new HashSet<string>(StringComparer.Ordinal);
        var wrong = new List<string>();
        foreach (var column in columns)
        {
            var made = PgTargetColumn.New(column);
            if (live.Find(column.Name) is not { } there)
            {
                staged.Add(made);
                added.Add(made);
                if (rule == SchemaRule.Freeze) wrong.Add($"{Words.Quote(column.Name)} {made.Type} is not there");
                else if (keepsRows && made.NotNull) wrong.Add($"{Words.Quote(column.Name)} {made.Type} NOT NULL is not there, and rows that are have no value for it");
                continue;
            }

            if (there.IsGenerated) computed.Add(column.Name);
            if (there.IsGenerated || Holds(there, column))
            {
                staged.Add(new PgTargetColumn(column.Name, there.Attribute.Spelling, NotNull: false));
                continue;
            }

            staged.Add(made);
            altered.Add(made);
            if (rule != SchemaRule.Replace && (rule == SchemaRule.Freeze || !IsWidening(column, there)))
                wrong.Add($"{Words.Quote(column.Name)} is {there.Attribute.Spelling}, and what comes is {column.Type}");
        }

        var left = live.Columns.Where(there => !columns.Any(column => string.Equals(column.Name, there.Name, StringComparison.Ordinal))).ToImmutableArray();
        foreach (var there in left)
        {
            if (rule != SchemaRule.Replace && !there.MayBeLeftOut)
                wrong.Add($"{Words.Quote(there.Name)} {there.Attribute.Spelling} NOT NULL has no default, and no value comes for it");
        }

        if (wrong.Count > 0) throw Differs(live, wrong, keepsRows);
        return new PgTargetShape(
            staged.ToImmutable(),
            [.. staged.Where(column => !computed.Contains(column.Name))],
            added.ToImmutable(),
            altered.ToImmutable(),
            rule == SchemaRule.Replace ? [.. left.Select(static there => there.Name)] : []);
    }

    /// <summary>Whether a column that is there takes the values exactly: as they are, or as the server reads them.</summary>
    private static bool Holds(PgLiveColumn there, Column column)
    {
        var from = DuckDbType.Parse(column.Type);
        var (type, modifier) = (there.Attribute.Type, there.Attribute.Modifier);
        if (PgEncodings.For(from, type, modifier) is not null) return true;
        return PgEncodings.StagedAsText(from) is not null && ((column.Native is not null && column.SourceType == there.Attribute.Spelling) || PgEncodings.CastKeeps(type, modifier));
    }

    private static bool IsWidening(Column column, PgLiveColumn there)
    {
        var now = PostgresTypes.Map(there.Attribute.Type, there.Attribute.Modifier, there.Attribute.Dimensions, PostgresTraits.Target, out _);
        return now is not null && DuckDbType.TryParse(column.Type, out var comes) && Widening.Holds(comes, now.Type);
    }

    private static Fault Differs(PgLiveTable live, List<string> wrong, bool keepsRows)
    {
        var named = string.Join("; ", wrong.Take(Limits.SchemaDifferencesNamedMax));
        var more = wrong.Count > Limits.SchemaDifferencesNamedMax ? $"; and {wrong.Count - Limits.SchemaDifferencesNamedMax} more" : "";
        return new Fault(FaultKind.Data, $"the rows do not fit into {live.Table.Written}: {named}{more}")
        {
            Side = FaultSide.Target,
            Advice = $"Change the table, set `types:`, `rename:` or `columns:` in the job, or write to another table with `to:`{(keepsRows ? "" : "; or, when the change is meant, run once with --schema replace")}.",
        };
    }
}

/// <summary>A column as it is written.</summary>
/// <param name="Name">Its name in the target.</param>
/// <param name="Type">Its type in the target, as SQL.</param>
/// <param name="NotNull">Whether a new column of this name can say NOT NULL.</param>
internal sealed record PgTargetColumn(string Name, string Type, bool NotNull)
{
    /// <summary>Its name, quoted.</summary>
    public string Sql => PgName.Quote(Name);

    /// <summary>Its definition in a table that is made.</summary>
    public string Definition => $"{Sql} {Type}{(NotNull ? " NOT NULL" : "")}";

    /// <summary>The column of a table that is made.</summary>
    public static PgTargetColumn New(Column column) => new(
        column.Name,
        PgTargetTypes.SqlFor(column) ?? throw new Fault(FaultKind.Data, $"PostgreSQL has no type for {Words.Quote(column.Name)}, which is {column.Type}")
        {
            Side = FaultSide.Target, Advice = "Leave the column out with `columns:`, or say another type with `types:`.",
        },
        !column.Nullable);
}
