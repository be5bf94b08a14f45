using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.SystemTests.Moves;

namespace Millrace.SystemTests;

/// <summary>Full and write-protected disks, below the target and below the run directory.</summary>
public sealed class DiskFaultTests(PgServers servers)
{
    [Fact]
    public async Task A_full_disk_at_the_target_is_a_limit_and_resume_works_once_there_is_room()
    {
        using var disk = new SmallDisk(2);
        await using var bench = await Workbench.CreateAsync(servers);
        await bench.ExecuteAsync("CREATE TABLE big AS SELECT i AS id, i::bigint AS v, string_agg(md5(i::text || j), '') AS note FROM generate_series(1, 20000) AS i, generate_series(1, 10) AS j GROUP BY i");
        string[] arguments = ["run", "--from", "${PG_URL}", "--to", disk["lake"], "--stream", "public.big", "--state", bench.State, "--set", "streams.public.big.partition.rows=2000"];
        var exit = (await MillraceProcess.RunAsync(arguments, bench.Begin())).Expect(5);
        Assert.Contains("disk is full", exit.Stderr, StringComparison.Ordinal);
        Assert.Contains(disk[""], exit.Stderr, StringComparison.Ordinal);
        Assert.False(Directory.Exists(disk["lake/big"]));

        disk.Grow(64);
        (await bench.RunAsync("resume")).Expect(0);
        var seen = await Python.RunAsync("import pyarrow.dataset as d, pyarrow.compute as c, sys\nt = d.dataset(sys.argv[1]).to_table()\nprint(t.num_rows, c.sum(t['v']).as_py())", disk["lake/big"]);
        Assert.Equal("20000 200010000", seen);
        Assert.Equal(["lake"], Directory.EnumerateFileSystemEntries(disk[""]).Select(Path.GetFileName));
    }

    [Fact]
    public async Task A_full_disk_below_a_new_run_directory_is_a_limit()
    {
        using var disk = new SmallDisk(1);
        await using var bench = await Workbench.CreateAsync(servers);
        disk.Fill();
        var exit = (await MillraceProcess.RunAsync(["run", bench.Job, "--state", disk["state"]], bench.Begin())).Expect(5);
        Assert.Contains("disk is full", exit.Stderr, StringComparison.Ordinal);
        Assert.Contains(disk[""], exit.Stderr, StringComparison.Ordinal);
        Assert.False(Directory.Exists(bench.Table));
    }

    [Fact]
    public async Task A_disk_that_fills_up_below_the_run_directory_is_a_limit_and_resume_works_once_there_is_room()
    {
        using var disk = new SmallDisk(1);
        await using var bench = await Workbench.CreateAsync(servers);
        bench.WriteJob(Workbench.FirstAndLast);
        await using (var gate = await Gate.CloseAsync(bench))
        {
            await using var run = MillraceProcess.Start(["run", bench.Job, "--json", "--state", disk["state"]], bench.Begin());
            await Gate.WaitersAsync(bench, 2);
            disk.Fill();
            await gate.DisposeAsync();
            var exit = (await run.WaitAsync()).Expect(5);
            Assert.Contains("disk is full", exit.Stdout, StringComparison.Ordinal);
        }

        Assert.False(Directory.Exists(bench.Table));
        disk.Free();
        (await MillraceProcess.RunAsync(["resume", "--json", "--state", disk["state"]], bench.Begin())).Expect(0);
        Assert.Equal(await bench.SourceAsync(), await bench.PublishedAsync());
    }

    [Fact]
    public async Task A_disk_that_refuses_writes_is_said_so_with_its_path()
    {
        using var disk = new SmallDisk(1);
        await using var bench = await Workbench.CreateAsync(servers);
        disk.Protect();
        var exit = (await MillraceProcess.RunAsync(["run", bench.Job, "--set", $"target={disk["lake"]}"], bench.Begin())).Expect(3);
        Assert.Contains(disk["lake"], exit.Stderr, StringComparison.Ordinal);
        exit = (await MillraceProcess.RunAsync(["run", bench.Job, "--state", disk["state"]], bench.Begin())).Expect(3);
        Assert.Contains(disk["state"], exit.Stderr, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_where_a_folder_should_be_is_refused_and_stays()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        var file = bench.Write("taken", "not a folder");
        var exit = (await MillraceProcess.RunAsync(["run", bench.Job, "--set", $"target={file}"], bench.Begin())).Expect(3);
        Assert.Contains(file, exit.Stderr, StringComparison.Ordinal);
        exit = (await MillraceProcess.RunAsync(["run", bench.Job, "--state", file], bench.Begin())).Expect(3);
        Assert.Contains(file, exit.Stderr, StringComparison.Ordinal);
        exit = (await MillraceProcess.RunAsync(["run", bench[""]], bench.Begin())).Expect(2);
        Assert.Contains(bench[""], exit.Stderr, StringComparison.Ordinal);
        Assert.Equal("not a folder", await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
    }
}
