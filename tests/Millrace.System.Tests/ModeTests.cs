using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.SystemTests.Moves;

namespace Millrace.SystemTests;

/// <summary>What is there after several runs into the same target, and after a commit that is done again.</summary>
public sealed class ModeTests(PgServers servers)
{
    [Fact]
    public async Task Overwriting_twice_leaves_the_rows_once_and_appending_twice_leaves_them_twice()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        (await bench.RunAsync()).Expect(0);
        await bench.FillAsync(2);
        (await bench.RunAsync()).Expect(0);
        Assert.Equal(await bench.SourceAsync(), await bench.PublishedAsync());

        (await bench.RunAsync("run", "--mode", "append")).Expect(0);
        (await bench.RunAsync("run", "--mode", "append")).Expect(0);
        Assert.Equal(Times(3, await bench.SourceAsync()), await bench.PublishedAsync());
        bench.AssertNothingLeft();
    }

    [Fact]
    public async Task A_run_that_died_between_the_commit_and_its_note_does_not_append_twice()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        (await bench.RunAsync()).Expect(0);
        (await bench.RunAsync("run", "--mode", "append")).Expect(0);
        var twice = Times(2, await bench.SourceAsync());
        Assert.Equal(twice, await bench.PublishedAsync());

        // As a kill right after the target's step would have left the run directory.
        File.Delete(Path.Combine(bench.RunFolder, "report.json"));
        File.Delete(Path.Combine(bench.RunFolder, "streams", "public.t", "commit.json"));
        var finished = (await bench.RunAsync("resume")).Expect(0).LastJson();
        Assert.Equal(Workbench.Rows, finished.GetProperty("rows_written").GetInt64());
        Assert.Equal(twice, await bench.PublishedAsync());
        bench.AssertNothingLeft();
    }

    private static string Times(int count, string digest)
    {
        var parts = digest.Split(' ');
        return $"{long.Parse(parts[0]) * count} {long.Parse(parts[1]) * count}";
    }
}
