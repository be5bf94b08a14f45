using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.Faults;

namespace Millrace.Connectors.Tests.Postgres.Writing;

/// <summary>An attempt is one transaction: all of its rows and its note, or nothing, whatever goes wrong.</summary>
public sealed class PgWriterTests(PgServers servers)
{
    [Theory]
    [MemberData(nameof(PgServers.Versions), MemberType = typeof(PgServers))]
    public async Task An_attempt_commits_its_rows_with_a_note_that_names_their_transaction(int version)
    {
        var server = await servers.GetAsync(version);
        await using var load = await PgLoad.OpenAsync(server, "attempts");
        await load.StageAsync("SELECT 1::BIGINT AS i, '' AS t");
        var first = await load.WriteAsync("SELECT i, repeat('x', (i % 100)::INTEGER) AS t FROM range(10000) r(i)");
        var second = await load.WriteAsync("SELECT i, NULL::VARCHAR AS t FROM range(5) r(i)");
        var none = await load.WriteAsync("SELECT 1::BIGINT AS i, '' AS t WHERE false");
        Assert.Equal([10_000, 5, 0], new[] { first, second, none }.Select(static w => w.Rows));
        Assert.All(new[] { first, second, none }, static w => Assert.Equal(w.Rows, Assert.Single(w.Files).Rows));
        Assert.InRange(first.Files[0].Bytes, 10_000 * (2 + 12 + 4 + 49), 10_000 * (2 + 12 + 4 + 51));
        var notes = await load.ReadAsync($"SELECT attempt, unit, rows, (SELECT count(*) FROM {load.Stage} s WHERE s.xmin::text::bigint = a.xid % 4294967296) FROM {load.Attempts} a ORDER BY unit");
        Assert.Equal(
            [[first.Files[0].Path, "0", "10000", "10000"], [second.Files[0].Path, "1", "5", "5"], [none.Files[0].Path, "2", "0", "0"]],
            notes);
        Assert.Equal("495000", await load.ValueAsync($"SELECT sum(length(t)) FROM {load.Stage}"));
    }

    [Fact]
    public async Task An_attempt_that_is_given_up_leaves_nothing_and_its_connection_goes_on()
    {
        var server = await servers.GetAsync();
        await using var load = await PgLoad.OpenAsync(server, "given_up", connections: 1);
        await load.StageAsync("SELECT 1::BIGINT AS i");
        await using (await load.OpenUnitAsync())
        {
            // Nothing was sent.
        }

        await using (var output = await load.OpenUnitAsync())
        {
            Assert.Equal(5000, await load.CopyAsync(output, "SELECT i FROM range(5000) r(i)"));
            Assert.Equal("0", await load.ValueAsync($"SELECT count(*) FROM {load.Stage}"));
        }

        await using (var output = await load.OpenUnitAsync())
        {
            var error = await Assert.ThrowsAnyAsync<Exception>(() => load.CopyAsync(output, "SELECT CASE WHEN i = 4000 THEN error('broken') ELSE i END::BIGINT AS i FROM range(5000) r(i)"));
            Assert.Contains("broken", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal(new string?[] { "0", "0" }, (await load.ReadAsync($"SELECT (SELECT count(*) FROM {load.Stage}), (SELECT count(*) FROM {load.Attempts})"))[0]);
        await load.WriteAsync("SELECT 7::BIGINT AS i");
        Assert.Equal("1", await load.ValueAsync($"SELECT count(*) FROM {load.Stage}"));
        Assert.Equal("1", await load.ValueAsync("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'millrace' AND query LIKE '%given_up%'"));
    }

    [Fact]
    public async Task A_text_with_a_zero_byte_is_refused_with_row_and_column()
    {
        var server = await servers.GetAsync();
        await using var load = await PgLoad.OpenAsync(server, "zero");
        await load.StageAsync("SELECT 1::BIGINT AS i, '' AS t");
        await using var output = await load.OpenUnitAsync();
        var fault = await Assert.ThrowsAsync<Fault>(() => load.CopyAsync(output, "SELECT i, CASE WHEN i = 2999 THEN 'a' || chr(0) ELSE 'b' END AS t FROM range(5000) r(i)"));
        Assert.Equal((FaultKind.Data, FaultSide.Target, false), (fault.Kind, fault.Side, fault.Retryable));
        Assert.Equal("source, the unit, row 3000, column t", fault.Where);
        Assert.Contains("zero byte", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_servers_refusal_of_a_row_names_the_row_and_the_column()
    {
        var server = await servers.GetAsync();
        await using var load = await PgLoad.OpenAsync(server, "refused");
        await load.StageAsync("SELECT 1::BIGINT AS i, 'x' AS j");
        await server.ExecuteAsync($"ALTER TABLE {load.Stage} ALTER j TYPE json USING j::json, ADD CHECK (i < 4000)");
        await load.StageAsync(load.ColumnsOf("SELECT 1::BIGINT AS i, 'x' AS j"), null, "json");
        await server.ExecuteAsync($"ALTER TABLE {load.Stage} ADD CHECK (i < 4000)");
        var bad = await RefusalAsync(load, "SELECT i, CASE WHEN i = 1234 THEN '{' ELSE '{}' END AS j FROM range(200000) r(i)");
        Assert.Equal(("22P02", FaultKind.Data, FaultSide.Target, "source, the unit, row 1235, column j"), (bad.Code, bad.Kind, bad.Side, bad.Where));
        var check = await RefusalAsync(load, "SELECT i, '{}' AS j FROM range(200000) r(i)");
        Assert.Equal(("23514", FaultKind.Data, FaultSide.Target), (check.Code, check.Kind, check.Side));
        Assert.StartsWith("source, the unit, row 4001", check.Where, StringComparison.Ordinal);
        Assert.Equal("0", await load.ValueAsync($"SELECT count(*) FROM {load.Stage}"));
        await load.WriteAsync("SELECT 1::BIGINT AS i, '{}' AS j");
    }

    private static async Task<Fault> RefusalAsync(PgLoad load, string select)
    {
        await using var output = await load.OpenUnitAsync();
        return await Assert.ThrowsAsync<Fault>(() => load.CopyAsync(output, select));
    }
}
