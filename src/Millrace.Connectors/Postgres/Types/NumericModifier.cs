using System.Runtime.InteropServices;

namespace Millrace.Connectors.Postgres.Types;

/// <summary>The precision and scale in a numeric's type modifier (PostgreSQL's numeric.c, make_numeric_typmod).</summary>
/// <param name="Precision">Significant digits, 1 to 1000.</param>
/// <param name="Scale">Digits after the point; from PostgreSQL 15 on it can be negative or larger than the precision.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct NumericModifier(int Precision, int Scale)
{
    private const int HeaderBytes = 4;
    private const int ScaleBits = 11;

    /// <summary>Null for a numeric without precision.</summary>
    internal static NumericModifier? From(int modifier)
    {
        if (modifier < HeaderBytes) return null;
        var bits = modifier - HeaderBytes;
        // The scale is a signed number of eleven bits: shift its sign to the top and back.
        return new NumericModifier((bits >> 16) & 0xFFFF, bits << (32 - ScaleBits) >> (32 - ScaleBits));
    }

    /// <summary>
    /// The decimal that holds every value of this numeric exactly, null when none of at most 38 digits does: a negative scale adds
    /// zeros before the point, a scale beyond the precision adds zeros behind it.
    /// </summary>
    internal (int Width, int Scale)? Decimal
    {
        get
        {
            var scale = Math.Max(Scale, 0);
            var width = Math.Max(Precision - Math.Min(Scale, 0), scale);
            return width <= DuckDb.DuckDbType.DecimalWidthMax ? (width, scale) : null;
        }
    }
}
