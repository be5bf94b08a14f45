using System.Globalization;
using System.Numerics;
using Millrace.DuckDb;

namespace Millrace.Tests.Planning.Schema;

/// <summary>Types and values as a source may have them, with the values at the types' edges among them.</summary>
internal sealed class RandomTypes(Random random)
{
    private static readonly DuckDbKind[] s_scalars =
    [
        DuckDbKind.TinyInt, DuckDbKind.SmallInt, DuckDbKind.Integer, DuckDbKind.BigInt, DuckDbKind.HugeInt, DuckDbKind.UTinyInt, DuckDbKind.USmallInt,
        DuckDbKind.UInteger, DuckDbKind.UBigInt, DuckDbKind.UHugeInt, DuckDbKind.Float, DuckDbKind.Double, DuckDbKind.Varchar, DuckDbKind.Boolean, DuckDbKind.Date,
        DuckDbKind.Timestamp, DuckDbKind.TimestampMs, DuckDbKind.Uuid, DuckDbKind.Blob,
    ];

    private static readonly string[] s_labels = ["a", "B", "ü x", "it's", ""];

    /// <summary>A type; nested ones hold types of this depth less one.</summary>
    public DuckDbType Next(int depth) => random.Next(depth > 0 ? 12 : 8) switch
    {
        < 5 => DuckDbType.Of(s_scalars[random.Next(s_scalars.Length)]),
        5 or 6 => Decimal(),
        7 => DuckDbType.Enum(s_labels.Where(_ => random.Next(2) == 0).Append("z").OrderBy(_ => random.Next())),
        8 => DuckDbType.List(Next(depth - 1)),
        9 => DuckDbType.Array(Next(depth - 1), random.Next(2, 4)),
        10 => DuckDbType.Map(DuckDbType.Of(s_scalars[random.Next(10)]), Next(depth - 1)),
        _ => DuckDbType.Struct([.. new[] { "x", "y", "z" }.Where(_ => random.Next(2) == 0).Append("w").Select(name => new DuckDbField(name, Next(depth - 1)))]),
    };

    /// <summary>A value of a type as SQL.</summary>
    public string Value(DuckDbType type) => random.Next(12) == 0 ? $"CAST(NULL AS {type.ToSql()})" : type.Kind switch
    {
        DuckDbKind.TinyInt => Integer(8, true, type),
        DuckDbKind.SmallInt => Integer(16, true, type),
        DuckDbKind.Integer => Integer(32, true, type),
        DuckDbKind.BigInt => Integer(64, true, type),
        DuckDbKind.HugeInt => Integer(128, true, type),
        DuckDbKind.UTinyInt => Integer(8, false, type),
        DuckDbKind.USmallInt => Integer(16, false, type),
        DuckDbKind.UInteger => Integer(32, false, type),
        DuckDbKind.UBigInt => Integer(64, false, type),
        DuckDbKind.UHugeInt => Integer(128, false, type),
        DuckDbKind.Float => Of(type, Floating(BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue)).ToString("R", CultureInfo.InvariantCulture))),
        DuckDbKind.Double => Of(type, Floating(BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue)).ToString("R", CultureInfo.InvariantCulture))),
        DuckDbKind.Decimal => Of(type, Decimal(type.Width, type.Scale)),
        DuckDbKind.Enum => Of(type, type.Labels[random.Next(type.Labels.Length)]),
        DuckDbKind.List => $"[{string.Join(", ", Values(type.Element, random.Next(4)))}]::{type.ToSql()}",
        DuckDbKind.Array => $"[{string.Join(", ", Values(type.Element, type.ArraySize))}]::{type.ToSql()}",
        DuckDbKind.Map => $"MAP([{NotNull(type.Fields[0].Type)}], [{Value(type.Fields[1].Type)}])::{type.ToSql()}",
        DuckDbKind.Struct => $"{{{string.Join(", ", type.Fields.Select(field => $"'{field.Name}': {Value(field.Type)}"))}}}::{type.ToSql()}",
        DuckDbKind.Boolean => Of(type, random.Next(2) == 0 ? "true" : "false"),
        DuckDbKind.Uuid => Of(type, new Guid(random.Next(), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10).ToString()),
        DuckDbKind.Varchar => Of(type, s_labels[random.Next(s_labels.Length)] + random.Next()),
        DuckDbKind.Blob => Of(type, $"\\x{random.Next(256):X2}"),
        _ => Of(type, $"{random.Next(1, 9999):D4}-02-03"),
    };

    private DuckDbType Decimal()
    {
        var width = random.Next(1, DuckDbType.DecimalWidthMax + 1);
        return DuckDbType.Decimal(width, random.Next(3) == 0 ? 0 : random.Next(width + 1));
    }

    private IEnumerable<string> Values(DuckDbType type, int count) => Enumerable.Range(0, count).Select(_ => Value(type));

    private string NotNull(DuckDbType type)
    {
        for (; ; )
        {
            if (Value(type) is var value && !value.StartsWith("CAST(NULL", StringComparison.Ordinal)) return value;
        }
    }

    private string Integer(int bits, bool signed, DuckDbType type)
    {
        var least = signed ? -BigInteger.Pow(2, bits - 1) : BigInteger.Zero;
        var most = BigInteger.Pow(2, signed ? bits - 1 : bits) - 1;
        var bytes = new byte[17];
        random.NextBytes(bytes.AsSpan(0, 16));
        return Of(type, (random.Next(4) switch { 0 => least, 1 => most, _ => least + (new BigInteger(bytes) % (most - least + 1)) }).ToString(CultureInfo.InvariantCulture));
    }

    private string Decimal(int width, int scale)
    {
        var digits = string.Concat(Enumerable.Range(0, width).Select(_ => random.Next(3) == 0 ? '9' : (char)('0' + random.Next(10))));
        var sign = random.Next(2) == 0 ? "-" : "";
        return $"{sign}{digits[..(width - scale)]}{(scale > 0 ? "." + digits[(width - scale)..] : "")}";
    }

    private string Floating(string number) => random.Next(8) switch
    {
        0 => "nan",
        1 => "-inf",
        2 => "16777217",
        _ => number is "NaN" ? "nan" : number.Replace("∞", "inf", StringComparison.Ordinal).Replace("Infinity", "inf", StringComparison.Ordinal),
    };

    private static string Of(DuckDbType type, string text) => $"CAST('{text.Replace("'", "''", StringComparison.Ordinal)}' AS {type.ToSql()})";
}
