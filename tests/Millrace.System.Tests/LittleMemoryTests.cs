using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.SystemTests.Moves;

namespace Millrace.SystemTests;

/// <summary>The whole run under a limit of the kernel's, with rows that are a large part of it, or more.</summary>
public sealed class LittleMemoryTests(PgServers servers)
{
    private const long GroupBytes = 256 << 20;

    [Fact]
    public async Task Rows_of_40_MB_among_small_ones_arrive_in_256_MB()
    {
        await using var bench = await WithLargeRowsAsync(40, 40);
        var exit = (await InGroupAsync(bench)).Expect(0);
        Assert.Equal(await bench.SourceAsync(), await bench.PublishedAsync());
        Assert.Equal(Workbench.Rows + 2 + 500, exit.LastJson().GetProperty("rows_written").GetInt64());
        bench.AssertNothingLeft();
    }

    [Fact]
    public async Task Rows_of_40_MB_become_CSV_in_256_MB()
    {
        await using var bench = await WithLargeRowsAsync(40, 40);
        (await InGroupAsync(bench, "--set", "format=csv")).Expect(0);
        var verdict = Assert.Single(Workbench.Events((await bench.RunAsync("verify")).Expect(0)), static line => line.GetProperty("event").GetString() == "verified");
        Assert.Equal(Workbench.Rows + 2 + 500, verdict.GetProperty("rows_in_target").GetInt64());
    }

    [Fact]
    public async Task A_row_that_does_not_fit_is_named_and_the_rest_is_kept_or_arrives()
    {
        await using var bench = await WithLargeRowsAsync(120);
        await bench.ExecuteAsync("CREATE TABLE u AS SELECT 1 AS id");
        bench.WriteJob(extra: "  public.u: {}");
        var exit = (await InGroupAsync(bench)).Expect(1);
        var ctid = await bench.TextAsync("SELECT ctid::text FROM t WHERE id > 1000000");
        var lost = Assert.Single(Workbench.Events(exit), static line => line.GetProperty("event").GetString() == "lost");
        var comma = ctid.IndexOf(',', StringComparison.Ordinal);
        Assert.Contains($"page {ctid[1..comma]} of public.t, row {ctid[(comma + 1)..^1]}", lost.GetProperty("label").GetString(), StringComparison.Ordinal);
        Assert.Contains(Workbench.Events(exit), static line => line.GetProperty("event").GetString() == "committed" && line.GetProperty("stream").GetString() == "public.u");
        Assert.False(Directory.Exists(bench.Table));

        // With more memory that row alone is read.
        var again = (await bench.RunAsync("resume")).Expect(0);
        Assert.Equal(1, Workbench.Events(again).Count(static line => line.GetProperty("event").GetString() == "unit"));
        Assert.Equal(await bench.SourceAsync(), await bench.PublishedAsync());
    }

    // 272 MB as a list, more than DuckDB may use; 68 MB on the wire, and next to nothing in the table.
    [Theory]
    [InlineData("inproc")]
    [InlineData("local")]
    public async Task A_list_that_does_not_fit_is_named_and_the_rest_is_kept(string engine)
    {
        await using var bench = await Workbench.CreateAsync(servers);
        await bench.ExecuteAsync(
            """
            CREATE TABLE lists (id int PRIMARY KEY, v uuid[]);
            INSERT INTO lists SELECT i, ARRAY[gen_random_uuid(), NULL] FROM generate_series(1, 3) AS i;
            INSERT INTO lists VALUES (4, array_fill(NULL::uuid, ARRAY[17000000]));
            ANALYZE lists
            """);
        bench.WriteJob(extra: "  public.lists: {}");
        var exit = await bench.RunAsync("run", "--memory", "256MB", "--set", $"engine={engine}", "--stream", "public.lists");
        // 1 where a worker took more than its share, which is no crash.
        Assert.True(exit.ExitCode is 1 or 5, $"exit code {exit.ExitCode}; {exit.Stdout}{exit.Stderr}");
        Assert.DoesNotContain("signal 6", exit.Stdout, StringComparison.Ordinal);
        var lost = Assert.Single(Workbench.Events(exit), static line => line.GetProperty("event").GetString() == "lost");
        Assert.Contains("page 0 of public.lists, row 4", lost.GetProperty("label").GetString(), StringComparison.Ordinal);
        Assert.Equal(4, (await bench.RunAsync("resume", "--memory", "2GB")).Expect(0).LastJson().GetProperty("rows_written").GetInt64());
    }

    /// <summary>The usual table, then rows of so many megabytes that compress well, then some small ones.</summary>
    private async Task<Workbench> WithLargeRowsAsync(params int[] megabytes)
    {
        var bench = await Workbench.CreateAsync(servers);
        bench.Program = MillraceProcess.Launcher;
        foreach (var large in megabytes)
            await bench.ExecuteAsync($"INSERT INTO t SELECT 1000001 + count(*), 1, repeat(md5('x'), {large} * 32768) FROM t");
        await bench.ExecuteAsync("INSERT INTO t SELECT 500000 + i, i, 'small' FROM generate_series(1, 500) AS i; ANALYZE t");
        return bench;
    }

    private static async Task<MillraceExit> InGroupAsync(Workbench bench, params string[] more)
    {
        using var group = MemoryGroup.Create(GroupBytes);
        return await MillraceProcess.RunAsync(["run", bench.Job, "--json", .. more], bench.Begin() with { Through = group.Through });
    }
}
