using System.Collections.Immutable;
using System.Diagnostics;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;

namespace Millrace.Connectors.Tests.Postgres.Source;

/// <summary>The worker's half when things go wrong or grow large.</summary>
public sealed class PgReaderTests
{
    private readonly PgServers _servers;

    public PgReaderTests(PgServers servers) => _servers = servers;

    [Fact]
    public async Task A_unit_is_drained_before_its_query_ends_and_its_connection_is_free_then()
    {
        var server = await _servers.GetAsync();
        await using var run = PgRun.Open(server.Url(), connections: 1);
        var plan = await run.PlanAsync(PgRun.Stream("numbers") with { Query = "SELECT generate_series(1, 5000) AS i" });
        await using var input = await run.OpenFirstAsync(plan);
        var drained = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var opened = new ManualResetEventSlim();
        input.WhenDrained(() =>
        {
            // DuckDB's own thread: the query can't end before this does.
            drained.SetResult(input.RowsRead);
            Assert.True(opened.Wait(TimeSpan.FromSeconds(20)), "the next unit has no connection");
        });

        var reading = Task.Run(() => run.Value($"SELECT sum(i)::text FROM ({input.Select})"));
        Assert.Equal(5000, await drained.Task);
        await using (await run.OpenFirstAsync(plan)) opened.Set();
        Assert.Equal("12502500", await reading);
    }

    [Fact]
    public async Task A_unit_that_is_not_read_to_its_end_is_never_drained()
    {
        var server = await _servers.GetAsync();
        await using var run = PgRun.Open(server.Url(), connections: 1);
        var plan = await run.PlanAsync(PgRun.Stream("numbers") with { Query = "SELECT generate_series(1, 100000) AS i" });
        await using var input = await run.OpenFirstAsync(plan);
        input.WhenDrained(() => Assert.Fail("rows are left"));

        Assert.Throws<DuckDbException>(() => run.Value($"SELECT sum(CASE WHEN i = 50000 THEN error('stop') ELSE i END)::text FROM ({input.Select})"));
    }

    [Fact]
    public async Task A_cancelled_unit_ends_soon_and_its_connection_is_not_used_again()
    {
        var server = await _servers.GetAsync();
        await using var run = PgRun.Open(server.Url(), connections: 1);
        var plan = await run.PlanAsync(PgRun.Stream("endless") with { Query = "SELECT generate_series(1, 1000000000) AS i" });
        var input = await run.OpenFirstAsync(plan);
        var reading = Task.Run(() => run.Value($"SELECT sum(i)::text FROM ({input.Select})"));
        while (input.RowsRead == 0 && !reading.IsCompleted) await Task.Yield();
        var began = Stopwatch.StartNew();
        input.Cancel();
        var error = await Assert.ThrowsAsync<DuckDbException>(() => reading);
        Assert.InRange(began.Elapsed.TotalSeconds, 0, 10);
        Assert.Equal(FaultKind.Cancelled, input.Explain(error)!.Kind);
        await input.DisposeAsync();

        // The one connection that the worker may have is free for the next unit.
        var next = await run.PlanHeldAsync(PgRun.Stream("short") with { Query = "SELECT 7 AS i" });
        Assert.Equal("7", run.Value($"SELECT i::text FROM {await run.ReadAsync(next)}"));
    }

    [Fact]
    public async Task A_server_process_that_dies_fails_the_unit_and_the_next_attempt_works()
    {
        var server = await _servers.GetAsync();
        await using var run = PgRun.Open(server.Url(query: "application_name=doomed"), connections: 1);
        var plan = await run.PlanAsync(PgRun.Stream("survivors") with { Query = "SELECT generate_series(1, 1000000000) AS i" });
        var (header, unit) = (PgRun.HeaderOf(plan), (await PgRun.UnitsOf(plan))[0]);
        var input = await run.Reader.OpenAsync(header, unit, CancellationToken.None);
        var reading = Task.Run(() => run.Value($"SELECT sum(i)::text FROM ({input.Select})"));
        while (input.RowsRead == 0 && !reading.IsCompleted) await Task.Yield();
        await server.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'doomed' AND query LIKE 'COPY%' AND state = 'active'");
        var error = await Assert.ThrowsAsync<DuckDbException>(() => reading);
        Assert.True(input.Explain(error)!.Retryable, input.Explain(error)!.Describe());
        await input.DisposeAsync();

        // The moment is still held: another attempt gets a new connection into it.
        var next = await run.PlanHeldAsync(PgRun.Stream("short") with { Query = "SELECT 7 AS i" });
        Assert.Equal(plan.Moment, next.Moment);
        Assert.Equal("7", run.Value($"SELECT i::text FROM {await run.ReadAsync(next)}"));
    }

    [Fact]
    public async Task Text_in_no_encoding_is_refused_by_row_and_column_and_can_be_read_as_bytes()
    {
        var server = await _servers.GetAsync();
        await server.ExecuteAsync("DROP DATABASE IF EXISTS raw_text");
        await server.ExecuteAsync("CREATE DATABASE raw_text ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'");
        await using (var data = Npgsql.NpgsqlDataSource.Create(server.ConnectionString("raw_text")))
        await using (var command = data.CreateCommand(@"CREATE TABLE t AS SELECT i, CASE i WHEN 2 THEN convert_from('\xff41'::bytea, 'SQL_ASCII') ELSE 'fine' END AS v FROM generate_series(1, 3) AS i"))
            await command.ExecuteNonQueryAsync();
        var url = server.Url(database: "raw_text");
        await using var run = PgRun.Open(url);
        var fault = await Assert.ThrowsAsync<Fault>(() => run.MoveAsync(PgRun.Stream("t")));
        Assert.Contains("not UTF-8: FF41", fault.Message);
        Assert.Contains("row 2, column v", fault.Where);
        Assert.Contains("types: {v: blob}", fault.Advice);
        await using var second = PgRun.Open(url);
        var table = await second.MoveAsync(PgRun.Stream("t") with { Types = ImmutableSortedDictionary<string, string>.Empty.Add("v", "blob") });
        Assert.Equal(@"fine, \xFFA, fine", second.Value($"SELECT string_agg(v::text, ', ' ORDER BY i) FROM {table}"));
    }

    [Fact]
    public async Task Values_of_many_megabytes_pass()
    {
        var server = await _servers.GetAsync();
        await server.ExecuteAsync("DROP TABLE IF EXISTS bulky; CREATE TABLE bulky AS SELECT i, repeat(chr(64 + i), 20000000) AS v FROM generate_series(1, 4) AS i");
        await using var run = PgRun.Open(server.Url());
        var plan = await run.PlanAsync(PgRun.Stream("bulky"));
        await using var input = await run.OpenFirstAsync(plan);
        Assert.Equal("4 80000000 A D", run.Value($"SELECT count(*) || ' ' || sum(length(v)) || ' ' || min(v[1]) || ' ' || max(v[1]) FROM ({input.Select})"));
    }

    [Fact]
    public async Task A_unit_that_must_be_one_is_cut_into_ranges_for_several_connections()
    {
        var server = await _servers.GetAsync();
        await server.ExecuteAsync("DROP TABLE IF EXISTS onefile; CREATE TABLE onefile AS SELECT i, repeat('x', 400) AS pad FROM generate_series(1, 60000) AS i; ANALYZE onefile");
        await using var run = PgRun.Open(server.Url(), connections: 3);
        var plan = await run.PlanAsync(PgRun.Stream("onefile"), unitBytes: Limits.UnitBytesMin, oneUnit: true);
        Assert.Contains("\"s\":true", Assert.Single(await PgRun.UnitsOf(plan)).Slice);
        Assert.Equal("60000 1800030000", run.Value($"SELECT count(*) || ' ' || sum(i) FROM {await run.ReadAsync(plan)}"));
    }

    [Fact]
    public async Task Rows_and_bytes_are_counted_and_pieces_without_rows_do_not_end_the_reading()
    {
        var server = await _servers.GetAsync();
        await server.ExecuteAsync("DROP TABLE IF EXISTS counted; CREATE TABLE counted AS SELECT i, repeat('x', 400) AS pad FROM generate_series(1, 60000) AS i; ANALYZE counted");
        await using var run = PgRun.Open(server.Url(), connections: 1);
        var plan = await run.PlanAsync(PgRun.Stream("counted"), unitBytes: Limits.UnitBytesMin, oneUnit: true);
        await using (var all = await run.Reader.OpenAsync(PgRun.HeaderOf(plan), Assert.Single(await PgRun.UnitsOf(plan)), CancellationToken.None))
        {
            Assert.Equal("60000", run.Value($"SELECT count(pad)::text FROM ({all.Select})"));
            await all.CompleteAsync(60_000, CancellationToken.None);
            Assert.Equal(60_000, all.RowsRead);
            Assert.InRange(all.BytesRead, 60_000 * 404L, 60_000 * 430L);
        }

        // In the order of the table only the last of its pieces has rows.
        var last = await run.PlanHeldAsync(PgRun.Stream("counted") with { Where = "i > 59990" }, unitBytes: Limits.UnitBytesMin, oneUnit: true);
        Assert.Equal("10", run.Value($"SELECT count(*)::text FROM {await run.ReadAsync(last)}"));
    }

    [Fact]
    public async Task A_unit_that_was_not_read_to_its_end_is_not_complete()
    {
        var server = await _servers.GetAsync();
        await using var run = PgRun.Open(server.Url(), connections: 1);
        var plan = await run.PlanAsync(PgRun.Stream("endless") with { Query = "SELECT generate_series(1, 1000000000) AS i" });
        await using var input = await run.OpenFirstAsync(plan);
        Assert.Equal("1", run.Value($"SELECT i::text FROM ({input.Select}) LIMIT 1"));
        await Assert.ThrowsAsync<Fault>(async () => await input.CompleteAsync(input.RowsRead, CancellationToken.None));
    }

    [Fact]
    public async Task A_refused_value_is_named_by_its_own_column_when_only_some_are_read()
    {
        var server = await _servers.GetAsync();
        await server.ExecuteAsync("DROP TABLE IF EXISTS narrow; CREATE TABLE narrow AS SELECT i, i AS j, CASE i WHEN 2 THEN 'NaN' ELSE '1' END::numeric(10,2) AS v FROM generate_series(1, 3) AS i");
        await using var run = PgRun.Open(server.Url());
        var plan = await run.PlanAsync(PgRun.Stream("narrow"));
        await using var input = await run.OpenFirstAsync(plan);
        var error = Assert.Throws<DuckDbException>(() => run.Value($"SELECT sum(v)::text FROM ({input.Select})"));
        Assert.Contains("row 2, column v", input.Explain(error)!.Where, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_plan_of_very_many_units_is_made_one_by_one()
    {
        var server = await _servers.GetAsync();
        await server.ExecuteAsync("DROP TABLE IF EXISTS many; CREATE TABLE many (id int8 PRIMARY KEY); INSERT INTO many SELECT i * 1000 FROM generate_series(1, 100000) AS i; ANALYZE many");
        await using var run = PgRun.Open(server.Url());
        var plan = await run.PlanAsync(PgRun.Stream("many") with { Partition = new PartitionSpec { By = PartitionBy.Id, Rows = 1 } });
        Assert.InRange(plan.EstimatedUnits, 99_000, 101_000);
        var began = Stopwatch.StartNew();
        long units = 0;
        await foreach (var unit in plan.Units(CancellationToken.None))
        {
            if (units++ == 0) Assert.InRange(began.Elapsed.TotalSeconds, 0, 2);
            Assert.NotEmpty(unit.Slice);
        }

        Assert.InRange(units, 99_000, 101_000);
    }
}
