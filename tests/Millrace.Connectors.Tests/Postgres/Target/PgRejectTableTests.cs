using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.Telemetry;

namespace Millrace.Connectors.Tests.Postgres.Target;

/// <summary>Rows that go to quarantine on their way into PostgreSQL: they are beside the table, once.</summary>
public sealed class PgRejectTableTests(PgServers servers)
{
    [Fact]
    public async Task Rejected_rows_are_beside_the_table_once()
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        bench.Folder.Write("t.csv", "id,n\n1,10\n2,\"a \\ \"\"b\"\"\"\n3,30\n4,x\n");
        string[] sets = ["streams.t.on_reject=quarantine", "streams.t.types={id: bigint, n: bigint}"];

        Assert.Equal(RunStatus.Succeeded, (await bench.TryMoveFileAsync("t.csv", sets)).Status);

        Assert.Equal(["(1,10)", "(3,30)"], await bench.TargetRowsAsync("SELECT * FROM t ORDER BY id"));
        Assert.Equal("2 2", await bench.TargetTextAsync("SELECT count(*) || ' ' || count(*) FILTER (WHERE reject::text LIKE '%a \\\\\\\\ %b%' OR reject::text LIKE '%\"x\"%') FROM t_rejects"));
        Assert.Equal(RunStatus.Succeeded, (await bench.TryMoveFileAsync("t.csv", sets)).Status);
        Assert.Equal("2 4", await bench.TargetTextAsync("SELECT count(DISTINCT run) || ' ' || count(*) FROM t_rejects"));
        await bench.AssertNothingLeftAsync();
    }
}
