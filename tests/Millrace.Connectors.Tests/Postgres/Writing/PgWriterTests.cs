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

        Assert.Equal("0|0", await load.RowAsync($"SELECT (SELECT count(*) FROM {load.Stage}), (SELECT count(*) FROM {load.Attempts})"));
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
        await load.StageAsync(load.ColumnsOf("SELECT 1::BIGINT AS i, 'x' AS j"), null, "json");
        await load.ExecuteAsync($"ALTER TABLE {load.Stage} ADD CHECK (i < 4000)");
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

    [Theory]
    [InlineData("VARCHAR", "repeat('x', 40000000)", "text")]
    [InlineData("BLOB", "repeat('x', 40000000)::BLOB", "bytea")]
    public async Task A_value_of_40_MB_goes_out_in_pieces_and_is_never_held_again(string type, string value, string becomes)
    {
        var server = await servers.GetAsync();
        await using var load = await PgLoad.OpenAsync(server, "large");
        var select = $"SELECT i, CASE WHEN i = 2 THEN {value} ELSE 'short'::{type} END AS v, 'end' AS e FROM range(4) r(i)";
        load.Duck($"CREATE TABLE large AS {select}");
        await load.StageAsync(select);
        await using (var output = await load.OpenUnitAsync())
        {
            // DuckDB has one thread: this one.
            var before = GC.GetAllocatedBytesForCurrentThread();
            load.Copy(output, "SELECT * FROM large");
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
            await output.CompleteAsync(CancellationToken.None);
        }

        Assert.Equal($"{becomes}|5,5,40000000,5|end", await load.RowAsync($"SELECT min(pg_typeof(v)::text), string_agg(length(v)::text, ',' ORDER BY i), min(e) FROM {load.Stage}"));
        Assert.Equal("4", await load.ValueAsync($"SELECT count(*) FROM {load.Stage} WHERE v::text ~ '^(x+|short|.x(78)+|.x73686f7274)$'"));
    }

    [Fact]
    public async Task A_lost_connection_is_a_fault_of_the_target_that_may_pass()
    {
        var server = await servers.GetAsync();
        await using var load = await PgLoad.OpenAsync(server, "lost", connections: 1);
        await load.StageAsync("SELECT 1::BIGINT AS i");
        await using (var output = await load.OpenUnitAsync())
        {
            var copying = load.CopyAsync(output, "SELECT i FROM range(100000000000) r(i)");
            await TerminateAsync(load, "COPY lost.stage%");
            var fault = await Assert.ThrowsAsync<Fault>(() => copying);
            Assert.Equal((FaultKind.Unreachable, FaultSide.Target, true), (fault.Kind, fault.Side, fault.Retryable));
        }

        // A connection that the server has closed while nobody used it is nobody's failure.
        await load.WriteAsync("SELECT 1::BIGINT AS i");
        await TerminateAsync(load, "%INTO lost.attempts%");
        await load.WriteAsync("SELECT 2::BIGINT AS i");
        Assert.Equal("2|3", await load.RowAsync($"SELECT count(*), sum(i) FROM {load.Stage}"));

        // The commit itself.
        await using (var output = await load.OpenUnitAsync())
        {
            await load.CopyAsync(output, "SELECT 4::BIGINT AS i");
            await TerminateAsync(load, "COPY lost.stage%");
            var fault = await Assert.ThrowsAsync<Fault>(async () => await output.CompleteAsync(CancellationToken.None));
            Assert.Equal((FaultKind.Unreachable, FaultSide.Target, true), (fault.Kind, fault.Side, fault.Retryable));
        }

        Assert.Equal("2", await load.ValueAsync($"SELECT count(*) FROM {load.Stage}"));
    }

    [Fact]
    public async Task A_cancelled_attempt_ends_at_once_and_leaves_nothing()
    {
        var server = await servers.GetAsync();
        await using var load = await PgLoad.OpenAsync(server, "cancelled", connections: 1);
        await load.StageAsync("SELECT 1::BIGINT AS i");
        using var cancel = new CancellationTokenSource();
        await using (var output = await load.OpenUnitAsync(cancel.Token))
        {
            var copying = load.CopyAsync(output, "SELECT i FROM range(100000000000) r(i)", cancel.Token);
            await PidAsync(load, "COPY cancelled.stage%");
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => copying);
        }

        await load.WriteAsync("SELECT 1::BIGINT AS i");
        Assert.Equal("1", await load.ValueAsync($"SELECT count(*) FROM {load.Stage}"));
    }

    [Fact]
    public async Task A_server_that_takes_nothing_more_does_not_hold_a_cancelled_attempt()
    {
        var server = await servers.GetAsync();
        await using var load = await PgLoad.OpenAsync(server, "stopped", connections: 1);
        await load.StageAsync("SELECT 1::BIGINT AS i");
        using var cancel = new CancellationTokenSource();
        string pid;
        await using (var output = await load.OpenUnitAsync(cancel.Token))
        {
            var copying = load.CopyAsync(output, "SELECT i FROM range(100000000000) r(i)", cancel.Token);
            pid = await PidAsync(load, "COPY stopped.stage%");
            await PgBinaries.RunAsync("kill", "/", "-STOP", pid);
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => copying.WaitAsync(TimeSpan.FromSeconds(60)));
        }

        await PgBinaries.RunAsync("kill", "/", "-CONT", pid);
        await load.WriteAsync("SELECT 1::BIGINT AS i");
        Assert.Equal("1", await load.ValueAsync($"SELECT count(*) FROM {load.Stage}"));
    }

    [Fact]
    public async Task Attempts_wait_for_one_of_the_connections_that_there_may_be()
    {
        var server = await servers.GetAsync();
        await using var load = await PgLoad.OpenAsync(server, "bounded", connections: 1);
        await load.StageAsync("SELECT 1::BIGINT AS i");
        var first = await load.OpenUnitAsync();
        var second = load.OpenUnitAsync();
        Assert.False(second.IsCompleted);
        Assert.Equal("1", await load.ValueAsync("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY bounded.stage%'"));
        await first.DisposeAsync();
        await (await second).DisposeAsync();
    }

    [Fact]
    public async Task A_server_without_a_free_connection_and_a_user_without_rights_are_faults_of_the_target()
    {
        var server = await servers.GetAsync();
        await server.ExecuteAsync($"DROP ROLE IF EXISTS crowded; CREATE ROLE crowded LOGIN CONNECTION LIMIT 0 PASSWORD '{PgServer.Password}'");
        await using (var load = await PgLoad.OpenAsync(server, "crowded", user: "crowded"))
        {
            await StageAsSuperuserAsync(server, load);
            var fault = await Assert.ThrowsAsync<Fault>(() => load.OpenUnitAsync());
            Assert.Equal(("53300", FaultKind.Limit, FaultSide.Target, true), (fault.Code, fault.Kind, fault.Side, fault.Retryable));
            Assert.Contains("limits.target_connections", fault.Advice, StringComparison.Ordinal);
        }

        await using (var load = await PgLoad.OpenAsync(server, "no_rights", user: PgServer.ScramUser))
        {
            await StageAsSuperuserAsync(server, load);
            var fault = await Assert.ThrowsAsync<Fault>(() => load.OpenUnitAsync());
            Assert.Equal(("42501", FaultKind.Refused, FaultSide.Target, false), (fault.Code, fault.Kind, fault.Side, fault.Retryable));
        }
    }

    [Fact]
    public async Task Names_may_be_anything()
    {
        var server = await servers.GetAsync();
        await using var load = await PgLoad.OpenAsync(server, "names");
        await load.LoadAsync("""SELECT 1 AS "a ""b"" ; --", 'x' AS "ä'$1\", 3 AS "SELECT" """);
        Assert.Equal("1|x|3", await load.RowAsync($"SELECT * FROM {load.Stage}"));
    }

    [Fact]
    public async Task What_was_written_is_not_read_back_here()
    {
        var server = await servers.GetAsync();
        await using var load = await PgLoad.OpenAsync(server, "readback");
        await load.StageAsync("SELECT 1 AS i");
        await using var output = await load.OpenUnitAsync();
        Assert.Empty(output.ReadBackColumns);
        Assert.Equal(FaultKind.Refused, (await Assert.ThrowsAsync<Fault>(async () => await output.ReadBackAsync(CancellationToken.None))).Kind);
    }

    /// <summary>With a header that was made through another load: this one's user may do nothing.</summary>
    private static async Task StageAsSuperuserAsync(PgServer server, PgLoad load)
    {
        await using var other = await PgLoad.OpenAsync(server, load.Schema);
        await other.StageAsync("SELECT 1 AS i");
        load.Take(other.Header);
    }

    private static async Task TerminateAsync(PgLoad load, string query)
    {
        var pid = await PidAsync(load, query);
        await load.ReadAsync($"SELECT pg_terminate_backend({pid})");
        while (await load.ValueAsync($"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}") != "0") await Task.Yield();
    }

    /// <summary>The server process of a load's statement, once it runs.</summary>
    private static async Task<string> PidAsync(PgLoad load, string query)
    {
        while (true)
        {
            var rows = await load.ReadAsync($"SELECT pid FROM pg_stat_activity WHERE application_name = 'millrace' AND query LIKE '{query}'");
            if (rows.Count > 0) return rows[0][0]!;
        }
    }
}
