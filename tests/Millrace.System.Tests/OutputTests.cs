using System.Text.Json;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.SystemTests.Moves;

namespace Millrace.SystemTests;

/// <summary>Targets that are no folder: one file, and standard output, which then carries data and nothing else.</summary>
public sealed class OutputTests(PgServers servers)
{
    [Fact]
    public async Task One_parquet_file_holds_the_table_and_can_be_replaced()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        for (var version = 1; version <= 2; version++)
        {
            await bench.FillAsync(version);
            (await ShortAsync(bench, bench["out.parquet"], "--json")).Expect(0);
            var seen = await Python.RunAsync("import pyarrow.parquet as p, sys\nt = p.ParquetFile(sys.argv[1]).read()\nprint(t.num_rows, sum(t['v'].to_pylist()))", bench["out.parquet"]);
            Assert.Equal(await bench.TextAsync("SELECT count(*) || ' ' || sum(v) FROM t"), seen);
        }

        Assert.Equal(["job.yaml", "out.parquet", "state"], Directory.EnumerateFileSystemEntries(bench[""]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Hundreds_of_partitions_are_written_where_a_process_may_open_few_files()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var bench = await Workbench.CreateAsync(servers);
        await bench.ExecuteAsync("CREATE TABLE p AS SELECT i AS id, i % 300 AS k FROM generate_series(1, 30000) AS i");
        string[] job = ["--from", "${PG_URL}", "--to", bench.Lake, "--stream", "public.p", "--set", "streams.public.p.write.partition_by=[k]", "--set", "engine=inproc", "--workers", "2", "--state", bench.State];
        var start = bench.Begin() with { Through = ["sh", "-c", "ulimit -n 128 && exec \"$0\" \"$@\""] };
        Assert.Contains("files     a process may open 128 files here", (await MillraceProcess.RunAsync(["plan", .. job], start)).Expect(0).Stdout, StringComparison.Ordinal);
        var exit = (await MillraceProcess.RunAsync(["run", .. job, "--json"], start)).Expect(0);
        Assert.Contains("a process may open 128 files here", exit.Stdout, StringComparison.Ordinal);
        Assert.Equal(300, Directory.GetFiles(bench["lake/p"], "*.parquet", SearchOption.AllDirectories).Length);
        Assert.Equal(30_000, exit.LastJson().GetProperty("rows_written").GetInt64());
    }

    [Fact]
    public async Task Standard_output_carries_csv_and_nothing_else()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        var exit = (await ShortAsync(bench, "-", "--set", "format=csv")).Expect(0);
        var lines = exit.Stdout.TrimEnd().Split('\n');
        Assert.Equal("id,v,note", lines[0]);
        Assert.Equal(Workbench.Rows + 1, lines.Length);
        Assert.All(lines.Skip(1), static line => Assert.Matches(@"^\d+,\d+,(ü\d+)*$", line));
        AssertClean(bench);
    }

    [Fact]
    public async Task Standard_output_carries_ndjson_and_nothing_else()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        var exit = (await ShortAsync(bench, "-")).Expect(0);
        long rows = 0, sum = 0;
        foreach (var line in exit.Stdout.TrimEnd().Split('\n'))
        {
            using var row = JsonDocument.Parse(line);
            rows++;
            sum += row.RootElement.GetProperty("v").GetInt64();
        }

        Assert.Equal(await bench.TextAsync("SELECT count(*) || ' ' || sum(v) FROM t"), $"{rows} {sum}");
        AssertClean(bench);
    }

    private static Task<MillraceExit> ShortAsync(Workbench bench, string to, params string[] more) =>
        MillraceProcess.RunAsync(["run", "--from", "${PG_URL}", "--to", to, "--stream", "public.t", "--state", bench.State, .. more], bench.Begin());

    private static void AssertClean(Workbench bench) =>
        Assert.Equal(["job.yaml", "state"], Directory.EnumerateFileSystemEntries(bench[""]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
}
