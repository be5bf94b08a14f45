using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.Jobs;

namespace Millrace.Connectors.Tests.Postgres.Source;

/// <summary>Streams from a real server into DuckDB, whole.</summary>
public sealed class PgMoveTests
{
    private readonly PgServers _servers;

    public PgMoveTests(PgServers servers) => _servers = servers;

    [Theory]
    [MemberData(nameof(PgServers.Versions), MemberType = typeof(PgServers))]
    public async Task A_table_arrives_in_many_units_with_equal_content(int version)
    {
        var server = await _servers.GetAsync(version);
        await server.ExecuteAsync(
            """
            DROP TABLE IF EXISTS move_events; CREATE TABLE move_events AS
            SELECT i AS id, timestamptz '2024-01-01 00:00:00+00' + i * interval '1 minute' AS created_at,
                   CASE WHEN i % 7 > 0 THEN 'status ' || i % 7 END AS status, (i / 100.0)::numeric(12,2) AS amount, sqrt(i) AS score,
                   i % 20 = 0 AS is_test, md5(i::text)::uuid AS session_id, repeat(md5(i::text), 1 + i % 5) AS note
            FROM generate_series(1, 100000) AS i;
            ALTER TABLE move_events ADD PRIMARY KEY (id); ANALYZE move_events
            """);
        await using var run = PgRun.Open(server.Url());
        var plan = await run.PlanAsync(PgRun.Stream("move_events"), unitBytes: Limits.UnitBytesMin);
        Assert.Equal(version >= 14 ? PartitionBy.Pages : PartitionBy.Id, plan.Strategy);
        Assert.InRange(plan.EstimatedUnits, 3, 8);
        var table = await run.ReadAsync(plan);
        var expected = await PgCheck.TextsAsync(
            server, "SELECT id::text, to_char(created_at, 'YYYY-MM-DD HH24:MI:SS'), status, amount::text, is_test::text, session_id::text, note FROM move_events ORDER BY move_events.id");
        var actual = run.Rows(
            $"SELECT id::text, strftime(created_at, '%Y-%m-%d %H:%M:%S'), status, amount::text, is_test::text, session_id::text, note FROM {table} ORDER BY id");
        Assert.Equal(expected, actual);
        Assert.Equal("0", run.Value($"SELECT (count(*) FILTER (score <> sqrt(id)))::text FROM {table}"));
    }

    [Fact]
    public async Task Only_the_columns_that_duckdb_wants_leave_the_server()
    {
        var server = await _servers.GetAsync();
        await server.ExecuteAsync("DROP TABLE IF EXISTS move_wide; CREATE TABLE move_wide AS SELECT i, repeat('x', 10000) AS big FROM generate_series(1, 1000) AS i");
        await using var run = PgRun.Open(server.Url());
        var plan = await run.PlanAsync(PgRun.Stream("move_wide"));
        await using var input = await run.OpenFirstAsync(plan);
        var sum = run.Value($"SELECT (sum(i) || ' ' || count(*)) FROM ({input.Select})");
        Assert.Equal("500500 1000", sum);
        Assert.InRange(input.BytesRead, 1, 100_000);
        await input.CompleteAsync(1000, CancellationToken.None);
    }
}
