using System.Buffers.Binary;
using System.Diagnostics;
using Millrace.Connectors.Postgres.Protocol;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.Faults;
using Npgsql;

namespace Millrace.Connectors.Tests.Postgres.Protocol;

/// <summary>The COPY reader: the bytes are Npgsql's, a cancelled or broken stream is a fault at once, the connection goes on after the end.</summary>
public sealed class PgCopyTests(PgServers servers, ITestOutputHelper output)
{
    private const string Endless = "COPY (SELECT pg_sleep(600)) TO STDOUT (FORMAT binary)";
    private static readonly CancellationToken s_never = CancellationToken.None;
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(30);

    [Theory]
    [MemberData(nameof(PgServers.Versions), MemberType = typeof(PgServers))]
    public async Task Rows_are_the_bytes_that_npgsql_reads(int version)
    {
        var server = await servers.GetAsync(version);
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await using var npgsql = await server.OpenAsync();
        foreach (var mode in (string[])["disable", "require"])
        {
            await using var connection = await PgLoginTests.OpenAsync(server.Url(query: $"sslmode={mode}"));
            for (var round = 0; round < 15; round++)
            {
                var sql = RandomCopy(random);
                var expected = await ReadRawAsync(npgsql, sql);
                Assert.True(expected.AsSpan().SequenceEqual(ReadRaw(connection, sql)), $"{mode}: {sql}");
            }
        }
    }

    /// <summary>Rows from no bytes to many times the receive buffer, NULLs and empty values among them, from none to thousands.</summary>
    private static string RandomCopy(Random random)
    {
        var rows = random.Next(5) == 0 ? random.Next(2) : 1 << random.Next(11);
        var largest = rows < 20 ? Limits.PgReceiveBufferBytes * 3 : Math.Min(Limits.PgReceiveBufferBytes, 4_000);
        var columns = Enumerable.Range(0, random.Next(5)).Select(_ => random.Next(5) switch
        {
            0 => "i",
            1 => "NULL::int",
            2 => $"repeat('x', i * {random.Next(1, 5000)} % {random.Next(1, largest)})",
            3 => "md5(i::text)::bytea",
            _ => "CASE WHEN i % 3 = 0 THEN i::numeric / 7 END",
        });
        return $"COPY (SELECT {string.Join(", ", columns)} FROM generate_series(1, {rows}) i) TO STDOUT (FORMAT binary)";
    }

    private static byte[] ReadRaw(PgConnection connection, string sql)
    {
        using var reader = connection.CopyOut(sql);
        var all = new MemoryStream();
        all.Write([.. "PGCOPY\n"u8, 0xFF, .. "\r\n\0"u8, 0, 0, 0, 0, 0, 0, 0, 0]);
        while (reader.Next(out var tuple))
            all.Write(tuple);
        all.Write([0xFF, 0xFF]);
        Assert.False(reader.Next(out _));
        return all.ToArray();
    }

    private static async Task<byte[]> ReadRawAsync(NpgsqlConnection connection, string sql)
    {
        var all = new MemoryStream();
        await using var copy = await connection.BeginRawBinaryCopyAsync(sql);
        await copy.CopyToAsync(all);
        return all.ToArray();
    }

    [Theory]
    [MemberData(nameof(PgServers.Versions), MemberType = typeof(PgServers))]
    public async Task Copies_follow_each_other_in_one_snapshot(int version)
    {
        var server = await servers.GetAsync(version);
        await using var connection = await PgLoginTests.OpenAsync(server.Url());
        await connection.ExecuteAsync("BEGIN ISOLATION LEVEL REPEATABLE READ", s_never);
        var snapshot = await PgLoginTests.ScalarAsync(connection, "SELECT pg_export_snapshot()");
        await using var other = await PgLoginTests.OpenAsync(server.Url());
        await other.ExecuteAsync($"BEGIN ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION SNAPSHOT '{snapshot}'", s_never);
        for (var i = 1; i < 20; i++)
        {
            Assert.Equal(i, CountRows(connection, $"COPY (SELECT 1 FROM generate_series(1, {i})) TO STDOUT (FORMAT binary)"));
            Assert.Equal("1", await PgLoginTests.ScalarAsync(other, "SELECT 1"));
        }

        Assert.True(connection.IsUsable);
    }

    [Fact]
    public async Task A_large_row_is_read_and_the_buffer_shrinks_behind_it()
    {
        var server = await servers.GetAsync();
        await using var connection = await PgLoginTests.OpenAsync(server.Url());
        using var reader = connection.CopyOut("COPY (SELECT repeat('x', CASE WHEN i = 2 THEN 50000000 ELSE 10 END) FROM generate_series(1, 3) i) TO STDOUT (FORMAT binary)");
        var lengths = new List<int>();
        while (reader.Next(out var tuple))
            lengths.Add(BinaryPrimitives.ReadInt32BigEndian(tuple[2..]));
        Assert.Equal([10, 50_000_000, 10], lengths);
    }

    [Theory]
    [MemberData(nameof(PgServers.Versions), MemberType = typeof(PgServers))]
    public async Task A_server_error_is_a_fault_and_the_session_goes_on(int version)
    {
        var server = await servers.GetAsync(version);
        await using var connection = await PgLoginTests.OpenAsync(server.Url());
        foreach (var (sql, code, kind) in ((string, string, FaultKind)[])
        [
            ("COPY (SELECT 1 / (i - 5000) FROM generate_series(1, 10000) i) TO STDOUT (FORMAT binary)", "22012", FaultKind.Data),
            ("COPY public.no_such_table TO STDOUT (FORMAT binary)", "42P01", FaultKind.Refused),
            ("COPY (SELECT FROM", "42601", FaultKind.Refused),
        ])
        {
            var fault = Assert.Throws<Fault>(() => CountRows(connection, sql));
            Assert.Equal((code, kind, FaultSide.Source, false), (fault.Code, fault.Kind, fault.Side, fault.Retryable));
            Assert.Equal(1, CountRows(connection, "COPY (SELECT 1) TO STDOUT (FORMAT binary)"));
        }

        var written = await Assert.ThrowsAsync<Fault>(() => connection.ExecuteAsync("CREATE TABLE public.t (i int)", s_never));
        Assert.Equal("25006", written.Code);
    }

    [Theory]
    [MemberData(nameof(CancelCases))]
    public async Task A_blocked_reader_is_cancelled_at_once(int version, string way)
    {
        var server = await servers.GetAsync(version);
        var url = way == "unix"
            ? $"postgres://postgres:{Uri.EscapeDataString(PgServer.Password)}@/postgres?host={server.SocketDirectory}&port={server.Port}"
            : server.Url(query: $"sslmode={way}");
        await using var connection = await PgLoginTests.OpenAsync(url);
        var reading = StartReading(connection, Endless);
        await WaitForAsync(server, $"SELECT count(*) FROM pg_stat_activity WHERE pid = {connection.ProcessId} AND state = 'active' AND wait_event = 'PgSleep'");
        var watch = Stopwatch.StartNew();
        await connection.CancelAsync();
        var fault = await Assert.ThrowsAsync<Fault>(() => reading.WaitAsync(s_soon));
        output.WriteLine($"{way}: {watch.ElapsedMilliseconds} ms");
        Assert.Equal(FaultKind.Cancelled, fault.Kind);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(Limits.PgCancelSecondsMax), "the server stopped it, not the closed socket");
        Assert.False(connection.IsUsable);
    }

    public static TheoryData<int, string> CancelCases => new() { { 12, "disable" }, { 12, "require" }, { 12, "unix" }, { 18, "disable" }, { 18, "require" }, { 18, "unix" } };

    [Fact]
    public async Task A_cancellation_that_overtakes_its_statement_is_repeated()
    {
        var server = await servers.GetAsync();
        for (var i = 0; i < 10; i++)
        {
            await using var connection = await PgLoginTests.OpenAsync(server.Url());
            using var reader = connection.CopyOut(Endless);
            connection.Cancel();
            var fault = await Assert.ThrowsAsync<Fault>(() => Task.Run(() => reader.Next(out _)).WaitAsync(s_soon));
            Assert.Equal(FaultKind.Cancelled, fault.Kind);
        }
    }

    [Fact]
    public async Task A_token_cancels_a_query_on_the_server_too()
    {
        var server = await servers.GetAsync();
        await using var connection = await PgLoginTests.OpenAsync(server.Url());
        using var source = new CancellationTokenSource();
        var query = connection.QueryAsync("SELECT pg_sleep(600)", [], source.Token);
        var active = $"SELECT count(*) FROM pg_stat_activity WHERE pid = {connection.ProcessId} AND wait_event = 'PgSleep'";
        await WaitForAsync(server, active);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => query.WaitAsync(s_soon));
        await WaitForAsync(server, $"SELECT 1 - ({active})");
    }

    [Fact]
    public async Task Disposing_a_reader_or_its_connection_ends_the_statement_on_the_server()
    {
        var server = await servers.GetAsync();
        foreach (var disposeReader in (bool[])[true, false])
        {
            var connection = await PgLoginTests.OpenAsync(server.Url());
            var reader = connection.CopyOut("COPY (SELECT i, pg_sleep(CASE WHEN i = 10000 THEN 600 ELSE 0 END) FROM generate_series(1, 20000) i) TO STDOUT (FORMAT binary)");
            Assert.True(reader.Next(out _));
            if (disposeReader)
                reader.Dispose();
            else
                await connection.DisposeAsync();
            Assert.False(connection.IsUsable);
            await WaitForAsync(server, $"SELECT 1 - count(*) FROM pg_stat_activity WHERE pid = {connection.ProcessId}");
        }
    }

    [Theory]
    [MemberData(nameof(PgServers.Versions), MemberType = typeof(PgServers))]
    public async Task A_terminated_backend_is_unreachable_and_retryable(int version)
    {
        var server = await servers.GetAsync(version);
        foreach (var sql in (string[])[Endless, "COPY (SELECT i FROM generate_series(1, 1000000000) i) TO STDOUT (FORMAT binary)"])
        {
            await using var connection = await PgLoginTests.OpenAsync(server.Url());
            var reading = StartReading(connection, sql);
            await WaitForAsync(server, $"SELECT count(*) FROM pg_stat_activity WHERE pid = {connection.ProcessId} AND query LIKE 'COPY%'");
            await server.ExecuteAsync($"SELECT pg_terminate_backend({connection.ProcessId})");
            var fault = await Assert.ThrowsAsync<Fault>(() => reading.WaitAsync(s_soon));
            Assert.Equal((FaultKind.Unreachable, true, FaultSide.Source), (fault.Kind, fault.Retryable, fault.Side));
            Assert.False(connection.IsUsable);
            Assert.Equal(FaultKind.Unreachable, (await Assert.ThrowsAsync<Fault>(() => connection.ExecuteAsync("SELECT 1", s_never))).Kind);
        }
    }

    [Fact]
    public async Task Parameters_nulls_and_descriptions_are_exact()
    {
        var server = await servers.GetAsync();
        await using var connection = await PgLoginTests.OpenAsync(server.Url());
        var result = await connection.QueryAsync("SELECT $1::text, $2::int + 1, $3::text[], NULL WHERE $4::text IS NULL", ["a'b\\ é😀", "41", "{\"x y\",NULL}", null], s_never);
        Assert.Equal(["a'b\\ é😀", "42", "{\"x y\",NULL}", null], result.Rows[0].AsEnumerable());
        var columns = await connection.DescribeAsync("SELECT oid, relname AS n, 1.5::numeric(10,2) AS x FROM pg_class", s_never);
        Assert.Equal(["oid", "n", "x"], columns.Select(c => c.Name));
        Assert.Equal([26u, 19u, 1700u], columns.Select(c => c.TypeOid));
        Assert.Equal((1259u, 1, ((10 << 16) | 2) + 4), (columns[0].TableOid, columns[0].ColumnNumber, columns[2].TypeModifier));
        Assert.Equal("42703", (await Assert.ThrowsAsync<Fault>(() => connection.QueryAsync("SELECT no_such", [], s_never))).Code);
        Assert.Equal(FaultKind.Limit, (await Assert.ThrowsAsync<Fault>(() => connection.QueryAsync("SELECT repeat('x', 1000000) FROM generate_series(1, 100)", [], s_never))).Kind);
        Assert.False(connection.IsUsable);
    }

    private static long CountRows(PgConnection connection, string sql)
    {
        using var reader = connection.CopyOut(sql);
        while (reader.Next(out _))
        {
        }

        return reader.Rows;
    }

    private static Task StartReading(PgConnection connection, string sql) =>
        Task.Factory.StartNew(() => CountRows(connection, sql), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Asks until the query gives 1.</summary>
    private static async Task WaitForAsync(PgServer server, string sql)
    {
        await using var connection = await server.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        var watch = Stopwatch.StartNew();
        while (Convert.ToInt64(await command.ExecuteScalarAsync()) != 1)
            Assert.True(watch.Elapsed < s_soon, sql);
    }
}
