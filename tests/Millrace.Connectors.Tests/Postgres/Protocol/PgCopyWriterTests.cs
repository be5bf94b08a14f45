using System.Buffers.Binary;
using System.Text;
using Millrace.Connectors.Postgres.Protocol;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.Faults;

namespace Millrace.Connectors.Tests.Postgres.Protocol;

/// <summary>The COPY writer: rows of any size from any number of threads arrive whole, and its session goes on after whatever happens.</summary>
public sealed class PgCopyWriterTests(PgServers servers)
{
    private static readonly CancellationToken s_never = CancellationToken.None;

    [Fact]
    public async Task Rows_of_many_threads_stay_whole_whatever_their_size()
    {
        const int Rows = 3_000;
        var server = await servers.GetAsync();
        await using var connection = await OpenAsync(server, "threads");
        var copy = await connection.CopyInAsync("COPY public.copy_threads FROM STDIN (FORMAT binary)", s_never);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(() =>
        {
            var buffer = copy.OpenBuffer(fixedBytes: 18);
            for (var i = 0; i < Rows; i++)
            {
                // Some rows are larger than several messages; every letter is the thread's own.
                var length = i % 10 == 0 ? 5 * Limits.PgCopyMessageBytes : i % 70;
                buffer.BeginRow(2);
                BinaryPrimitives.WriteInt64BigEndian(buffer.Field(8), (i * 4) + thread);
                buffer.Field(Encoding.ASCII.GetBytes(new string((char)('a' + thread), length)));
                buffer.EndRow();
            }

            buffer.Flush();
        })));
        Assert.Equal(4 * Rows, copy.Complete());
        var whole = "SELECT count(*) || ' ' || sum(length(t)) FROM public.copy_threads WHERE t = repeat(chr((97 + i % 4)::int), length(t))";
        var letters = 4 * Enumerable.Range(0, Rows).Sum(static i => i % 10 == 0 ? 5 * Limits.PgCopyMessageBytes : i % 70);
        Assert.Equal($"{4 * Rows} {letters}", await PgLoginTests.ScalarAsync(connection, whole));
    }

    [Fact]
    public async Task A_row_that_ends_in_its_middle_ends_the_copy_for_all_threads()
    {
        var server = await servers.GetAsync();
        await using var connection = await OpenAsync(server, "middle");
        using (var copy = await connection.CopyInAsync("COPY public.copy_middle FROM STDIN (FORMAT binary)", s_never))
        {
            var first = copy.OpenBuffer(fixedBytes: 18);
            first.BeginRow(2);
            first.Field(new byte[5 * Limits.PgCopyMessageBytes]);
            first.Abandon();
            var failed = await Task.Run(() => Record.Exception(() =>
            {
                var second = copy.OpenBuffer(fixedBytes: 18);
                second.BeginRow(2);
                second.Field(new byte[5 * Limits.PgCopyMessageBytes]);
            })).WaitAsync(TimeSpan.FromSeconds(30));
            Assert.Equal(FaultSide.Target, Assert.IsType<Fault>(failed).Side);
            Assert.Throws<Fault>(() => copy.Complete());
        }

        Assert.Equal("0", await PgLoginTests.ScalarAsync(connection, "SELECT count(*) FROM public.copy_middle"));
    }

    [Theory]
    [InlineData("disable")]
    [InlineData("require")]
    public async Task Tuples_pass_from_one_copy_to_another_as_they_are(string sslmode)
    {
        var server = await servers.GetAsync();
        await using var connection = await OpenAsync(server, "tuples", sslmode);
        await using var source = await PgConnection.OpenAsync(PgSettings.Parse(server.Url()), s_never);
        var copy = await connection.CopyInAsync("COPY public.copy_tuples FROM STDIN (FORMAT binary)", s_never);
        var buffer = copy.OpenBuffer(fixedBytes: 0);
        using (var reader = source.CopyOut("COPY (SELECT i::int8, CASE WHEN i % 7 > 0 THEN repeat(md5(i::text), i % 300) END FROM generate_series(1, 3000) i) TO STDOUT (FORMAT binary)"))
        {
            while (reader.Next(out var tuple)) buffer.Row(tuple);
        }

        buffer.Flush();
        Assert.Equal(3000, copy.Complete());
        Assert.Equal("3000 428", await PgLoginTests.ScalarAsync(
            connection, "SELECT count(*) FILTER (WHERE t IS NOT DISTINCT FROM CASE WHEN i % 7 > 0 THEN repeat(md5(i::text), (i % 300)::int) END) || ' ' || count(*) FILTER (WHERE t IS NULL) FROM public.copy_tuples"));
    }

    [Fact]
    public async Task A_copy_that_the_server_refuses_leaves_the_session_usable()
    {
        var server = await servers.GetAsync();
        await using var connection = await OpenAsync(server, "refused");
        var none = await Assert.ThrowsAsync<Fault>(() => connection.CopyInAsync("COPY public.no_such_table FROM STDIN (FORMAT binary)", s_never));
        Assert.Equal(("42P01", FaultSide.Target), (none.Code, none.Side));
        using (var copy = await connection.CopyInAsync("COPY public.copy_refused FROM STDIN (FORMAT binary)", s_never))
        {
            var buffer = copy.OpenBuffer(fixedBytes: 18);
            buffer.BeginRow(1);
            buffer.Null();
            buffer.EndRow();
            buffer.Flush();
            Assert.Equal("22P04", Assert.Throws<Fault>(() => copy.Complete()).Code);
        }

        using (await connection.CopyInAsync("COPY public.copy_refused FROM STDIN (FORMAT binary)", s_never))
        {
            // Given up at once.
        }

        await Assert.ThrowsAsync<Fault>(() => connection.CopyInAsync("COPY public.copy_refused TO STDOUT (FORMAT binary)", s_never));
        Assert.False(connection.IsUsable);
    }

    [Fact]
    public async Task A_session_that_writes_has_its_own_settings()
    {
        var server = await servers.GetAsync();
        await using var connection = await PgConnection.OpenAsync(PgSettings.Parse(server.Url()), s_never, access: PgAccess.Write(TimeSpan.FromMilliseconds(1234)));
        Assert.Equal(
            "off 1234ms pg_catalog local 0",
            await PgLoginTests.ScalarAsync(
                connection,
                "SELECT concat_ws(' ', current_setting('default_transaction_read_only'), current_setting('lock_timeout'), current_setting('search_path'), current_setting('synchronous_commit'), current_setting('statement_timeout'))"));
    }

    private static async Task<PgConnection> OpenAsync(PgServer server, string name, string sslmode = "prefer")
    {
        await server.ExecuteAsync($"DROP TABLE IF EXISTS copy_{name}; CREATE TABLE copy_{name} (i int8, t text)");
        return await PgConnection.OpenAsync(PgSettings.Parse(server.Url(query: $"sslmode={sslmode}")), s_never, access: PgAccess.Write());
    }

    /// <summary>A row that goes out in pieces keeps other threads' rows back, but nobody who ends a COPY whose connection broke in its middle.</summary>
    [Fact]
    public async Task A_connection_that_is_lost_in_the_middle_of_a_row_does_not_keep_who_ends_the_copy()
    {
        var server = await servers.GetAsync();
        await using var connection = await OpenAsync(server, "lost");
        var copy = await connection.CopyInAsync("COPY public.copy_lost (t) FROM STDIN (FORMAT binary)", s_never);
        var tuple = new byte[6 + (3 * Limits.PgCopyMessageBytes)];
        tuple[1] = 1;
        BinaryPrimitives.WriteInt32BigEndian(tuple.AsSpan(2), tuple.Length - 6);
        tuple.AsSpan(6).Fill((byte)'x');
        await server.ExecuteAsync($"SELECT pg_terminate_backend({connection.ProcessId})");

        var writing = Task.Factory.StartNew(
            () =>
            {
                var buffer = copy.OpenBuffer(fixedBytes: 0);
                while (true) buffer.Row(tuple);
            },
            s_never,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        await Assert.ThrowsAsync<Fault>(() => writing);

        await Task.Factory.StartNew(copy.Dispose, s_never, TaskCreationOptions.LongRunning, TaskScheduler.Default).WaitAsync(TimeSpan.FromSeconds(60), s_never);
    }
}
