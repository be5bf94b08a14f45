using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Millrace.DuckDb;

/// <summary>
/// A logical type of DuckDB without native resources: it can be made, compared, printed, parsed and sent to another process
/// without libduckdb. Immutable, compared by content. Its JSON form is its SQL spelling.
/// </summary>
[JsonConverter(typeof(DuckDbTypeJsonConverter))]
public sealed record DuckDbType
{
    /// <summary>The widest decimal, in digits.</summary>
    public const int DecimalWidthMax = 38;

    private DuckDbType(DuckDbKind kind) => Kind = kind;

    /// <summary>BOOLEAN.</summary>
    public static DuckDbType Boolean { get; } = new(DuckDbKind.Boolean);

    /// <summary>TINYINT.</summary>
    public static DuckDbType TinyInt { get; } = new(DuckDbKind.TinyInt);

    /// <summary>SMALLINT.</summary>
    public static DuckDbType SmallInt { get; } = new(DuckDbKind.SmallInt);

    /// <summary>INTEGER.</summary>
    public static DuckDbType Integer { get; } = new(DuckDbKind.Integer);

    /// <summary>BIGINT.</summary>
    public static DuckDbType BigInt { get; } = new(DuckDbKind.BigInt);

    /// <summary>HUGEINT.</summary>
    public static DuckDbType HugeInt { get; } = new(DuckDbKind.HugeInt);

    /// <summary>FLOAT.</summary>
    public static DuckDbType Float { get; } = new(DuckDbKind.Float);

    /// <summary>DOUBLE.</summary>
    public static DuckDbType Double { get; } = new(DuckDbKind.Double);

    /// <summary>VARCHAR.</summary>
    public static DuckDbType Varchar { get; } = new(DuckDbKind.Varchar);

    /// <summary>JSON: a VARCHAR with the alias JSON.</summary>
    public static DuckDbType Json { get; } = new(DuckDbKind.Varchar) { Alias = "JSON" };

    /// <summary>BLOB.</summary>
    public static DuckDbType Blob { get; } = new(DuckDbKind.Blob);

    /// <summary>DATE.</summary>
    public static DuckDbType Date { get; } = new(DuckDbKind.Date);

    /// <summary>TIME.</summary>
    public static DuckDbType Time { get; } = new(DuckDbKind.Time);

    /// <summary>TIMESTAMP, in microseconds.</summary>
    public static DuckDbType Timestamp { get; } = new(DuckDbKind.Timestamp);

    /// <summary>TIMESTAMP WITH TIME ZONE.</summary>
    public static DuckDbType TimestampTz { get; } = new(DuckDbKind.TimestampTz);

    /// <summary>INTERVAL.</summary>
    public static DuckDbType Interval { get; } = new(DuckDbKind.Interval);

    /// <summary>UUID.</summary>
    public static DuckDbType Uuid { get; } = new(DuckDbKind.Uuid);

    /// <summary>The kind.</summary>
    public DuckDbKind Kind { get; }

    /// <summary>A decimal's digits, 1 to 38; 0 for other kinds.</summary>
    public int Width { get; private init; }

    /// <summary>A decimal's digits after the point, 0 to <see cref="Width"/>; 0 for other kinds.</summary>
    public int Scale { get; private init; }

    /// <summary>An array's number of elements; 0 for other kinds.</summary>
    public int ArraySize { get; private init; }

    /// <summary>The name that the type goes by in SQL; only <c>JSON</c> (a VARCHAR) has one.</summary>
    public string? Alias { get; private init; }

    /// <summary>
    /// A struct's fields, a union's members; the one element of a list or array, named <c>element</c>; <c>key</c> and <c>value</c>
    /// of a map. Empty for other kinds.
    /// </summary>
    public ImmutableArray<DuckDbField> Fields { get; private init; } = [];

    /// <summary>An enum's labels in order; empty for other kinds.</summary>
    public ImmutableArray<string> Labels { get; private init; } = [];

    /// <summary>The element type of a list or array.</summary>
    /// <exception cref="InvalidOperationException">The type is neither.</exception>
    public DuckDbType Element => Kind is DuckDbKind.List or DuckDbKind.Array
        ? Fields[0].Type
        : throw new InvalidOperationException($"{ToSql()} has no element type: it is no list or array.");

    /// <summary>Whether values have child vectors: list, array, struct, map, union.</summary>
    public bool IsNested => Kind is DuckDbKind.List or DuckDbKind.Array or DuckDbKind.Struct or DuckDbKind.Map or DuckDbKind.Union;

    /// <summary>Whether the type, or one that it is made of, is of some kinds.</summary>
    public bool Holds(Func<DuckDbKind, bool> kinds)
    {
        if (kinds(Kind)) return true;
        foreach (var field in Fields)
        {
            if (field.Type.Holds(kinds)) return true;
        }

        return false;
    }

    /// <summary>Whether the type is one of the JSON alias.</summary>
    public bool IsJson => Alias is not null;

    /// <summary>
    /// Bytes that one value takes in its vector: 16 for text and blobs (with short ones inside), 16 for a list's entry, 0 for
    /// structs and arrays, whose data lies in their children.
    /// </summary>
    public int ValueBytes => Kind switch
    {
        DuckDbKind.Boolean or DuckDbKind.TinyInt or DuckDbKind.UTinyInt or DuckDbKind.Null => 1,
        DuckDbKind.SmallInt or DuckDbKind.USmallInt => 2,
        DuckDbKind.Integer or DuckDbKind.UInteger or DuckDbKind.Float or DuckDbKind.Date => 4,
        DuckDbKind.Decimal => Width <= 4 ? 2 : Width <= 9 ? 4 : Width <= 18 ? 8 : 16,
        DuckDbKind.Enum => Labels.Length <= 256 ? 1 : Labels.Length <= 65_536 ? 2 : 4,
        DuckDbKind.Struct or DuckDbKind.Array or DuckDbKind.Union or DuckDbKind.Variant => 0,
        DuckDbKind.Varchar or DuckDbKind.Blob or DuckDbKind.Bit or DuckDbKind.BigNum or DuckDbKind.Geometry => 16,
        DuckDbKind.HugeInt or DuckDbKind.UHugeInt or DuckDbKind.Uuid or DuckDbKind.Interval or DuckDbKind.List or DuckDbKind.Map => 16,
        _ => 8,
    };

    /// <summary>A type without parameters.</summary>
    /// <exception cref="ArgumentException">The kind needs parameters (decimal, enum, nested kinds).</exception>
    public static DuckDbType Of(DuckDbKind kind) => DuckDbTypeNames.IsScalar(kind)
        ? new DuckDbType(kind)
        : throw new ArgumentException($"{kind} needs parameters.", nameof(kind));

    /// <summary>DECIMAL(width, scale).</summary>
    /// <exception cref="ArgumentOutOfRangeException">Width is not 1 to 38, or scale is not 0 to width.</exception>
    public static DuckDbType Decimal(int width, int scale)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(width, DecimalWidthMax);
        ArgumentOutOfRangeException.ThrowIfNegative(scale);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(scale, width);
        return new DuckDbType(DuckDbKind.Decimal) { Width = width, Scale = scale };
    }

    /// <summary>A list of any length: <c>element[]</c>.</summary>
    public static DuckDbType List(DuckDbType element) => new(DuckDbKind.List) { Fields = [new("element", element)] };

    /// <summary>A list of a fixed length: <c>element[size]</c>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Size is not 1 to 100,000.</exception>
    public static DuckDbType Array(DuckDbType element, int size)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, 100_000);
        return new DuckDbType(DuckDbKind.Array) { Fields = [new("element", element)], ArraySize = size };
    }

    /// <summary>STRUCT(…).</summary>
    /// <exception cref="ArgumentException">There is no field.</exception>
    public static DuckDbType Struct(params ReadOnlySpan<DuckDbField> fields) => new(DuckDbKind.Struct) { Fields = Some(fields) };

    /// <summary>UNION(…).</summary>
    /// <exception cref="ArgumentException">There is no member.</exception>
    public static DuckDbType Union(params ReadOnlySpan<DuckDbField> members) => new(DuckDbKind.Union) { Fields = Some(members) };

    /// <summary>MAP(key, value).</summary>
    public static DuckDbType Map(DuckDbType key, DuckDbType value) =>
        new(DuckDbKind.Map) { Fields = [new("key", key), new("value", value)] };

    /// <summary>ENUM(…).</summary>
    /// <exception cref="ArgumentException">There is no label, or one stands twice.</exception>
    public static DuckDbType Enum(params IEnumerable<string> labels)
    {
        var all = labels.ToImmutableArray();
        if (all.IsEmpty) throw new ArgumentException("An enum has at least one label.", nameof(labels));
        if (new HashSet<string>(all, StringComparer.Ordinal).Count != all.Length)
            throw new ArgumentException("A label stands twice in an enum.", nameof(labels));
        return new DuckDbType(DuckDbKind.Enum) { Labels = all };
    }

    /// <summary>
    /// Reads a type as SQL spells it, with DuckDB's and PostgreSQL's synonyms: <c>decimal(18,2)</c>, <c>timestamptz</c>,
    /// <c>character varying(20)</c> (the length means nothing to DuckDB), <c>integer[]</c>, <c>struct(a int, "b c" text)</c>.
    /// Letters' case does not matter outside of quotes.
    /// </summary>
    /// <returns>False when the text is no type that is known.</returns>
    public static bool TryParse([NotNullWhen(true)] string? sql, [NotNullWhen(true)] out DuckDbType? type) => DuckDbTypeParser.TryParse(sql, out type);

    /// <summary><see cref="TryParse"/> that throws.</summary>
    /// <exception cref="FormatException">The text is no type that is known.</exception>
    public static DuckDbType Parse(string sql) => TryParse(sql, out var type)
        ? type
        : throw new FormatException($"'{sql}' is no DuckDB type; expected one such as bigint, decimal(18,2), text, timestamptz, integer[].");

    /// <summary>The type as DuckDB's SQL spells it; <see cref="TryParse"/> reads it back to an equal type.</summary>
    public string ToSql() => DuckDbTypeNames.Print(this);

    /// <inheritdoc/>
    public override string ToString() => ToSql();

    /// <summary>Compares by content.</summary>
    public bool Equals(DuckDbType? other) =>
        ReferenceEquals(this, other)
        || (other is not null
            && Kind == other.Kind
            && Width == other.Width
            && Scale == other.Scale
            && ArraySize == other.ArraySize
            && Alias == other.Alias
            && Fields.AsSpan().SequenceEqual(other.Fields.AsSpan())
            && Labels.AsSpan().SequenceEqual(other.Labels.AsSpan()));

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.Add(Kind);
        hash.Add(Width);
        hash.Add(Scale);
        hash.Add(ArraySize);
        hash.Add(Alias);
        foreach (var field in Fields) hash.Add(field);
        foreach (var label in Labels) hash.Add(label);
        return hash.ToHashCode();
    }

    private static ImmutableArray<DuckDbField> Some(ReadOnlySpan<DuckDbField> fields) => fields.IsEmpty
        ? throw new ArgumentException("At least one field is needed.", nameof(fields))
        : [.. fields];
}

/// <summary>A field of a struct or a member of a union. Immutable.</summary>
/// <param name="Name">Its name, unquoted.</param>
/// <param name="Type">Its type.</param>
public sealed record DuckDbField(string Name, DuckDbType Type);
