using System.Collections.Immutable;
using System.Globalization;
using Millrace.Connectors.Postgres.Types;
using Millrace.DuckDb;

namespace Millrace.Connectors.Postgres.Reading;

/// <summary>What the decoder does with a value: one member for each kind of wire form and target, chosen once for a scan.</summary>
internal enum DecodeStep : byte
{
    Bool,
    Int16,
    Int32,
    Int64,
    FiniteFloat32,
    FiniteFloat64,
    Date,
    FiniteDate,
    Time,
    TimeOfDay,
    Timestamp,
    FiniteTimestamp,
    Text,
    Jsonb,
    Bytes,
    Uuid,
    Numeric16,
    Numeric32,
    Numeric64,
    Numeric128,
    Array,
    Record,
}

/// <summary>
/// One column's (element's, field's) decoder: the step, what the step needs, and the vector that it writes to now. A struct in an
/// array, so that the row loop has no virtual call and no pointer to follow.
/// </summary>
internal struct ColumnDecoder
{
    /// <summary>Where values go; set anew for each chunk.</summary>
    internal VectorWriter Vector;

    /// <summary>What to do.</summary>
    internal DecodeStep Step;

    /// <summary>Numeric: digits after the point of the target, 0 for integers.</summary>
    internal byte Scale;

    /// <summary>Array: declared dimensions.</summary>
    internal byte Dimensions;

    /// <summary>Numeric: the largest magnitude that the target holds, times 10^scale.</summary>
    internal UInt128 Limit;

    /// <summary>Numeric: 1 when the target holds one negative number more, as binary integers do.</summary>
    internal byte NegativeExtra;

    /// <summary>Array: the element; record: the fields.</summary>
    internal ColumnDecoder[] Children;

    /// <summary>The decoder for values of this form that become this type.</summary>
    internal static ColumnDecoder For(WireShape shape, DuckDbType type)
    {
        var decoder = new ColumnDecoder { Step = StepFor(shape, type), Children = [] };
        switch (shape.Kind)
        {
            case WireKind.Numeric:
                decoder.Scale = (byte)type.Scale;
                decoder.NegativeExtra = type.Kind == DuckDbKind.Decimal ? (byte)0 : (byte)1;
                decoder.Limit = LimitOf(type);
                break;
            case WireKind.Array:
                decoder.Dimensions = (byte)shape.Dimensions;
                var element = type;
                for (var i = 0; i < shape.Dimensions; i++) element = element.Element;
                decoder.Children = [For(ChildrenOf(shape)[0], element)];
                break;
            case WireKind.Record:
                var fields = ChildrenOf(shape);
                decoder.Children = new ColumnDecoder[fields.Length];
                for (var i = 0; i < fields.Length; i++) decoder.Children[i] = For(fields[i], type.Fields[i].Type);
                break;
            default:
                break;
        }

        return decoder;
    }

    private static ImmutableArray<WireShape> ChildrenOf(WireShape shape) => shape.Children ?? [];

    private static DecodeStep StepFor(WireShape shape, DuckDbType type) => shape.Kind switch
    {
        WireKind.Bool => DecodeStep.Bool,
        WireKind.Int16 => DecodeStep.Int16,
        WireKind.Int32 => DecodeStep.Int32,
        WireKind.Int64 => DecodeStep.Int64,
        // The same bytes as an integer's, unless NaN and infinities must be found.
        WireKind.Float32 => shape.FiniteOnly ? DecodeStep.FiniteFloat32 : DecodeStep.Int32,
        WireKind.Float64 => shape.FiniteOnly ? DecodeStep.FiniteFloat64 : DecodeStep.Int64,
        WireKind.Date => shape.FiniteOnly ? DecodeStep.FiniteDate : DecodeStep.Date,
        WireKind.Time => shape.BeforeMidnight ? DecodeStep.TimeOfDay : DecodeStep.Time,
        WireKind.Timestamp => shape.FiniteOnly ? DecodeStep.FiniteTimestamp : DecodeStep.Timestamp,
        WireKind.Text => DecodeStep.Text,
        WireKind.Jsonb => DecodeStep.Jsonb,
        WireKind.Bytes => DecodeStep.Bytes,
        WireKind.Uuid => DecodeStep.Uuid,
        WireKind.Array => DecodeStep.Array,
        WireKind.Record => DecodeStep.Record,
        WireKind.Numeric => type.ValueBytes switch
        {
            2 => DecodeStep.Numeric16,
            4 => DecodeStep.Numeric32,
            8 => DecodeStep.Numeric64,
            _ => DecodeStep.Numeric128,
        },
        _ => throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"wire form {(int)shape.Kind} is not known")),
    };

    private static UInt128 LimitOf(DuckDbType type)
    {
        if (type.Kind == DuckDbKind.SmallInt) return (UInt128)short.MaxValue;
        if (type.Kind == DuckDbKind.Integer) return int.MaxValue;
        if (type.Kind == DuckDbKind.BigInt) return long.MaxValue;
        if (type.Kind == DuckDbKind.HugeInt) return (UInt128)Int128.MaxValue;
        var limit = UInt128.One;
        for (var i = 0; i < type.Width; i++) limit *= 10;
        return limit - 1;
    }
}
