using System.Globalization;
using System.Text.RegularExpressions;
using Millrace.Connectors.Postgres.Protocol;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.Faults;

namespace Millrace.Connectors.Tests.Postgres.Writing;

/// <summary>Random tables: whatever the columns, their order and the rows' sizes, the server shows what DuckDB shows.</summary>
public sealed class PgWritePropertyTests(PgServers servers, ITestOutputHelper output)
{
    // A DuckDB type, an expression of it over h (64 random bits of the value), and the server's expression for DuckDB's own text of it.
    private static readonly (string Type, string Sql, string Text)[] s_columns =
    [
        ("BOOLEAN", "h % 2 = 0", "{0}::text"),
        ("TINYINT", "(h % 256)::INTEGER - 128", "{0}::text"),
        ("SMALLINT", "(h % 65536)::INTEGER - 32768", "{0}::text"),
        ("INTEGER", "(h % 4294967296)::BIGINT - 2147483648", "{0}::text"),
        ("UINTEGER", "h % 4294967296", "{0}::text"),
        ("BIGINT", "(h::HUGEINT - 9223372036854775808) >> (h % 60)::INTEGER", "{0}::text"),
        ("UBIGINT", "h >> (h % 60)", "{0}::text"),
        ("HUGEINT", "(h::HUGEINT - 9223372036854775808) * (h % 9223372036854775807)::BIGINT", "{0}::text"),
        ("DOUBLE", "CASE h % 4 WHEN 0 THEN (h % 1000) / 8.0 ELSE (h::DOUBLE - 9e18) * pow(2.0, (h % 900)::INTEGER - 500) END", "{0}::text"),
        ("DECIMAL(4,2)", "((h % 19999)::INTEGER - 9999)::DECIMAL(9,0) / 100", "{0}::text"),
        ("DECIMAL(12,2)", "(((h % 1999999999999)::BIGINT - 999999999999) >> (h % 40)::INTEGER)::DECIMAL(18,0) * 0.01", "{0}::text"),
        ("DECIMAL(18,5)", "(((h % 1999999999999999999)::HUGEINT - 999999999999999999) >> (h % 60)::INTEGER)::DECIMAL(38,0) * 0.00001", "{0}::text"),
        ("DECIMAL(38,11)", "((h::HUGEINT - 9223372036854775808) * (h % 9999999999999999999)::HUGEINT // 10)::DECIMAL(38,0) * 0.00000000001", "{0}::text"),
        ("VARCHAR", "repeat(chr((32 + h % 700)::INTEGER), (h % 1500 >> (h % 12))::INTEGER)", "{0}"),
        ("BLOB", "repeat(unhex(md5(h::VARCHAR)), (h % 50)::INTEGER)", "upper(encode({0}, 'hex'))"),
        ("DATE", "DATE '1970-01-01' + ((h % 4000000)::INTEGER - 700000)", "{0}::text"),
        ("TIME", "make_time((h % 24)::BIGINT, (h % 60)::BIGINT, (h % 59999999) / 1e6)", "{0}::text"),
        ("TIMESTAMP", "make_timestamp((h % 120000000000000000)::BIGINT - 50000000000000000)", "{0}::text"),
        ("TIMESTAMP_MS", "epoch_ms((h % 120000000000000)::BIGINT - 50000000000000)", "{0}::text"),
        ("UUID", "md5(h::VARCHAR)::UUID", "{0}::text"),
        ("BIT", "bin(h >> (h % 60))::BIT", "{0}::text"),
        ("INTEGER[]", "list_transform(range((h % 20)::BIGINT), x -> CASE WHEN (h >> x) % 3 = 0 THEN NULL ELSE x * (h % 100000)::BIGINT END)", "translate(replace({0}::text, ',', ', '), '{{}}', '[]')"),
        ("BIGINT[][]", "list_transform(range((h % 9)::BIGINT), x -> list_transform(range(1 + (h % 7)::BIGINT), y -> x * y + (h % 100)::BIGINT))", "translate(replace({0}::text, ',', ', '), '{{}}', '[]')"),
    ];

    [Fact]
    public async Task Whatever_the_columns_and_rows_the_server_shows_what_DuckDB_shows()
    {
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var server = await servers.GetAsync();
        await using var load = await PgLoad.OpenAsync(server, "random", threads: 2);
        for (var round = 0; round < 25; round++)
        {
            var columns = Enumerable.Range(0, random.Next(1, 12)).Select(_ => s_columns[random.Next(s_columns.Length)]).ToList();
            var rows = random.Next(4) == 0 ? random.Next(3) : random.Next(5000);
            var salt = random.Next();
            var sql = columns.Select((c, i) => $"CASE WHEN {Hash(i, 1)} % {random.Next(2, 30)} > 0 THEN ({Regex.Replace(c.Sql, @"\bh\b", Hash(i, 2))}) END::{c.Type} AS c{i}");
            load.Duck($"CREATE OR REPLACE TABLE random AS SELECT i, {string.Join(", ", sql)} FROM range({rows}) r(i)");
            await load.LoadAsync("SELECT * FROM random");
            var expected = load.Ask($"SELECT i::VARCHAR, {string.Join(", ", columns.Select((c, i) => c.Type == "BLOB" ? $"hex(c{i})" : $"c{i}::VARCHAR"))} FROM random ORDER BY random.i");
            var texts = columns.Select((c, i) => string.Format(CultureInfo.InvariantCulture, c.Text, $"c{i}"));
            var found = await load.ReadAsync($"SELECT i::text, {string.Join(", ", texts)} FROM {load.Stage} ORDER BY stage.i");
            Assert.Equal(expected.Count, found.Count);
            for (var k = 0; k < found.Count; k++)
            {
                for (var i = 0; i < columns.Count; i++)
                    Assert.True(IsSame(columns[i].Type, expected[k][i + 1], found[k][i + 1]), $"seed {seed}, round {round}, row {k}, {columns[i].Type}: expected {expected[k][i + 1]}, found {found[k][i + 1]}");
            }

            string Hash(int column, int what) => $"hash(i, {salt}, {column}, {what})";
        }
    }

    private static bool IsSame(string type, string? expected, string? found) => (type, expected, found) switch
    {
        (_, null, _) or (_, _, null) => expected == found,
        ("DOUBLE", _, _) => double.Parse(expected, CultureInfo.InvariantCulture).Equals(double.Parse(found, CultureInfo.InvariantCulture)),
        // DuckDB: 4714-11-24 (BC) 00:00:00; PostgreSQL: 4714-11-24 00:00:00 BC.
        _ => expected.Replace(" (BC)", "", StringComparison.Ordinal) == found.Replace(" BC", "", StringComparison.Ordinal),
    };

    /// <summary>What a server may say while it is written to, and whether another attempt can help.</summary>
    public static TheoryData<string, FaultKind, bool> Codes => new()
    {
        { "22P02", FaultKind.Data, false }, { "22003", FaultKind.Data, false }, { "22P05", FaultKind.Data, false }, { "23502", FaultKind.Data, false },
        { "23505", FaultKind.Data, false }, { "25006", FaultKind.Refused, true }, { "40001", FaultKind.Unreachable, true }, { "40P01", FaultKind.Unreachable, true },
        { "42501", FaultKind.Refused, false }, { "42P01", FaultKind.Refused, false }, { "53100", FaultKind.Limit, false }, { "53200", FaultKind.Limit, true },
        { "53300", FaultKind.Limit, true }, { "55P03", FaultKind.Refused, true }, { "57P01", FaultKind.Unreachable, true }, { "57P02", FaultKind.Unreachable, true },
        { "57P03", FaultKind.Unreachable, true }, { "28P01", FaultKind.Refused, false }, { "08006", FaultKind.Unreachable, true }, { "XX000", FaultKind.Refused, false },
    };

    [Theory]
    [MemberData(nameof(Codes))]
    public void What_the_server_says_is_the_targets_fault(string code, FaultKind kind, bool retryable)
    {
        var settings = PgSettings.Parse("postgres://u@h/d") with { Access = PgAccess.Write() };
        var fault = PgErrors.From(new PgServerError { Code = code, Message = "m", Context = "JSON data, line 1: {\nCOPY stage, line 5, column a b: \"x\"" }, settings, cancelled: false);
        Assert.Equal((kind, FaultSide.Target, retryable, "row 5, column a b"), (fault.Kind, fault.Side, fault.Retryable, fault.Where));
        Assert.DoesNotContain("limits.source", fault.Advice ?? "", StringComparison.Ordinal);
    }
}
