using System.Collections.Immutable;
using System.Text;
using Millrace.Connectors.Postgres.Types;
using Millrace.DuckDb;

namespace Millrace.Connectors.Postgres.Writing;

/// <summary>What the encoder does with a value: one member for each pair of DuckDB type and wire form, chosen once for a statement.</summary>
internal enum EncodeStep : byte
{
    Nothing,
    Bool,
    Fixed16,
    Fixed32,
    Fixed64,
    Widened16,
    Widened32,
    Widened64,
    FloatAsDouble,
    Text,
    LimitedText,
    Label,
    Jsonb,
    Bytes,
    Bits,
    Uuid,
    Date,
    Time,
    TimeOfNanos,
    TimeTz,
    Timestamp,
    CoarseTimestamp,
    TimestampOfUnits,
    TimestampOfNanos,
    Interval,
    QuickNumeric,
    Numeric,
    Array,
    Record,
    Json,
    NestedJsonb,
}

/// <summary>
/// One column's (element's, field's) encoder: the step, what the step needs, and the vector that it reads now. A struct in an array, so that
/// the row loop has no virtual call and no pointer to follow.
/// </summary>
internal struct ColumnEncoder
{
    /// <summary>Where values come from; set anew for each chunk.</summary>
    internal VectorReader Vector;

    /// <summary>What to do.</summary>
    internal EncodeStep Step;

    /// <summary>What values come from.</summary>
    internal DuckDbKind Kind;

    /// <summary>Numeric: digits behind the point.</summary>
    internal byte Scale;

    /// <summary>Numeric: what makes the last group of four digits whole.</summary>
    internal short Pad;

    /// <summary>Text: the most characters. Times: microseconds that they are multiples of. Coarse timestamps: microseconds in a unit.</summary>
    internal int Bound;

    /// <summary>The type's oid, for the array or record around it.</summary>
    internal uint Oid;

    /// <summary>Array: the inner lists' vectors, one for each dimension behind the first.</summary>
    internal VectorReader[] Levels;

    /// <summary>Array: the element; record: the fields in the composite's order.</summary>
    internal ColumnEncoder[] Children;

    /// <summary>Record: which field of the struct each is.</summary>
    internal ImmutableArray<int> Fields;

    /// <summary>Enum: the labels' bytes.</summary>
    internal byte[][] Labels;

    /// <summary>What a value takes at most beside bytes of any number, its length included.</summary>
    internal readonly int FixedBytes => Step switch
    {
        EncodeStep.Bool => 5,
        EncodeStep.Fixed16 or EncodeStep.Widened16 => 6,
        EncodeStep.Fixed32 or EncodeStep.Widened32 or EncodeStep.Date => 8,
        EncodeStep.Uuid or EncodeStep.Interval => 20,
        EncodeStep.TimeTz => 16,
        EncodeStep.QuickNumeric or EncodeStep.Numeric => 4 + NumericEncoder.BytesMax,
        EncodeStep.Text or EncodeStep.LimitedText or EncodeStep.Label or EncodeStep.Bytes or EncodeStep.Nothing => 4,
        EncodeStep.Array or EncodeStep.Record or EncodeStep.Json or EncodeStep.NestedJsonb => 4,
        _ => 12,
    };

    /// <summary>The encoder for values of a type that go out in a form.</summary>
    /// <exception cref="InvalidOperationException">There is no such way; <see cref="PgEncodings"/> gives none of these.</exception>
    internal static ColumnEncoder For(PgEncoding encoding, DuckDbType type)
    {
        var encoder = new ColumnEncoder
        {
            Step = StepFor(encoding, type),
            Kind = type.Kind,
            Oid = encoding.Oid,
            Scale = (byte)type.Scale,
            Bound = BoundOf(encoding, type),
            Levels = [],
            Children = [],
            Labels = [.. type.Labels.Select(Encoding.UTF8.GetBytes)],
        };
        switch (encoder.Step)
        {
            case EncodeStep.QuickNumeric:
                encoder.Pad = NumericEncoder.PadOf(type.Scale);
                break;
            case EncodeStep.Array:
                var element = type;
                for (var i = 0; i < encoding.Dimensions; i++) element = element.Element;
                encoder.Levels = new VectorReader[encoding.Dimensions - 1];
                encoder.Children = [For(ChildrenOf(encoding)[0], element)];
                break;
            case EncodeStep.Record:
                encoder.Fields = encoding.Fields ?? [];
                encoder.Children = new ColumnEncoder[encoder.Fields.Length];
                for (var i = 0; i < encoder.Fields.Length; i++) encoder.Children[i] = For(ChildrenOf(encoding)[i], type.Fields[encoder.Fields[i]].Type);
                break;
            default:
                break;
        }

        return encoder;
    }

    private static ImmutableArray<PgEncoding> ChildrenOf(PgEncoding encoding) => encoding.Children ?? [];

    private static EncodeStep StepFor(PgEncoding encoding, DuckDbType type) => (encoding.Kind, type.Kind) switch
    {
        (_, DuckDbKind.Null) => EncodeStep.Nothing,
        (WireKind.Bool, DuckDbKind.Boolean) => EncodeStep.Bool,
        (WireKind.Int16, DuckDbKind.SmallInt) => EncodeStep.Fixed16,
        (WireKind.Int16, DuckDbKind.TinyInt or DuckDbKind.UTinyInt) => EncodeStep.Widened16,
        (WireKind.Int16, DuckDbKind.Decimal) when IsInteger(type, 2) => EncodeStep.Fixed16,
        (WireKind.Int32, DuckDbKind.Integer or DuckDbKind.UInteger) => EncodeStep.Fixed32,
        (WireKind.Int32, DuckDbKind.TinyInt or DuckDbKind.UTinyInt or DuckDbKind.SmallInt or DuckDbKind.USmallInt) => EncodeStep.Widened32,
        (WireKind.Int32, DuckDbKind.Decimal) when IsInteger(type, 4) => type.ValueBytes == 4 ? EncodeStep.Fixed32 : EncodeStep.Widened32,
        (WireKind.Int64, DuckDbKind.BigInt) => EncodeStep.Fixed64,
        (WireKind.Int64, DuckDbKind.Decimal) when IsInteger(type, 8) => type.ValueBytes == 8 ? EncodeStep.Fixed64 : EncodeStep.Widened64,
        (WireKind.Int64, _) when IsInteger(type, 4) => EncodeStep.Widened64,
        (WireKind.Float32, DuckDbKind.Float) => EncodeStep.Fixed32,
        (WireKind.Float64, DuckDbKind.Double) => EncodeStep.Fixed64,
        (WireKind.Float64, DuckDbKind.Float) => EncodeStep.FloatAsDouble,
        (WireKind.Text, DuckDbKind.Varchar) => encoding.CharsMax > 0 ? EncodeStep.LimitedText : EncodeStep.Text,
        (WireKind.Text, DuckDbKind.Enum) => EncodeStep.Label,
        (WireKind.Text, _) when type.IsNested => EncodeStep.Json,
        (WireKind.Jsonb, DuckDbKind.Varchar) => EncodeStep.Jsonb,
        (WireKind.Jsonb, _) when type.IsNested => EncodeStep.NestedJsonb,
        (WireKind.Bytes, DuckDbKind.Blob) => EncodeStep.Bytes,
        (WireKind.Bits, DuckDbKind.Bit) => EncodeStep.Bits,
        (WireKind.Uuid, DuckDbKind.Uuid) => EncodeStep.Uuid,
        (WireKind.Interval, DuckDbKind.Interval) => EncodeStep.Interval,
        (WireKind.Numeric, DuckDbKind.Decimal) => NumericEncoder.IsQuick(type) ? EncodeStep.QuickNumeric : EncodeStep.Numeric,
        (WireKind.Numeric, _) when NumericEncoder.IsWide(type.Kind) || IsInteger(type, 8) => EncodeStep.Numeric,
        (WireKind.Array, DuckDbKind.List or DuckDbKind.Array) => EncodeStep.Array,
        (WireKind.Record, DuckDbKind.Struct) => EncodeStep.Record,
        _ => TimeStepFor(encoding, type),
    };

    private static EncodeStep TimeStepFor(PgEncoding encoding, DuckDbType type) => (encoding.Kind, type.Kind) switch
    {
        (WireKind.Date, DuckDbKind.Date) => EncodeStep.Date,
        (WireKind.Time, DuckDbKind.Time) => EncodeStep.Time,
        (WireKind.Time, DuckDbKind.TimeNs) => EncodeStep.TimeOfNanos,
        (WireKind.TimeTz, DuckDbKind.TimeTz) => EncodeStep.TimeTz,
        (WireKind.Timestamp, DuckDbKind.Timestamp or DuckDbKind.TimestampTz) => encoding.Micros > 1 ? EncodeStep.CoarseTimestamp : EncodeStep.Timestamp,
        (WireKind.Timestamp, DuckDbKind.TimestampS or DuckDbKind.TimestampMs) => EncodeStep.TimestampOfUnits,
        (WireKind.Timestamp, DuckDbKind.TimestampNs) => EncodeStep.TimestampOfNanos,
        _ => throw new InvalidOperationException($"values of {type.ToSql()} do not go out as {encoding.Kind}"),
    };

    private static int BoundOf(PgEncoding encoding, DuckDbType type) => encoding.CharsMax > 0 ? encoding.CharsMax : Math.Max(1, encoding.Micros);

    /// <summary>Whether a type is an integer of at most so many bytes; one more bit without a sign makes it wider, a decimal is one without places.</summary>
    private static bool IsInteger(DuckDbType type, int bytes) => type.Kind switch
    {
        DuckDbKind.TinyInt or DuckDbKind.SmallInt or DuckDbKind.Integer or DuckDbKind.BigInt => type.ValueBytes <= bytes,
        DuckDbKind.UTinyInt or DuckDbKind.USmallInt or DuckDbKind.UInteger => type.ValueBytes <= bytes,
        DuckDbKind.Decimal => type.Scale == 0 && type.ValueBytes <= bytes,
        _ => false,
    };
}
