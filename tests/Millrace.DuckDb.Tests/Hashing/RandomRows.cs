using System.Text;

namespace Millrace.DuckDb.Tests.Hashing;

/// <summary>
/// Rows of boxed values and their way into vectors. All integers, dates, times and unscaled decimals are <see cref="Int128"/> (timestamps
/// in microseconds whatever the type's unit is), all floats <see cref="double"/>, texts and labels <see cref="string"/>, lists, structs
/// and maps <c>object?[]</c>, unions <c>[tag, value]</c>.
/// </summary>
internal static class RandomRows
{
    /// <summary>Every type that has a hash.</summary>
    public static readonly string[] Types =
    [
        "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT",
        "FLOAT", "DOUBLE", "DECIMAL(4,1)", "DECIMAL(9,2)", "DECIMAL(18,3)", "DECIMAL(38,5)", "DATE", "TIME", "TIME_NS", "TIMETZ",
        "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMPTZ", "INTERVAL", "UUID", "VARCHAR", "JSON", "BLOB",
        "ENUM('', 'a', 'a label of some length')", "INTEGER[]", "VARCHAR[][]", "BIGINT[3]", "STRUCT(a INTEGER, b VARCHAR, c DOUBLE[])",
        "MAP(VARCHAR, INTEGER)", "UNION(n INTEGER, t VARCHAR)",
    ];

    /// <summary>A value of a type; one in six is NULL.</summary>
    public static object? Value(DuckDbType type, Random random) => random.Next(6) == 0 ? null : type.Kind switch
    {
        DuckDbKind.Boolean => random.Next(2) == 1,
        DuckDbKind.Float => Special(random) ?? (double)(float)random.NextDouble(),
        DuckDbKind.Double => Special(random) ?? random.NextDouble(),
        DuckDbKind.UHugeInt => new UInt128((ulong)random.NextInt64() << random.Next(2), (ulong)random.NextInt64()),
        DuckDbKind.Interval => new DuckDbInterval(random.Next(), -random.Next(), random.NextInt64()),
        DuckDbKind.Uuid => new Guid([.. Enumerable.Range(0, 16).Select(_ => (byte)random.Next(256))]),
        DuckDbKind.Varchar => Text(random),
        DuckDbKind.Blob => Encoding.UTF8.GetBytes(Text(random)),
        DuckDbKind.Enum => type.Labels[random.Next(type.Labels.Length)],
        DuckDbKind.List => Values(type.Element, random, random.Next(10) == 0 ? random.Next(200) : random.Next(4)),
        DuckDbKind.Array => Values(type.Element, random, type.ArraySize),
        DuckDbKind.Struct => type.Fields.Select(field => Value(field.Type, random)).ToArray(),
        DuckDbKind.Map => Enumerable.Range(0, random.Next(4)).Select(i => (object?)new[] { $"key {i}", Value(type.Fields[1].Type, random) }).ToArray(),
        DuckDbKind.Union => Member(type, random.Next(2), random),
        _ => Number(type, random),
    };

    /// <summary>Writes a value into a row of a vector.</summary>
    public static void Write(ref VectorWriter column, int row, object? value)
    {
        switch (value)
        {
            case null:
                column.SetNull(row);
                break;
            case bool truth:
                column.Set(row, truth ? (byte)1 : (byte)0);
                break;
            case double number when column.Type.Kind == DuckDbKind.Float:
                column.Set(row, (float)number);
                break;
            case double number:
                column.Set(row, number);
                break;
            case string label when column.Type.Kind == DuckDbKind.Enum:
                column.Set(row, (byte)column.Type.Labels.IndexOf(label));
                break;
            case string text:
                Assert.True(column.SetString(row, Encoding.UTF8.GetBytes(text)));
                break;
            case byte[] bytes:
                column.SetBlob(row, bytes);
                break;
            case Guid uuid:
                column.SetUuid(row, uuid.ToByteArray(bigEndian: true));
                break;
            case DuckDbInterval interval:
                column.Set(row, interval);
                break;
            case UInt128 number:
                column.Set(row, number);
                break;
            case Int128 number:
                WriteNumber(ref column, row, number);
                break;
            default:
                WriteNested(ref column, row, (object?[])value);
                break;
        }
    }

    private static void WriteNumber(ref VectorWriter column, int row, Int128 number)
    {
        // Timestamps stand in microseconds.
        if (column.Type.Kind == DuckDbKind.TimestampS) number = number is { } s && Int128.Abs(s) != long.MaxValue ? s / 1_000_000 : number;
        if (column.Type.Kind == DuckDbKind.TimestampMs) number = number is { } ms && Int128.Abs(ms) != long.MaxValue ? ms / 1_000 : number;
        switch (column.Type.ValueBytes)
        {
            case 1:
                column.Set(row, unchecked((byte)number));
                break;
            case 2:
                column.Set(row, unchecked((short)number));
                break;
            case 4:
                column.Set(row, unchecked((int)number));
                break;
            case 8:
                column.Set(row, unchecked((long)number));
                break;
            default:
                column.Set(row, number);
                break;
        }
    }

    private static void WriteNested(ref VectorWriter column, int row, object?[] values)
    {
        switch (column.Type.Kind)
        {
            case DuckDbKind.Struct:
                for (var i = 0; i < values.Length; i++) WriteField(column.Field(i), row, values[i]);
                break;
            case DuckDbKind.Union:
                column.SetTag(row, (int)values[0]!);
                WriteField(column.Field((int)values[0]!), row, values[1]);
                break;
            case DuckDbKind.Array:
                var elements = column.ArrayElements();
                for (var i = 0; i < values.Length; i++) Write(ref elements, (row * values.Length) + i, values[i]);
                break;
            default:
                var child = column.AppendList(row, values.Length, out var at);
                foreach (var value in values) Write(ref child, at++, value);
                break;
        }
    }

    private static void WriteField(VectorWriter field, int row, object? value) => Write(ref field, row, value);

    private static object?[] Values(DuckDbType type, Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => Value(type, random))];

    private static object?[] Member(DuckDbType type, int tag, Random random) => [tag, Value(type.Fields[tag].Type, random)];

    private static object? Special(Random random) => random.Next(10) switch
    {
        0 => double.NaN,
        1 => double.NegativeInfinity,
        2 => -0.0,
        3 => 0.0,
        _ => null,
    };

    private static string Text(Random random)
    {
        var length = random.Next(4) switch { 0 => random.Next(4), 1 => random.Next(16), 2 => random.Next(40), _ => random.Next(300) };
        return string.Concat(Enumerable.Range(0, length).Select(_ => random.Next(20) == 0 ? "ü" : ((char)random.Next('a', 'z')).ToString()));
    }

    private static object Number(DuckDbType type, Random random)
    {
        var bits = new Int128((ulong)random.NextInt64(long.MinValue, long.MaxValue), (ulong)random.NextInt64(long.MinValue, long.MaxValue)) >> random.Next(127);
        return type.Kind switch
        {
            DuckDbKind.TinyInt => (Int128)unchecked((sbyte)bits),
            DuckDbKind.UTinyInt => (Int128)unchecked((byte)bits),
            DuckDbKind.SmallInt => (Int128)unchecked((short)bits),
            DuckDbKind.USmallInt => (Int128)unchecked((ushort)bits),
            DuckDbKind.Integer or DuckDbKind.Date => (Int128)unchecked((int)bits),
            DuckDbKind.UInteger => (Int128)unchecked((uint)bits),
            DuckDbKind.UBigInt => (Int128)unchecked((ulong)bits),
            DuckDbKind.Decimal => bits % Ten(type.Width),
            DuckDbKind.HugeInt => bits,
            DuckDbKind.TimestampS => random.Next(10) == 0 ? (Int128)(-long.MaxValue) : (Int128)random.Next() * 1_000_000,
            DuckDbKind.TimestampMs => random.Next(10) == 0 ? (Int128)long.MaxValue : (Int128)random.NextInt64(1L << 40) * 1_000,
            _ => (Int128)unchecked((long)bits),
        };
    }

    private static Int128 Ten(int power)
    {
        var ten = Int128.One;
        for (var i = 0; i < power; i++) ten *= 10;
        return ten;
    }
}
