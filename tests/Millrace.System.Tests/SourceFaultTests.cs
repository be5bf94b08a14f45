using System.Diagnostics;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.SystemTests.Moves;

namespace Millrace.SystemTests;

/// <summary>A source that can't be read, as a user meets it: a clear message without secrets, its exit code, within seconds, nothing left.</summary>
public sealed class SourceFaultTests(PgServers servers)
{
    [Fact]
    public async Task A_wrong_password()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        var url = $"postgres://{PgServer.Superuser}:wr0ng-s3cret@127.0.0.1:{bench.Server.Port}/{bench.Database}";
        await RefusedAsync(bench, url, "password", PgServer.Superuser);
    }

    [Fact]
    public async Task An_unknown_host()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        await RefusedAsync(bench, $"postgres://u:wr0ng-s3cret@no-such-host.invalid/{bench.Database}", "no-such-host.invalid");
    }

    [Fact]
    public async Task Nobody_listens()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        await RefusedAsync(bench, "postgres://u:wr0ng-s3cret@127.0.0.1:9/x", "127.0.0.1:9");
    }

    [Fact]
    public async Task No_such_database()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        await RefusedAsync(bench, bench.Server.Url(database: "no_such_database"), "no_such_database");
    }

    [Fact]
    public async Task No_such_table()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        await bench.ExecuteAsync("DROP TABLE t");
        await RefusedAsync(bench, bench.Url, "public.t", "job.yaml:8");
    }

    [Fact]
    public async Task No_right_on_the_table()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        await RefusedAsync(bench, bench.Server.Url(PgServer.ScramUser, bench.Database), "permission denied for table t");
    }

    [Fact]
    public async Task Row_level_security_would_hide_rows()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        await bench.ExecuteAsync($"GRANT SELECT ON t TO {PgServer.ScramUser}; ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY odd ON t USING (id % 2 = 1)");
        await RefusedAsync(bench, bench.Server.Url(PgServer.ScramUser, bench.Database), "row security would hide rows");
    }

    [Fact]
    public async Task A_value_that_the_type_cannot_hold_names_row_and_column()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        await bench.ExecuteAsync("CREATE TABLE n AS SELECT i AS id, CASE WHEN i = 777 THEN 'NaN' ELSE i / 100.0 END::numeric(12,2) AS amount FROM generate_series(1, 1000) AS i");
        var exit = (await MillraceProcess.RunAsync(["run", "--from", "${PG_URL}", "--to", bench.Lake, "--stream", "public.n", "--state", bench.State], bench.Begin())).Expect(4);
        Assert.Contains("amount", exit.Stderr, StringComparison.Ordinal);
        Assert.Contains("NaN", exit.Stderr, StringComparison.Ordinal);
        Assert.Contains("row 777", exit.Stderr, StringComparison.Ordinal);
        Assert.False(Directory.Exists(bench["lake/n"]));
    }

    private static async Task RefusedAsync(Workbench bench, string url, params string[] phrases)
    {
        var began = Stopwatch.GetTimestamp();
        var exit = (await MillraceProcess.RunAsync(["run", bench.Job], bench.Begin(url))).Expect(3);
        Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(30), "it took too long to say so");
        Assert.All(phrases, phrase => Assert.Contains(phrase, exit.Stderr, StringComparison.Ordinal));
        Assert.DoesNotContain("wr0ng-s3cret", exit.Stderr, StringComparison.Ordinal);
        Secret.AssertHidden(exit);
        Assert.Empty(exit.Stdout);
        Assert.False(Directory.Exists(bench.Table));
        Assert.False(Directory.Exists(bench[".lake.millrace"]), "something is staged");

        // The same for programs.
        var finished = (await MillraceProcess.RunAsync(["run", bench.Job, "--json"], bench.Begin(url))).Expect(3);
        Assert.Equal("failed", finished.LastJson().GetProperty("status").GetString());
    }
}
