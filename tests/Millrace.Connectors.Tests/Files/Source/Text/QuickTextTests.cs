using System.Text;
using Millrace.Connectors.Files.Source;
using Millrace.Connectors.Files.Source.Text;
using Millrace.DuckDb;

namespace Millrace.Connectors.Tests.Files.Source.Text;

/// <summary>The quick readers give what the guarded SQL gives, value by value, and take nothing that it refuses.</summary>
public sealed class QuickTextTests
{
    private const int TextsPerType = 4_000;

    private static readonly string[] s_oddities =
    [
        "", " ", "-", "+1", "-0", "0", "00", "007", "1.", ".5", "1.0", "1e5", "1_000", "9223372036854775807", "9223372036854775808",
        "-9223372036854775808", "999999999999999999", "nan", "Infinity", "0.1", "0.30000000000000004", "123456789012345.6", "-0.0",
        "1.7976931348623157e308", "12345678901234567890", "0.000001", "true", "TRUE", "t", "2024-02-29", "2023-02-29", "0000-01-01", "0001-01-01",
        "9999-12-31", "10000-01-01", "2024-1-1", "2024-13-01", "2024-00-10", "2024-01-00", "2024-01-01 24:00:00", "2024-01-01 23:59:60",
        "2024-01-01 00:00:00", "2024-01-01T10:20:30.5", "2024-01-01 10:20:30.1234567", "2024-01-01 10:20:30.", "2024-01-01 10:20", "2024-01-01 10:20:30Z",
        "-2024-01-01", "2024-01-01x10:20:30", "é", "１", "99999.99", "100000.00", "0.005", "12345.67", "-12345.6",
    ];

    private delegate bool Read(ReadOnlySpan<byte> text, out string value);

    [Theory]
    [InlineData("BIGINT")]
    [InlineData("DOUBLE")]
    [InlineData("DECIMAL(10,2)")]
    [InlineData("DATE")]
    [InlineData("TIMESTAMP")]
    [InlineData("BOOLEAN")]
    public void What_is_read_quickly_is_what_SQL_reads(string sql)
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var type = DuckDbType.Parse(sql);
        var texts = s_oddities.Concat(Enumerable.Range(0, TextsPerType).Select(_ => Text(random, type.Kind))).Distinct().ToArray();
        var rules = new TextRules();
        using var database = DuckDbDatabase.Open(new Dictionary<string, string>());
        using var connection = database.Connect();
        var list = string.Join(", ", texts.Select((text, i) => $"({i}, '{text.Replace("'", "''", StringComparison.Ordinal)}')"));
        string Over(string expression) => expression.Replace(FileColumn.Hole, "x", StringComparison.Ordinal);
        // Asked for by name takes more than found: so both must hold.
        using var result = connection.Query(
            $"SELECT coalesce({Over(TextTypes.Fits(type, rules))}, false) AND coalesce({Over(TextTypes.Keeps(type, rules))}, false), ({Over(TextTypes.Cast(type, rules))})::VARCHAR"
            + $" FROM (VALUES {list}) AS v(i, x) ORDER BY i");
        var taken = 0;
        foreach (var text in texts)
        {
            Assert.True(result.Read());
            if (!Reader(type)(Encoding.UTF8.GetBytes(text), out var value)) continue;
            taken++;
            Assert.True(result.GetBoolean(0), $"seed {seed}: '{text}' is no {sql} for SQL");
            Assert.True(value == result.GetText(1), $"seed {seed}: '{text}' is {value}, for SQL {result.GetText(1)}");
        }

        Assert.True(taken > (type.Kind == DuckDbKind.Boolean ? 1 : texts.Length / 20), $"only {taken} of {texts.Length} were read quickly");
    }

    // Values are compared in DuckDB's own spelling.
    private static Read Reader(DuckDbType type) => type.Kind switch
    {
        DuckDbKind.BigInt => (ReadOnlySpan<byte> text, out string value) => Give(QuickText.TryLong(text, out var number), $"{number}", out value),
        DuckDbKind.Double => (ReadOnlySpan<byte> text, out string value) => Give(QuickText.TryDouble(text, out var number), Print($"'{number:R}'::DOUBLE", number), out value),
        DuckDbKind.Decimal => (ReadOnlySpan<byte> text, out string value) =>
            Give(QuickText.TryDecimal(text, type.Scale, 9_999_999_999, out var number), (number / 100m).ToString("0.00", null), out value),
        DuckDbKind.Date => (ReadOnlySpan<byte> text, out string value) => Give(QuickText.TryDate(text, out var days), Print($"DATE '1970-01-01' + {days}"), out value),
        DuckDbKind.Timestamp => (ReadOnlySpan<byte> text, out string value) => Give(QuickText.TryTimestamp(text, out var micros), Print($"make_timestamp({micros})"), out value),
        _ => (ReadOnlySpan<byte> text, out string value) => Give(QuickText.TryBoolean(text, out var truth), truth == 1 ? "true" : "false", out value),
    };

    private static bool Give(bool taken, string text, out string value)
    {
        value = text;
        return taken;
    }

    private static readonly DuckDbDatabase s_printer = DuckDbDatabase.Open(new Dictionary<string, string>());
    private static readonly DuckDbConnection s_print = s_printer.Connect();

    private static string Print(string expression, double number = 0)
    {
        if (double.IsNegative(number) && number == 0) return "-0.0";
        using var result = s_print.Query($"SELECT ({expression})::VARCHAR");
        result.Read();
        return result.GetText(0)!;
    }

    private static string Text(Random random, DuckDbKind kind)
    {
        string Digits(int max) => string.Concat(Enumerable.Range(0, random.Next(1, max + 1)).Select(_ => (char)('0' + random.Next(10))));
        var sign = random.Next(4) == 0 ? "-" : "";
        return (kind, random.Next(8)) switch
        {
            (_, 0) => s_oddities[random.Next(s_oddities.Length)],
            (DuckDbKind.BigInt, _) => sign + Digits(20),
            (DuckDbKind.Double, < 4) => (random.NextDouble() * Math.Pow(10, random.Next(-8, 18))).ToString("R", null),
            (DuckDbKind.Double or DuckDbKind.Decimal, _) => $"{sign}{Digits(10)}.{Digits(random.Next(2) == 0 ? 2 : 9)}",
            (DuckDbKind.Boolean, _) => random.Next(2) == 0 ? "true" : "false",
            (DuckDbKind.Date, _) => $"{random.Next(1, 10_000):0000}-{random.Next(0, 14):00}-{random.Next(0, 33):00}",
            _ => $"{random.Next(1, 10_000):0000}-{random.Next(1, 13):00}-{random.Next(1, 30):00}{(random.Next(2) == 0 ? ' ' : 'T')}"
                + $"{random.Next(25):00}:{random.Next(61):00}:{random.Next(61):00}{(random.Next(2) == 0 ? "" : "." + Digits(7))}",
        };
    }
}
