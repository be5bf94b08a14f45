using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using Millrace.Connectors.Postgres.Reading;
using Millrace.Connectors.Postgres.Types;
using Millrace.DuckDb;

namespace Millrace.Connectors.Tests.Postgres.Source;

/// <summary>Numerics as their bytes, against arithmetic without limits: the exact number, or a refusal where the target can't hold it.</summary>
public sealed class NumericDecoderTests(ITestOutputHelper output)
{
    private const int Rounds = 15_000;

    [Theory]
    [InlineData("SMALLINT")]
    [InlineData("INTEGER")]
    [InlineData("BIGINT")]
    [InlineData("HUGEINT")]
    [InlineData("DECIMAL(2,1)")]
    [InlineData("DECIMAL(4,2)")]
    [InlineData("DECIMAL(9,0)")]
    [InlineData("DECIMAL(9,9)")]
    [InlineData("DECIMAL(18,2)")]
    [InlineData("DECIMAL(18,7)")]
    [InlineData("DECIMAL(18,18)")]
    [InlineData("DECIMAL(38,0)")]
    [InlineData("DECIMAL(38,10)")]
    [InlineData("DECIMAL(38,37)")]
    public void Every_number_is_exact_or_refused(string type)
    {
        var target = DuckDbType.Parse(type);
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var (exact, refused) = (0, 0);
        for (var round = 0; round < Rounds; round++)
        {
            var number = Any(random, target);
            var expected = Expected(number, target);
            var (found, refusal) = Decode(number.Bytes, target);
            Assert.True(expected == found, $"seed {seed}, round {round}: {Convert.ToHexString(number.Bytes)} became {found?.ToString() ?? refusal}, expected {expected?.ToString() ?? "a refusal"}");
            if (found is null) refused++;
            else exact++;
        }

        Assert.InRange(exact, Rounds / 20, Rounds);
        Assert.InRange(refused, Rounds / 100, Rounds);
    }

    public static TheoryData<string, string, string> Ends => new()
    {
        { "SMALLINT", "32767", "-32768" },
        { "INTEGER", "2147483647", "-2147483648" },
        { "BIGINT", "9223372036854775807", "-9223372036854775808" },
        { "HUGEINT", "170141183460469231731687303715884105727", "-170141183460469231731687303715884105728" },
        { "DECIMAL(2,0)", "99", "-99" },
        { "DECIMAL(4,2)", "9999", "-9999" },
        { "DECIMAL(18,2)", "999999999999999999", "-999999999999999999" },
        { "DECIMAL(38,10)", "99999999999999999999999999999999999999", "-99999999999999999999999999999999999999" },
    };

    [Theory]
    [MemberData(nameof(Ends))]
    public void The_ends_of_a_type_are_held_and_what_lies_behind_them_is_refused(string type, string largest, string smallest)
    {
        var target = DuckDbType.Parse(type);
        foreach (var (end, step) in ((string, int)[])[(largest, 1), (smallest, -1)])
        {
            var number = BigInteger.Parse(end, CultureInfo.InvariantCulture);
            Assert.Equal(number, Decode(Of(number, target.Scale).Bytes, target).Found);
            Assert.Equal(number - step, Decode(Of(number - step, target.Scale).Bytes, target).Found);
            var behind = Of(number + step, target.Scale);
            Assert.Contains("more digits than the target", Decode(behind.Bytes, target).Refusal, StringComparison.Ordinal);
            // With zeros behind it another way is taken, and the answer is the same.
            Assert.Contains("more digits than the target", Decode((behind with { Digits = [.. behind.Digits, 0, 0, 0, 0] }).Bytes, target).Refusal, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("", "what PostgreSQL sends")]
    [InlineData("00000000000000", "what PostgreSQL sends")]
    [InlineData("0001000000000000", "what PostgreSQL sends")]
    [InlineData("00010000000000000001AA", "what PostgreSQL sends")]
    [InlineData("000100000000000000010002", "what PostgreSQL sends")]
    [InlineData("0001000080000000" + "0001", "what PostgreSQL sends")]
    [InlineData("0001000000010000" + "0001", "what PostgreSQL sends")]
    [InlineData("FFFF000000000000" + "0001", "what PostgreSQL sends")]
    [InlineData("00000000C0000000", "found NaN")]
    [InlineData("00000000D0000000", "found Infinity")]
    [InlineData("00000000F0000000", "found -Infinity")]
    public void Other_bytes_are_refused(string bytes, string found)
    {
        foreach (var type in (string[])["SMALLINT", "BIGINT", "DECIMAL(18,2)", "DECIMAL(38,2)"])
            Assert.Contains(found, Decode(Convert.FromHexString(bytes), DuckDbType.Parse(type)).Refusal, StringComparison.Ordinal);
    }

    private static (BigInteger? Found, string? Refusal) Decode(byte[] bytes, DuckDbType target)
    {
        var column = ColumnDecoder.For(new WireShape(WireKind.Numeric), target);
        try
        {
            return (target.ValueBytes == 16 ? NumericDecoder.Decode128(bytes, ref column) : NumericDecoder.Decode64(bytes, ref column), null);
        }
        catch (ValueRefused refused)
        {
            return (null, refused.Message);
        }
    }

    // Mostly near what the target can hold: any digits, any place of the point, ends that are zeros.
    private static Number Any(Random random, DuckDbType target)
    {
        var places = Math.Max(1, (int)target.Width);
        var digits = new ushort[random.Next(1, (Math.Max(places, 10) / 4) + 5)];
        for (var i = 0; i < digits.Length; i++)
            digits[i] = (ushort)(random.Next(4) switch { 0 => 0, 1 => random.Next(10), 2 => random.Next(1, 100) * 100, _ => random.Next(10_000) });
        if (random.Next(40) == 0) digits = [];
        var weight = random.Next(-(target.Scale / 4) - 2, ((places - target.Scale) / 4) + 2);
        return new Number(digits, weight, random.Next(2) == 0);
    }

    private static Number Of(BigInteger scaled, int scale)
    {
        // To whole groups of four digits behind the point.
        var groups = (scale + 3) / 4;
        var rest = BigInteger.Abs(scaled) * BigInteger.Pow(10, (groups * 4) - scale);
        var digits = new List<ushort>();
        for (; rest != 0; rest /= 10_000) digits.Insert(0, (ushort)(rest % 10_000));
        return new Number([.. digits], digits.Count - groups - 1, scaled.Sign < 0);
    }

    private static BigInteger? Expected(Number number, DuckDbType target)
    {
        var unit = BigInteger.Zero;
        foreach (var digit in number.Digits) unit = (unit * 10_000) + digit;
        var places = (4 * (number.Weight - number.Digits.Length + 1)) + target.Scale;
        if (places < 0 && unit % BigInteger.Pow(10, -places) != 0) return null;
        var scaled = places < 0 ? unit / BigInteger.Pow(10, -places) : unit * BigInteger.Pow(10, places);
        if (number.IsNegative) scaled = -scaled;
        var limit = target.Kind == DuckDbKind.Decimal ? BigInteger.Pow(10, target.Width) - 1 : (BigInteger.One << ((8 * target.ValueBytes) - 1)) - 1;
        var least = target.Kind == DuckDbKind.Decimal ? -limit : -limit - 1;
        return scaled > limit || scaled < least ? null : scaled;
    }

    /// <summary>A numeric as numeric_send writes it.</summary>
    private sealed record Number(ushort[] Digits, int Weight, bool IsNegative)
    {
        public byte[] Bytes
        {
            get
            {
                var bytes = new byte[8 + (Digits.Length * 2)];
                BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)Digits.Length);
                BinaryPrimitives.WriteInt16BigEndian(bytes.AsSpan(2), (short)Weight);
                BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(4), (ushort)(IsNegative ? 0x4000 : 0));
                BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(6), 20);
                for (var i = 0; i < Digits.Length; i++) BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(8 + (i * 2)), Digits[i]);
                return bytes;
            }
        }
    }
}
