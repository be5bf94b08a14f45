using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.Faults;
using Millrace.Telemetry;

namespace Millrace.Connectors.Tests.Postgres.Target;

/// <summary>Publications that are interrupted at every step and gone on with: the rows are there exactly once.</summary>
public sealed class PgPublishTests(PgServers servers)
{
    private const string Sum = "SELECT count(*) || ' ' || sum(id) FROM t";

    public static TheoryData<string, string> Interruptions
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var mode in new[] { "overwrite", "append", "merge", "incremental" })
            {
                foreach (var step in new[] { "settled", "prepared", "published", "committed", "cleaned" }) data.Add(mode, step);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Interruptions))]
    public async Task Whatever_step_a_publication_ends_at_the_rows_are_there_once(string mode, string step)
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        await bench.SourceAsync("CREATE TABLE t (id bigint, name text); INSERT INTO t SELECT i, 'n' || i FROM generate_series(1, 3000) AS i");
        await bench.TargetAsync("CREATE TABLE t (id bigint PRIMARY KEY, name text); INSERT INTO t VALUES (100000, 'old')");
        string[] sets = [$"streams.public.t.mode={mode}", "streams.public.t.partition.rows=500", .. Extra(mode)];
        bench.Step = name =>
        {
            if (name == step) throw new Fault(FaultKind.Died, "the coordinator was killed");
        };

        Assert.Equal(RunStatus.Failed, (await bench.TryMoveAsync(sets)).Status);

        // Readers see all or nothing.
        var seen = await bench.TargetTextAsync(Sum);
        var (before, after) = ("1 100000", mode == "overwrite" ? "3000 4501500" : "3001 4601500");
        Assert.Equal(step is "committed" or "cleaned" ? after : before, seen);
        bench.Step = static _ => { };
        var again = await bench.ResumeAsync(sets);
        Assert.True(again.Status == RunStatus.Succeeded, string.Join('\n', again.Faults.Select(static fault => fault.Describe())));
        Assert.Equal(after, await bench.TargetTextAsync(Sum));
        await bench.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task What_a_crash_of_the_server_took_away_is_read_again()
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        await bench.SourceAsync("CREATE TABLE t (id bigint, name text); INSERT INTO t SELECT i, 'n' || i FROM generate_series(1, 3000) AS i");
        await bench.TargetAsync("CREATE TABLE t (id bigint, name text)");
        bench.Step = static _ => throw new Fault(FaultKind.Died, "the coordinator was killed");
        await bench.TryMoveAsync("streams.public.t.mode=append", "streams.public.t.partition.rows=500");
        // What is not logged is empty after a crash.
        var names = await bench.TargetRowsAsync("SELECT quote_ident(relname) FROM pg_class WHERE starts_with(relname, '_millrace_') AND relpersistence = 'u' AND relkind = 'r'");
        Assert.Equal(2, names.Count);
        foreach (var name in names) await bench.TargetAsync($"TRUNCATE {name.Trim('(', ')')}");
        bench.Step = static _ => { };

        var first = await bench.ResumeAsync("streams.public.t.mode=append");
        Assert.Contains("the server has lost what was staged", Assert.Single(first.Faults).Message, StringComparison.Ordinal);
        Assert.Equal(3, first.Faults[0].ExitCode);
        Assert.Equal(RunStatus.Succeeded, (await bench.ResumeAsync("streams.public.t.mode=append")).Status);

        Assert.Equal("3000 4501500", await bench.TargetTextAsync(Sum));
        await bench.AssertNothingLeftAsync();
    }

    [Theory]
    [InlineData("append", "settled")]
    [InlineData("append", "prepared")]
    [InlineData("overwrite", "prepared")]
    public async Task What_a_crash_takes_away_after_it_was_looked_at_is_not_published(string mode, string step)
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        await bench.SourceAsync("CREATE TABLE t (id bigint, name text); INSERT INTO t SELECT i, 'n' || i FROM generate_series(1, 3000) AS i");
        await bench.TargetAsync("CREATE UNLOGGED TABLE t (id bigint, name text); INSERT INTO t VALUES (100000, 'old')");
        var crashes = 1;
        bench.Step = done =>
        {
            if (done != step || Interlocked.Exchange(ref crashes, 0) == 0) return;
            using var connection = new Npgsql.NpgsqlConnection(bench.TargetConnection);
            connection.Open();
            using var command = new Npgsql.NpgsqlCommand(
                """
                DO $$ DECLARE name text; BEGIN
                    FOR name IN SELECT quote_ident(relname) FROM pg_class WHERE starts_with(relname, '_millrace_') AND relpersistence = 'u' AND relkind = 'r' LOOP EXECUTE 'TRUNCATE ' || name; END LOOP;
                END $$
                """,
                connection);
            command.ExecuteNonQuery();
        };

        var first = await bench.TryMoveAsync($"streams.public.t.mode={mode}", "streams.public.t.partition.rows=500");
        Assert.Contains("the server has lost what was staged", Assert.Single(first.Faults).Message, StringComparison.Ordinal);
        Assert.Equal("1 100000", await bench.TargetTextAsync(Sum));
        Assert.Equal(RunStatus.Succeeded, (await bench.ResumeAsync($"streams.public.t.mode={mode}")).Status);
        Assert.Equal(mode == "append" ? "3001 4601500" : "3000 4501500", await bench.TargetTextAsync(Sum));
        await bench.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task Rows_of_attempts_that_no_result_names_are_not_published()
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        await bench.SourceAsync("CREATE TABLE t (id bigint, name text); INSERT INTO t SELECT i, 'n' || i FROM generate_series(1, 3000) AS i");
        bench.Step = static _ => throw new Fault(FaultKind.Died, "the coordinator was killed");
        await bench.TryMoveAsync("streams.public.t.partition.rows=500");
        var rows = (await bench.TargetRowsAsync("SELECT relname FROM pg_class WHERE relname LIKE '\\_millrace\\_%rows'"))[0].Trim('(', ')');
        await bench.TargetAsync(
            $"BEGIN; INSERT INTO {rows} SELECT i, 'stray' FROM generate_series(1, 50) AS i; INSERT INTO {rows.Replace("_rows", "_attempts", StringComparison.Ordinal)} VALUES ('stray', 1, txid_current(), 50); COMMIT");
        bench.Step = static _ => { };

        Assert.Equal(RunStatus.Succeeded, (await bench.ResumeAsync()).Status);

        Assert.Equal("3000 4501500", await bench.TargetTextAsync(Sum));
    }

    [Fact]
    public async Task A_statement_that_a_killed_coordinator_has_left_is_ended()
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        await bench.SourceAsync("CREATE TABLE t (id bigint, name text); INSERT INTO t SELECT i, 'n' || i FROM generate_series(1, 3000) AS i");
        await bench.TargetAsync("CREATE TABLE t (id bigint, name text)");
        bench.Step = static _ => throw new Fault(FaultKind.Died, "the coordinator was killed");
        await bench.TryMoveAsync("streams.public.t.mode=append");
        var rows = (await bench.TargetRowsAsync("SELECT relname FROM pg_class WHERE relname LIKE '\\_millrace\\_%rows'"))[0].Trim('(', ')');
        await using var left = Npgsql.NpgsqlDataSource.Create(bench.TargetConnection + ";Application Name=millrace");
        await using var session = await left.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var transaction = await session.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using (var insert = new Npgsql.NpgsqlCommand($"INSERT INTO t SELECT id, name FROM {rows}", session, transaction)) await insert.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        bench.Step = static _ => { };

        Assert.Equal(RunStatus.Succeeded, (await bench.ResumeAsync("streams.public.t.mode=append")).Status);

        Assert.Equal("3000 4501500", await bench.TargetTextAsync(Sum));
        await Assert.ThrowsAnyAsync<Exception>(async () => await transaction.CommitAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_lock_that_somebody_holds_is_waited_for_and_readers_are_not_kept_out_for_long()
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        await bench.SourceAsync("CREATE TABLE t (id bigint); INSERT INTO t SELECT generate_series(1, 100)");
        await bench.TargetAsync("CREATE TABLE t (id bigint); INSERT INTO t VALUES (9)");
        await using var reader = await bench.Target.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var holding = await reader.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using (var command = new Npgsql.NpgsqlCommand("SELECT count(*) FROM t", reader, holding)) await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);

        var moving = bench.MoveAsync();
        Assert.Equal("9", await bench.TargetTextAsync("SELECT id::text FROM t"));
        await holding.CommitAsync(TestContext.Current.CancellationToken);
        await moving;

        Assert.Equal("100 5050", await bench.TargetTextAsync(Sum));
    }

    private static string[] Extra(string mode) => mode switch
    {
        "merge" => ["streams.public.t.key=[id]"],
        "incremental" => ["streams.public.t.key=[id]", "streams.public.t.cursor=id"],
        _ => [],
    };
}
