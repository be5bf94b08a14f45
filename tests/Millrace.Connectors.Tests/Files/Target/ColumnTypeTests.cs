using System.Text.RegularExpressions;
using Millrace.Connectors.Files.Target;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Testing;

namespace Millrace.Connectors.Tests.Files.Target;

/// <summary>One row a type and format: what is accepted reads back as it was, what is refused would not.</summary>
public sealed class ColumnTypeTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private static readonly string[] Everywhere =
    [
        "true", "(-128)::TINYINT", "32767::SMALLINT", "(-2147483648)::INTEGER", "9223372036854775807::BIGINT", "255::UTINYINT", "65535::USMALLINT",
        "4294967295::UINTEGER", "18446744073709551615::UBIGINT", "0.1::FLOAT", "3.4028235e38::FLOAT", "(-0.0)::DOUBLE", "0.30000000000000004::DOUBLE",
        "5e-324::DOUBLE", "1.7976931348623157e308::DOUBLE", "1e22::DOUBLE", "(-0.01)::DECIMAL(4,2)", "123456.789::DECIMAL(9,3)",
        "'2024-02-29'::DATE", "'0044-03-15 (BC)'::DATE", "'23:59:59.999999'::TIME", "'10:00:00.123456789'::TIME_NS",
        "'1969-12-31 23:59:59.999999'::TIMESTAMP", "'0001-01-01'::TIMESTAMP", "'2024-01-01 00:00:00.5+02'::TIMESTAMPTZ", "'2024-01-01 00:00:01'::TIMESTAMP_S",
        "'2024-01-01 00:00:01.123'::TIMESTAMP_MS", "'2024-01-01 00:00:00.123456789'::TIMESTAMP_NS", "'550e8400-e29b-41d4-a716-446655440000'::UUID",
        "'b'::ENUM('a', 'b')", "'10101'::BIT", "''", "'NULL'", "' a '", "'a,\"b\"'", "'a' || chr(10) || chr(13) || 'b'", "'#a'", "chr(8232) || chr(128512)",
        "'a' || chr(0) || 'b'", "chr(1) || chr(9) || '\\'", "NULL::VARCHAR", "NULL::INTEGER", "'{\"a\":1.0,\"b\":[1,2]}'::JSON",
    ];

    /// <summary>NDJSON has every digit of these too, but DuckDB's own reader takes decimals through DOUBLE: the text itself is checked.</summary>
    private static readonly string[] LongDecimals = ["99999999999999.9999::DECIMAL(18,4)", "12345678901234567890123456789.123456789::DECIMAL(38,9)"];

    private static readonly string[] Nested = ["[1, NULL, 3]", "[]::INTEGER[]", "{'a': 1, 'b c': 'x'}", "MAP(['k'], [1])", "[1, 2, 3]::INTEGER[3]", "[{'a': ['x', '']}]", "NULL::INTEGER[]"];

    private static readonly string[] TextOnly =
    [
        "12345678901234567890123456789::HUGEINT", "340282366920938463463374607431768211455::UHUGEINT", "INTERVAL '-1 month 2 days 3.000456 seconds'",
        "'10:00:00+05:30'::TIMETZ", "'infinity'::DATE", "'-infinity'::TIMESTAMP", "'infinity'::TIMESTAMPTZ", "'24:00:00'::TIME",
    ];

    [Fact]
    public Task Parquet_reads_back_as_it_was() =>
        ReadBackAsync(FileFormat.Parquet, [.. Everywhere, .. Nested, .. LongDecimals, "'\\x00\\xFF'::BLOB", "'nan'::DOUBLE", "'-inf'::FLOAT", "[{'b': '\\x00'::BLOB}]"], (file, _) => $"read_parquet('{file}')");

    [Fact]
    public Task Csv_reads_back_as_it_was() =>
        ReadBackAsync(FileFormat.Csv, [.. Everywhere, .. TextOnly, .. LongDecimals, "'nan'::DOUBLE", "'-inf'::FLOAT"],
            (file, types) => $"read_csv('{file}', header = true, delim = ',', quote = '\"', escape = '\"', allow_quoted_nulls = false, columns = {{{types}}})");

    [Fact]
    public Task Ndjson_reads_back_as_it_was() =>
        ReadBackAsync(FileFormat.Ndjson, [.. Everywhere, .. Nested, .. TextOnly], (file, types) => $"read_json('{file}', format = 'newline_delimited', columns = {{{Regex.Replace(types, "'(BIT|TIME_NS|INTERVAL|TIME WITH TIME ZONE)'", "'VARCHAR'")}}})");

    [Theory]
    [InlineData("12345678901234567890123456789::HUGEINT")]
    [InlineData("'10:00:00+05:30'::TIMETZ")]
    [InlineData("INTERVAL '3.000456 seconds'")]
    [InlineData("INTERVAL '-1 month'")]
    [InlineData("[340282366920938463463374607431768211455::UHUGEINT]")]
    [InlineData("union_value(n := 2)")]
    public void What_Parquet_refuses_the_writer_would_bend(string value)
    {
        using var load = new TargetLoad(_folder["lake"]);
        var type = DuckDbType.Parse(load.Ask($"typeof({value})")!);
        Assert.NotNull(ColumnRules.Refusal(type, FileFormat.Parquet, nested: false));
        try
        {
            load.Connection.Execute($"COPY (SELECT {value} AS v) TO '{_folder["bent.parquet"]}' (FORMAT parquet)");
        }
        catch (DuckDbException)
        {
            return;
        }

        var faithful = load.Ask($"SELECT typeof(v) = typeof({value}) AND v::VARCHAR = ({value})::VARCHAR FROM '{_folder["bent.parquet"]}'");
        Assert.Equal("false", faithful);
    }

    [Theory]
    [InlineData(FileFormat.Csv, "[1]")]
    [InlineData(FileFormat.Csv, "{'a': 1}")]
    [InlineData(FileFormat.Csv, "'\\x00'::BLOB")]
    [InlineData(FileFormat.Ndjson, "'\\x00'::BLOB")]
    [InlineData(FileFormat.Ndjson, "['\\x00'::BLOB]")]
    [InlineData(FileFormat.Ndjson, "['{}'::JSON]")]
    [InlineData(FileFormat.Ndjson, "MAP([[1]], [2])")]
    [InlineData(FileFormat.Parquet, "INTERVAL '1 day'")]
    public async Task A_refusal_names_the_column_and_what_to_do(FileFormat format, string value)
    {
        using var load = new TargetLoad(_folder["lake"], format);
        var fault = await Assert.ThrowsAsync<Fault>(() => load.StageAsync($"SELECT 1 AS id, {value} AS \"odd one\""));
        Assert.Contains("'odd one'", fault.Message, StringComparison.Ordinal);
        Assert.Contains("types: {odd one: text}", fault.Advice, StringComparison.Ordinal);
        Assert.Equal((FaultKind.JobFile, FaultSide.Target), (fault.Kind, fault.Side));
    }

    [Fact]
    public async Task Numbers_inside_json_columns_keep_their_digits()
    {
        using var load = new TargetLoad(_folder["out.ndjson"], FileFormat.Ndjson);
        await load.LoadAsync("SELECT 1 AS \"a\"\"b\", ('{\"n\": 12345678901234567890.50,' || chr(10) || '\"m\":1e400}')::JSON AS j, NULL::JSON AS k, 'x' AS t");
        Assert.Equal("{\"a\\\"b\":1,\"j\":{\"n\": 12345678901234567890.50, \"m\":1e400},\"k\":null,\"t\":\"x\"}\n", File.ReadAllText(_folder["out.ndjson"]));
    }

    [Fact]
    public async Task Decimals_keep_their_digits_in_ndjson()
    {
        using var load = new TargetLoad(_folder["out.ndjson"], FileFormat.Ndjson);
        await load.LoadAsync($"SELECT {LongDecimals[0]} AS a, {LongDecimals[1]} AS b");
        Assert.Equal("{\"a\":99999999999999.9999,\"b\":12345678901234567890123456789.123456789}\n", File.ReadAllText(_folder["out.ndjson"]));
    }

    [Fact]
    public async Task A_blank_line_for_NULL_is_refused()
    {
        using var load = new TargetLoad(_folder["lake"], FileFormat.Csv);
        await load.LoadAsync("SELECT 'x' AS v UNION ALL SELECT ''");
        load.Run = "r2";
        var fault = await Assert.ThrowsAsync<Fault>(() => load.LoadAsync("SELECT NULLIF(range, 5) AS v FROM range(10)"));
        Assert.Equal(FaultKind.Data, fault.Kind);
    }

    private async Task ReadBackAsync(FileFormat format, string[] values, Func<string, string, string> reader)
    {
        using var load = new TargetLoad(_folder["out." + format.ToString().ToLowerInvariant()], format);
        var select = "SELECT " + string.Join(", ", values.Select((value, i) => $"{value} AS c{i}"));
        await load.LoadAsync(select);
        var types = string.Join(", ", load.ColumnsOf(select).Select(column => $"{column.Name}: '{column.Type.Replace("'", "''")}'"));
        var from = reader(_folder["out." + format.ToString().ToLowerInvariant()], types);
        for (var i = 0; i < values.Length; i++)
            Assert.Equal((values[i], load.Ask(values[i])), (values[i], load.Ask($"SELECT c{i} FROM {from}")));
    }

    public void Dispose() => _folder.Dispose();
}
