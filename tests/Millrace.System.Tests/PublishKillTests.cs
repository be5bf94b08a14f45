using System.Globalization;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.SystemTests.Moves;

namespace Millrace.SystemTests;

/// <summary>
/// SIGKILL to the coordinator right around the one step that publishes a table: readers have the old table or the new one, and
/// <c>resume</c> ends with the new rows exactly once, without reading anything again.
/// </summary>
public sealed class PublishKillTests(PgServers servers)
{
    // Enough for both lanes: what counts here comes after the last one.
    private static readonly string[] s_fewUnits = ["--set", "streams.public.t.partition.rows=5000"];

    /// <summary>Where the coordinator is killed.</summary>
    public enum Moment
    {
        /// <summary>All is staged and marked, and the coordinator makes sure a last time that the run is its own: publishing comes next.</summary>
        BeforePublishing,

        /// <summary>The new table is live, and nothing has been made durable or tidied up since.</summary>
        AfterPublishing,

        /// <summary>The staging is gone, and the run directory is about to be told.</summary>
        BeforeNoting,
    }

    public static TheoryData<Moment> Moments => [.. Enum.GetValues<Moment>()];

    [Theory]
    [MemberData(nameof(Moments))]
    public async Task Overwriting(Moment moment)
    {
        await using var bench = await Workbench.CreateAsync(servers);
        (await bench.RunAsync("run", s_fewUnits)).Expect(0);
        var old = await bench.SourceAsync();
        await bench.FillAsync(2);
        var expected = await bench.SourceAsync();

        await KillAsync(bench, moment, "overwrite");
        Assert.Equal(moment == Moment.BeforePublishing ? old : expected, await bench.PublishedAsync());

        await ResumeAsync(bench, expected);
    }

    [Theory]
    [MemberData(nameof(Moments))]
    public async Task Appending(Moment moment)
    {
        await using var bench = await Workbench.CreateAsync(servers);
        (await bench.RunAsync("run", s_fewUnits)).Expect(0);
        var old = await bench.SourceAsync();
        var files = Files(bench);
        await bench.FillAsync(2);
        var expected = Sum(old, await bench.SourceAsync());

        await KillAsync(bench, moment, "append");
        Assert.Equal(moment == Moment.BeforePublishing ? old : expected, await bench.PublishedAsync());

        await ResumeAsync(bench, expected);
        Assert.Equal(files, Files(bench).Intersect(files));
    }

    [Theory]
    [InlineData(Moment.BeforePublishing)]
    [InlineData(Moment.AfterPublishing)]
    public async Task Loading_what_came_since(Moment moment)
    {
        await using var bench = await Workbench.CreateAsync(servers);
        string[] sets = [.. s_fewUnits, "--set", "streams.public.t.cursor=id", "--set", "streams.public.t.lag=1000"];
        (await bench.RunAsync("run", ["--mode", "incremental", .. sets])).Expect(0);
        var old = await bench.SourceAsync();
        await bench.ExecuteAsync("INSERT INTO t SELECT i, i FROM generate_series(20001, 26000) AS i");
        var expected = await bench.SourceAsync();

        await KillAsync(bench, moment, "incremental", sets);
        Assert.Equal(moment == Moment.BeforePublishing ? old : expected, await bench.PublishedAsync());

        await ResumeAsync(bench, expected, 7001);
    }

    [Theory]
    [InlineData(Moment.BeforePublishing)]
    [InlineData(Moment.AfterPublishing)]
    public async Task Cancelling_instead_of_resuming(Moment moment)
    {
        await using var bench = await Workbench.CreateAsync(servers);
        (await bench.RunAsync("run", s_fewUnits)).Expect(0);
        var old = await bench.SourceAsync();
        await bench.FillAsync(2);
        var published = moment == Moment.BeforePublishing ? old : Sum(old, await bench.SourceAsync());

        await KillAsync(bench, moment, "append");
        var run = Path.GetFileName(bench.RunFolder);
        (await bench.RunAsync("cancel", run)).Expect(0);
        Assert.Equal(published, await bench.PublishedAsync());
        bench.AssertNothingLeft();

        // Whoever resumes it after all gets the rows once.
        (await bench.RunAsync("resume", run)).Expect(0);
        Assert.Equal(Sum(old, await bench.SourceAsync()), await bench.PublishedAsync());
        bench.AssertNothingLeft();
    }

    [Theory]
    [MemberData(nameof(Moments))]
    public async Task One_file(Moment moment)
    {
        await using var bench = await Workbench.CreateAsync(servers);
        var file = bench["lake/t/t.parquet"];
        string[] arguments = ["run", "--from", "${PG_URL}", "--to", file, "--stream", "public.t", "--state", bench.State];
        (await MillraceProcess.RunAsync(arguments, bench.Begin())).Expect(0);
        var old = await bench.SourceAsync();
        await bench.FillAsync(2);
        var expected = await bench.SourceAsync();

        await KillAsync(bench, Opening(moment, file, bench["lake/t/.t.parquet.millrace"], "commit.json"), () => MillraceProcess.Start(arguments, bench.Begin()));
        Assert.Equal(moment == Moment.BeforePublishing ? old : expected, await bench.PublishedAsync());

        await ResumeAsync(bench, expected);
    }

    /// <summary>Runs into the table until the moment, and kills the coordinator there.</summary>
    private static Task KillAsync(Workbench bench, Moment moment, string mode, params string[] sets)
    {
        const string marker = "_millrace.json";
        var opening = Opening(moment, Path.Combine(bench.Table, marker), bench[".lake.millrace"], marker);
        return KillAsync(bench, opening, () => bench.Start("run", ["--mode", mode, .. sets.Length == 0 ? s_fewUnits : sets]));
    }

    /// <summary>The workers have nothing to do at that moment, and have to notice.</summary>
    private static async Task KillAsync(Workbench bench, Func<string, bool> opening, Func<MillraceProcess> start)
    {
        using var door = new Doorstep(bench[""].TrimEnd('/'), opening);
        await using var run = start();
        await door.HeldAsync(run);
        run.KillCoordinator();
        door.Release();
        (await run.WaitAsync()).Expect(137);
        await Eventually.TrueAsync("the workers are gone", () => run.Workers().Count == 0);
        Assert.False(File.Exists(Path.Combine(bench.RunFolder, "streams", "public.t", "commit.json")), "the run directory knows of a commit already");
    }

    /// <summary>The opening of a file or folder that comes at that moment and never before.</summary>
    /// <param name="moment">The moment.</param>
    /// <param name="visible">A file that publishing replaces; there is one already.</param>
    /// <param name="staging">The folder that all staging lies in.</param>
    /// <param name="mark">The last file that is written there, and whose folder is flushed, before publishing.</param>
    private static Func<string, bool> Opening(Moment moment, string visible, string staging, string mark)
    {
        var file = new FileInfo(visible);
        var before = file.LastWriteTimeUtc;
        var ready = false;
        return path =>
        {
            ready |= path.StartsWith(staging, StringComparison.Ordinal) && File.Exists(Path.Combine(path, mark));
            file.Refresh();
            return moment switch
            {
                Moment.BeforePublishing => ready && path.EndsWith("/epochs", StringComparison.Ordinal),
                Moment.AfterPublishing => file.LastWriteTimeUtc != before && IsAbove(path, visible),
                _ => path.Contains("/streams/public.t/.commit.json.", StringComparison.Ordinal),
            };
        };
    }

    /// <summary>The folder of what was replaced is flushed next: of the file, or of the folder that the file is in.</summary>
    private static bool IsAbove(string folder, string file) => folder == Path.GetDirectoryName(file) || folder == Path.GetDirectoryName(Path.GetDirectoryName(file));

    /// <summary>Resumes to the end; the source has other rows by now, and must not be asked for them.</summary>
    private static async Task ResumeAsync(Workbench bench, string expected, int rows = Workbench.Rows)
    {
        await bench.FillAsync(3);
        var run = Path.GetFileName(bench.RunFolder);
        var finished = (await bench.RunAsync("resume")).Expect(0).LastJson();
        Assert.Equal(("succeeded", rows), (finished.GetProperty("status").GetString(), finished.GetProperty("rows_written").GetInt32()));
        Assert.Equal(expected, await bench.PublishedAsync());
        bench.AssertNothingLeft();

        // Once more there is nothing to do, asked for by its name or not.
        var files = Files(bench);
        (await bench.RunAsync("resume", run)).Expect(0);
        (await bench.RunAsync("resume")).Expect(2);
        Assert.Equal(files, Files(bench));
        bench.AssertNothingLeft();
    }

    /// <summary>The table's files by name, with size and time: what is written anew differs.</summary>
    private static List<string> Files(Workbench bench) =>
    [
        .. new DirectoryInfo(bench.Table).EnumerateFiles("*.parquet").Select(static file => $"{file.Name} {file.Length} {file.LastWriteTimeUtc:O}").Order(StringComparer.Ordinal),
    ];

    private static string Sum(string one, string other) =>
        string.Join(' ', one.Split(' ').Zip(other.Split(' '), static (a, b) => (long.Parse(a, CultureInfo.InvariantCulture) + long.Parse(b, CultureInfo.InvariantCulture)).ToString(CultureInfo.InvariantCulture)));
}
