using System.Collections.Immutable;
using System.Globalization;
using Millrace.Connectors.Postgres.Catalog;
using Millrace.Connectors.Postgres.Protocol;
using Millrace.Connectors.Postgres.Types;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Planning;
using Millrace.Transform;

namespace Millrace.Connectors.Postgres.Lookup;

/// <summary>PostgreSQL as a store of lookups: a query joins the table with the arrays of keys that it is given.</summary>
internal sealed class PostgresLookup : ILookupStore
{
    /// <summary>Types whose values have one text, which PostgreSQL reads as that value: DuckDB writes it.</summary>
    private static readonly ImmutableHashSet<string> s_keyTypes =
        ["bool", "int2", "int4", "int8", "oid", "numeric", "float4", "float8", "text", "varchar", "bpchar", "name", "uuid", "date", "timestamp", "timestamptz"];

    private readonly PgSettings _settings;
    private readonly PgControl _control;
    private readonly PgCatalog _catalog;
    private readonly PgTypeCatalog _types;
    private readonly TimeProvider _clock;

    /// <summary>A store; connects when it is first asked.</summary>
    internal PostgresLookup(SourceContext context)
    {
        _settings = PostgresConnector.SettingsOf(context);
        _clock = context.Clock;
        _control = new PgControl(_settings, context.Clock);
        _catalog = new PgCatalog(_control);
        _types = new PgTypeCatalog(_control);
    }

    /// <inheritdoc/>
    public string Place => _settings.ToString();

    /// <inheritdoc/>
    public async ValueTask<LookupTable> DescribeAsync(LookupQuestion question, CancellationToken cancel)
    {
        var relation = await _catalog.FindAsync(PgName.Parse(question.Table, question.Mark), cancel)
            ?? throw Refused(question, $"found no table {question.Table} in {Place}", "Ask for what there is with `millrace discover`.");
        if (relation.IsFiltered) throw Refused(question, $"row security would hide rows of {relation.Written} from this user", "Look up as a user with BYPASSRLS.");
        var attributes = await _types.AttributesAsync(relation.Oid, cancel);
        var keys = question.Key.Select(name => Find(question, relation, attributes, name)).ToImmutableArray();
        ImmutableArray<PgAttribute> wanted = question.Columns.IsEmpty
            ? [.. attributes.Where(attribute => !question.Key.Contains(attribute.Name))]
            : [.. question.Columns.Select(name => Find(question, relation, attributes, name))];
        var reads = wanted.Select(attribute => MapOf(question, attribute)).ToImmutableArray();
        return new LookupTable
        {
            Name = relation.Written,
            Key = [.. keys.Select(key => new LookupColumn(key.Name, KeyTypeOf(question, key)))],
            Columns = [.. wanted.Zip(reads, static (attribute, read) => new LookupColumn(attribute.Name, read.Type.ToSql()))],
            IsUnique = (await _catalog.IndexesAsync(relation.Oid, cancel)).Any(index => index.IsUnique && index.Columns.All(question.Key.Contains)),
            QueryJson = new PgLookupQuery(SqlOf(relation, keys, wanted, reads), [.. reads.Select(static read => read.Shape)]).ToJson(),
        };
    }

    /// <inheritdoc/>
    public async ValueTask<ILookupSession> OpenAsync(CancellationToken cancel) => new PgLookupSession(await PgConnection.OpenAsync(_settings, cancel, _clock));

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _control.DisposeAsync();

    /// <summary>Keys are parameters, names are quoted: nothing of either is part of the SQL.</summary>
    private static string SqlOf(PgRelation relation, ImmutableArray<PgAttribute> keys, ImmutableArray<PgAttribute> wanted, ImmutableArray<PgMapping> reads)
    {
        string Number(int i) => (i + 1).ToString(CultureInfo.InvariantCulture);
        var columns = wanted.Zip(reads, static (attribute, read) => $", t.{PgName.Quote(attribute.Name)}{(read.Cast is null ? "" : $"::pg_catalog.{read.Cast}")}");
        var arrays = keys.Select((key, i) => $"${Number(i)}::{ArrayOf(key)}");
        var names = keys.Select((_, i) => $"k{Number(i)}");
        var on = keys.Select((key, i) => $"t.{PgName.Quote(key.Name)} = u.k{Number(i)}");
        return $"SELECT u.n{string.Concat(columns)} FROM unnest({string.Join(", ", arrays)}) WITH ORDINALITY AS u({string.Join(", ", names)}, n) "
            + $"JOIN {relation.Sql} AS t ON {string.Join(" AND ", on)}";
    }

    /// <summary>The array type without a modifier, which would cut or round keys.</summary>
    private static string ArrayOf(PgAttribute key)
    {
        var type = BaseOf(key.Type);
        return $"{PgName.Quote(type.Schema)}.{PgName.Quote(type.Name)}[]";
    }

    private static bool IsJson(PgType type) => type is { IsBuiltIn: true, Name: "json" or "jsonb" };

    private static PgType BaseOf(PgType type)
    {
        while (type.Domain is { } domain) type = domain;
        return type;
    }

    private static PgAttribute Find(LookupQuestion question, PgRelation relation, ImmutableArray<PgAttribute> attributes, string name)
    {
        if (attributes.FirstOrDefault(attribute => attribute.Name == name) is not { } found)
        {
            var near = Words.Nearest(name, attributes.Select(static attribute => attribute.Name));
            throw Refused(question, $"found {Words.Quote(name)}, which is no column of {relation.Written}", near is null ? "Name a column of the table." : $"Did you mean '{near}'?");
        }

        return relation.MayRead || found.MayRead ? found : throw Refused(question, $"this user has no right to SELECT the column {name} of {relation.Written}", "Grant it, or name other columns with lookup.columns.");
    }

    private static PgMapping MapOf(LookupQuestion question, PgAttribute attribute)
    {
        var mapped = PostgresTypes.Map(attribute.Type, attribute.Modifier, attribute.Dimensions, TargetTraits.Vectors, out var refusal)
            ?? throw Refused(question, $"the column {attribute.Name} can't be read: {refusal}", "Name other columns with lookup.columns.");

        // A map can then reach into it, and cast it to a list of structs.
        var type = BaseOf(attribute.Type);
        if (IsJson(type)) return mapped with { Type = DuckDbType.Json };
        var isList = type.Element is { } element && IsJson(BaseOf(element)) && mapped.Type == DuckDbType.List(DuckDbType.Varchar);
        return isList ? mapped with { Type = DuckDbType.List(DuckDbType.Json) } : mapped;
    }

    private static string KeyTypeOf(LookupQuestion question, PgAttribute key)
    {
        var type = BaseOf(key.Type);
        var mapped = type.IsBuiltIn && s_keyTypes.Contains(type.Name) ? PostgresTypes.Map(key.Type, key.Modifier, key.Dimensions, TargetTraits.Vectors, out _) : null;
        if (mapped is { Cast: null }) return mapped.Type.ToSql();
        throw Refused(
            question,
            $"found the key {Words.Quote(key.Name)} of type {key.Spelling}, which can't be looked up",
            "Keys are integers, numeric with a precision, floating-point numbers, booleans, text, uuid, date or timestamps.");
    }

    private static Fault Refused(LookupQuestion question, string message, string advice) =>
        new(FaultKind.JobFile, message) { Side = FaultSide.Job, Where = question.Mark.ToString(), Advice = advice };
}
