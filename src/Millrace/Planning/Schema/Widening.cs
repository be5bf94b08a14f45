using System.Collections.Frozen;
using Millrace.DuckDb;

namespace Millrace.Planning;

/// <summary>
/// Whether a type holds every value of another one: cast there and back, each value is what it was. A type holds itself, and what holds a
/// type that holds a third one holds that too.
/// </summary>
public static class Widening
{
    // Bits, whether they have a sign, and the decimal digits of the longest value.
    private static readonly FrozenDictionary<DuckDbKind, (int Bits, bool Signed, int Digits)> Integers = new Dictionary<DuckDbKind, (int, bool, int)>
    {
        [DuckDbKind.TinyInt] = (8, true, 3),
        [DuckDbKind.SmallInt] = (16, true, 5),
        [DuckDbKind.Integer] = (32, true, 10),
        [DuckDbKind.BigInt] = (64, true, 19),
        [DuckDbKind.HugeInt] = (128, true, 39),
        [DuckDbKind.UTinyInt] = (8, false, 3),
        [DuckDbKind.USmallInt] = (16, false, 5),
        [DuckDbKind.UInteger] = (32, false, 10),
        [DuckDbKind.UBigInt] = (64, false, 20),
        [DuckDbKind.UHugeInt] = (128, false, 39),
    }.ToFrozenDictionary();

    /// <summary>Whether <paramref name="wide"/> holds every value of <paramref name="narrow"/>.</summary>
    public static bool Holds(DuckDbType wide, DuckDbType narrow)
    {
        if (wide == narrow) return true;

        // JSON is spelled differently from a text in files that have both.
        if (wide.IsJson || narrow.IsJson) return false;
        if (Integers.TryGetValue(narrow.Kind, out var integer)) return HoldsInteger(wide, integer);
        return (wide.Kind, narrow.Kind) switch
        {
            (DuckDbKind.Double, DuckDbKind.Float) => true,
            (DuckDbKind.Decimal, DuckDbKind.Decimal) => wide.Scale >= narrow.Scale && wide.Width - wide.Scale >= narrow.Width - narrow.Scale,
            (DuckDbKind.Varchar, DuckDbKind.Enum) => true,
            (DuckDbKind.Enum, DuckDbKind.Enum) => narrow.Labels.ToHashSet(StringComparer.Ordinal).IsSubsetOf(wide.Labels),
            (DuckDbKind.List, DuckDbKind.List) => Holds(wide.Element, narrow.Element),
            (DuckDbKind.Array, DuckDbKind.Array) => wide.ArraySize == narrow.ArraySize && Holds(wide.Element, narrow.Element),
            (DuckDbKind.Map, DuckDbKind.Map) => Holds(wide.Fields[0].Type, narrow.Fields[0].Type) && Holds(wide.Fields[1].Type, narrow.Fields[1].Type),
            (DuckDbKind.Struct, DuckDbKind.Struct) => HoldsFields(wide, narrow),
            _ => false,
        };
    }

    /// <summary>The same of types as they are spelled. A spelling that is not known is held by itself alone.</summary>
    public static bool Holds(string wide, string narrow) =>
        DuckDbType.TryParse(wide, out var wideType) && DuckDbType.TryParse(narrow, out var narrowType)
            ? Holds(wideType, narrowType)
            : string.Equals(wide, narrow, StringComparison.Ordinal);

    // A FLOAT has 24 bits for the number, a DOUBLE 53: more would be rounded.
    private static bool HoldsInteger(DuckDbType wide, (int Bits, bool Signed, int Digits) narrow)
    {
        if (Integers.TryGetValue(wide.Kind, out var integer))
            return integer.Signed == narrow.Signed ? integer.Bits >= narrow.Bits : integer.Signed && integer.Bits > narrow.Bits;
        return wide.Kind switch
        {
            DuckDbKind.Float => narrow.Bits <= 16,
            DuckDbKind.Double => narrow.Bits <= 32,
            DuckDbKind.Decimal => wide.Width - wide.Scale >= narrow.Digits,
            _ => false,
        };
    }

    /// <summary>A struct may gain fields: they are NULL in older values.</summary>
    private static bool HoldsFields(DuckDbType wide, DuckDbType narrow)
    {
        var fields = new Dictionary<string, DuckDbType>(StringComparer.Ordinal);
        foreach (var field in wide.Fields) fields[field.Name] = field.Type;
        foreach (var field in narrow.Fields)
        {
            if (!fields.TryGetValue(field.Name, out var type) || !Holds(type, field.Type)) return false;
        }

        return true;
    }
}
