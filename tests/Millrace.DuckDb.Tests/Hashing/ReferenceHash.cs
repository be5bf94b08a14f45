using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Millrace.DuckDb.Tests.Hashing;

/// <summary>
/// The content hash as docs/reference/content-hash.md has it, once more, slow and plain: rows are arrays of boxed values, arithmetic is
/// that of <see cref="BigInteger"/> modulo 2^64. It shares no line with the product.
/// </summary>
internal static class ReferenceHash
{
    private static readonly BigInteger Wrap = BigInteger.One << 64;

    /// <summary>The text form for rows of values: see <see cref="RandomRows"/> for what stands for what.</summary>
    public static string Of(DuckDbType[] types, IEnumerable<object?[]> rows)
    {
        BigInteger count = 0, low = 0, high = 0;
        foreach (var row in rows)
        {
            BigInteger sum = 0;
            for (var i = 0; i < types.Length; i++) sum += Value(types[i], i, row[i]);
            low += Mix(sum + 0x9E3779B97F4A7C15);
            high += MixAgain((sum % Wrap) ^ 0xD6E8FEB86659FD93);
            count++;
        }

        return $"h1:{count}:{(ulong)(low % Wrap):x16}{(ulong)(high % Wrap):x16}";
    }

    private static BigInteger Mix(BigInteger x)
    {
        x %= Wrap;
        x ^= x >> 32;
        x = x * 0xD6E8FEB86659FD93 % Wrap;
        x ^= x >> 32;
        x = x * 0xD6E8FEB86659FD93 % Wrap;
        return x ^ (x >> 32);
    }

    private static BigInteger MixAgain(BigInteger x)
    {
        x ^= x >> 30;
        x = x * 0xBF58476D1CE4E5B9 % Wrap;
        x ^= x >> 27;
        x = x * 0x94D049BB133111EB % Wrap;
        return x ^ (x >> 31);
    }

    private static BigInteger Value(DuckDbType type, int position, object? value)
    {
        var place = Mix(position + 1);
        if (value is null) return Mix(place ^ 0xFFFFFFFF);
        var seed = Mix(place ^ ((Family(type) * 256) + type.Scale));
        return value switch
        {
            bool truth => Words(seed, truth ? 1 : 0),
            Int128 number => Integer(seed, number),
            UInt128 number when type.Kind == DuckDbKind.UHugeInt => Words(seed, Low((BigInteger)number), High((BigInteger)number)),
            double number => Words(seed, double.IsNaN(number) ? 0x7FF8000000000000 : BitConverter.DoubleToUInt64Bits(number)),
            string text => Bytes(seed, Encoding.UTF8.GetBytes(text)),
            byte[] bytes => Bytes(seed, bytes),
            Guid uuid => Uuid(seed, uuid),
            DuckDbInterval interval => Words(seed, (uint)interval.Months + ((BigInteger)(uint)interval.Days << 32), (ulong)interval.Micros),
            object?[] values => Nested(type, seed, values),
            _ => throw new InvalidOperationException($"{value.GetType()}"),
        };
    }

    private static BigInteger Integer(BigInteger seed, Int128 number) => number >= long.MinValue && number <= long.MaxValue
        ? Words(seed, Low(number))
        : Words(seed, Low(number), High(number));

    private static BigInteger Low(BigInteger number) => ((number % Wrap) + Wrap) % Wrap;

    private static BigInteger High(BigInteger number) => Low(number >> 64);

    private static BigInteger Words(BigInteger seed, BigInteger word) => Mix(word ^ seed);

    private static BigInteger Words(BigInteger seed, BigInteger first, BigInteger second) => Mix(Mix(first ^ seed) ^ second);

    private static BigInteger Uuid(BigInteger seed, Guid uuid)
    {
        var digits = BigInteger.Parse("0" + uuid.ToString("N"), System.Globalization.NumberStyles.HexNumber);
        return Words(seed, Low(digits), High(digits) ^ (BigInteger.One << 63));
    }

    private static BigInteger Bytes(BigInteger seed, byte[] bytes)
    {
        BigInteger At(int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at));
        BigInteger Fold(int first, int second, BigInteger folded)
        {
            var product = (At(first) ^ 0xD6E8FEB86659FD93) * (At(second) ^ folded);
            return (product % Wrap) ^ (product >> 64);
        }

        var length = bytes.Length;
        if (length <= 12)
        {
            var padded = new byte[16];
            BinaryPrimitives.WriteInt32LittleEndian(padded, length);
            bytes.CopyTo(padded, 4);
            return Words(seed, BinaryPrimitives.ReadUInt64LittleEndian(padded), BinaryPrimitives.ReadUInt64LittleEndian(padded.AsSpan(8)));
        }

        var even = seed ^ (length * (BigInteger)0x9E3779B97F4A7C15 % Wrap);
        var odd = (seed + 0xD6E8FEB86659FD93) % Wrap;
        var at = 0;
        for (; length - at >= 32; at += 32)
        {
            even = Fold(at, at + 8, even);
            odd = Fold(at + 16, at + 24, odd);
        }

        even ^= odd;
        if (length - at >= 16) even = Fold(at, at + 8, even);
        if (length % 16 != 0) even = Fold(length < 16 ? 0 : length - 16, length - 8, even);
        return Mix(even);
    }

    private static BigInteger Nested(DuckDbType type, BigInteger seed, object?[] values)
    {
        switch (type.Kind)
        {
            case DuckDbKind.Struct:
                return values.Select((value, i) => Value(type.Fields[i].Type, i, value)).Aggregate(seed, (folded, field) => Mix(folded ^ field));
            case DuckDbKind.Union:
                var tag = (int)values[0]!;
                return Mix(Mix(seed ^ tag) ^ Value(type.Fields[tag].Type, tag, values[1]));
            default:
                var element = type.Kind == DuckDbKind.Map ? DuckDbType.Struct([.. type.Fields]) : type.Element;
                return Mix(values.Aggregate(seed, (folded, value) => Mix(folded ^ Value(element, 0, value))) + values.Length);
        }
    }

    private static int Family(DuckDbType type) => type.ToSql().Split('(')[0] switch
    {
        _ when type.Kind is DuckDbKind.List or DuckDbKind.Array => 20,
        "BOOLEAN" => 1,
        "TINYINT" or "SMALLINT" or "INTEGER" or "BIGINT" or "HUGEINT" or "UTINYINT" or "USMALLINT" or "UINTEGER" or "UBIGINT" => 2,
        "DECIMAL" => 3,
        "FLOAT" or "DOUBLE" => 4,
        "VARCHAR" or "JSON" or "ENUM" => 5,
        "BLOB" => 6,
        "DATE" => 7,
        "TIME" => 8,
        "TIME_NS" => 9,
        "TIME WITH TIME ZONE" => 10,
        "TIMESTAMP" or "TIMESTAMP_S" or "TIMESTAMP_MS" => 11,
        "TIMESTAMP WITH TIME ZONE" => 12,
        "TIMESTAMP_NS" => 13,
        "INTERVAL" => 14,
        "UUID" => 15,
        "UHUGEINT" => 16,
        "STRUCT" => 21,
        "MAP" => 22,
        "UNION" => 23,
        var other => throw new InvalidOperationException(other),
    };
}
