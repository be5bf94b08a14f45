using System.Text.Json;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.SystemTests.Moves;
using Millrace.Testing;

namespace Millrace.SystemTests;

/// <summary>Sources whose columns have changed since the last run into the same target: what goes on and is said, and what stops.</summary>
public sealed class SchemaTests(PgServers servers)
{
    [Theory]
    [InlineData("overwrite")]
    [InlineData("append")]
    public async Task New_columns_and_wider_types_go_on_and_are_said(string mode)
    {
        await using var bench = await Workbench.CreateAsync(servers);
        await bench.ExecuteAsync("CREATE TABLE s AS SELECT i::int4 AS id, 'x' || i AS v FROM generate_series(1, 100) AS i; ALTER TABLE s ALTER id SET NOT NULL");
        string[] job = ["--from", "${PG_URL}", "--to", bench.Lake, "--stream", "public.s", "--state", bench.State, "--mode", mode];
        Assert.Empty(Texts(Planned(await MillraceProcess.RunAsync(["run", .. job, "--json"], bench.Begin())), "schema_changes"));

        await bench.ExecuteAsync("ALTER TABLE s ALTER id TYPE bigint, ADD COLUMN note text; UPDATE s SET id = id + 5000000000, note = 'new'");
        string[] changes = ["'id' was INTEGER and is BIGINT", "'note' VARCHAR is new"];
        var said = string.Join("; ", changes);
        var plan = (await MillraceProcess.RunAsync(["plan", .. job], bench.Begin())).Expect(0);
        Assert.All(changes, change => Assert.Contains($"  change    {change}\n", plan.Stdout, StringComparison.Ordinal));
        Assert.Contains(said, (await MillraceProcess.RunAsync(["check", .. job], bench.Begin())).Expect(0).Stdout, StringComparison.Ordinal);

        // Frozen columns stop it, in all three verbs, and nothing is staged.
        foreach (var verb in (string[])["plan", "check", "run"])
        {
            var stopped = (await MillraceProcess.RunAsync([verb, .. job, "--schema", "freeze"], bench.Begin())).Expect(4);
            Assert.Contains(said, stopped.Stderr, StringComparison.Ordinal);
            Assert.Contains("schema: evolve", stopped.Stderr, StringComparison.Ordinal);
        }

        Assert.False(Directory.Exists(bench[".lake.millrace"]));
        var exit = await MillraceProcess.RunAsync(["run", .. job, "--json"], bench.Begin());
        Assert.Equal(changes, Texts(Planned(exit), "schema_changes"));
        Assert.Contains(Workbench.Events(exit), line => Is(line, "warning") && line.GetProperty("message").GetString() == $"public.s: the table's columns change: {said}");
        var show = (await MillraceProcess.RunAsync(["show", exit.LastJson().GetProperty("run").GetString()!, "--state", bench.State], bench.Begin())).Expect(0);
        Assert.Contains("change    public.s: 'note' VARCHAR is new\n", show.Stdout, StringComparison.Ordinal);

        // What is there is what was read: old rows keep their values, and a reader by name finds all.
        var rows = await Python.RunAsync(
            """
            import sys, glob, pyarrow as pa, pyarrow.parquet as pq
            tables = [pq.ParquetFile(path).read() for path in sorted(glob.glob(sys.argv[1] + '/*.parquet'))]
            all = pa.concat_tables(tables, promote_options='permissive')
            print(all.num_rows, sum(all['id'].to_pylist()), len([n for n in all['note'].to_pylist() if n == 'new']), all.schema.field('id').type)
            """,
            bench["lake/s"]);
        Assert.Equal(mode == "append" ? "200 500000010100 100 int64" : "100 500000005050 100 int64", rows);
        Assert.Empty(Texts(Planned(await MillraceProcess.RunAsync(["run", .. job, "--json"], bench.Begin())), "schema_changes"));
    }

    [Fact]
    public async Task Anything_else_stops_its_stream_alone_until_the_table_is_to_be_replaced()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        await bench.ExecuteAsync("CREATE TABLE a AS SELECT i AS id, 1.5::numeric(10,2) AS amount, 'x' AS note FROM generate_series(1, 10) AS i; CREATE TABLE b AS SELECT 1 AS id");
        string[] job = ["--from", "${PG_URL}", "--to", bench.Lake, "--stream", "public.a", "--stream", "public.b", "--state", bench.State];
        (await MillraceProcess.RunAsync(["run", .. job], bench.Begin())).Expect(0);
        var before = Files(bench["lake/a"]);

        await bench.ExecuteAsync("ALTER TABLE a ALTER amount TYPE text, DROP COLUMN note, ADD COLUMN must int NOT NULL DEFAULT 0; INSERT INTO b VALUES (2)");
        var stopped = (await MillraceProcess.RunAsync(["run", .. job, "--json"], bench.Begin())).Expect(4);
        var fault = Assert.Single(Workbench.Events(stopped), line => Is(line, "failed"));
        Assert.Equal("public.a", fault.GetProperty("stream").GetString());
        var run = JsonDocument.Parse(await File.ReadAllTextAsync(bench["lake/b/_millrace.json"])).RootElement.GetProperty("commits")[0].GetProperty("run").GetString();
        Assert.Equal(
            $"the columns are not those that run {run} has left in {bench["lake/a"]}: 'amount' was DECIMAL(10,2) and is VARCHAR; 'must' INTEGER NOT NULL is new; 'note' VARCHAR is gone",
            fault.GetProperty("message").GetString());
        Assert.StartsWith("Pin the type: types: {amount: \"DECIMAL(10,2)\"}; leave the new column out: columns: [\"*\", \"-must\"]; ", fault.GetProperty("advice").GetString(), StringComparison.Ordinal);
        Assert.Equal(before, Files(bench["lake/a"]));
        Assert.Equal(2, stopped.LastJson().GetProperty("rows_written").GetInt64());

        // Resuming it is no way round; what it says is.
        (await MillraceProcess.RunAsync(["resume", "--state", bench.State], bench.Begin())).Expect(4);
        (await MillraceProcess.RunAsync(["cancel", "--state", bench.State, Path.GetFileName(bench.RunFolder)], bench.Begin())).Expect(0);
        (await MillraceProcess.RunAsync(["run", .. job, "--mode", "append"], bench.Begin())).Expect(4);
        (await MillraceProcess.RunAsync(["run", .. job, "--schema", "replace", "--mode", "append"], bench.Begin())).Expect(2);
        (await MillraceProcess.RunAsync(["run", .. job, "--schema", "replace"], bench.Begin())).Expect(0);
        Assert.NotEqual(before, Files(bench["lake/a"]));
        (await MillraceProcess.RunAsync(["run", .. job, "--schema", "freeze"], bench.Begin())).Expect(0);
    }

    [Fact]
    public async Task A_single_file_is_known_by_the_runs_that_wrote_it()
    {
        using var folder = new TempFolder();
        folder.Write("in.csv", "id,v\n1,a\n2,b\n");
        string[] job = ["--from", folder["in.csv"], "--to", folder["out.parquet"], "--state", folder["state"]];
        (await MillraceProcess.RunAsync(["run", .. job])).Expect(0);
        folder.Write("in.csv", "id,v,w\n1,a,2024-01-01\n");
        var grown = (await MillraceProcess.RunAsync(["run", .. job, "--json"])).Expect(0);
        Assert.Equal(["'w' DATE is new"], Texts(Planned(grown), "schema_changes"));

        // Another name for the same file is the same file; a run directory that was damaged keeps nobody out.
        Directory.CreateSymbolicLink(folder["link"], folder.Path);
        var latest = Directory.GetDirectories(folder["state/runs"]).OrderBy(Directory.GetCreationTimeUtc).Last();
        File.WriteAllText(Path.Combine(latest, "job.json"), "{");
        folder.Write("in.csv", "id\nx\n");
        string[] other = ["--from", folder["in.csv"], "--to", folder["link/out.parquet"], "--state", folder["state"]];
        var stopped = (await MillraceProcess.RunAsync(["run", .. other])).Expect(4);
        Assert.Contains("'id' was BIGINT and is VARCHAR; 'v' VARCHAR is gone", stopped.Stderr, StringComparison.Ordinal);

        // A file that is gone, another file, another state folder: nothing to compare with.
        (await MillraceProcess.RunAsync(["run", "--from", folder["in.csv"], "--to", folder["new.parquet"], "--state", folder["state"]])).Expect(0);
        (await MillraceProcess.RunAsync(["check", .. job[..4], "--state", folder["other state"]])).Expect(0);
        File.Delete(folder["out.parquet"]);
        (await MillraceProcess.RunAsync(["run", .. job])).Expect(0);
        (await MillraceProcess.RunAsync(["run", "--from", folder["in.csv"], "--to", "-", "--state", folder["state"]])).Expect(0);
    }

    [Fact]
    public async Task Files_without_types_change_when_their_values_do_and_types_pin_them()
    {
        using var folder = new TempFolder();
        folder.Write("in/prices.csv", "price\n1\n2\n");
        string[] job = ["--from", folder["in/prices.csv"], "--to", folder["lake"], "--state", folder["state"], "--mode", "append"];
        (await MillraceProcess.RunAsync(["run", .. job, "--set", "streams.prices.types.price=decimal(9,2)"])).Expect(0);
        folder.Write("in/prices.csv", "price\n12.5\n");
        Assert.Contains("'price' was DECIMAL(9,2) and is DOUBLE", (await MillraceProcess.RunAsync(["run", .. job])).Expect(4).Stderr, StringComparison.Ordinal);
        (await MillraceProcess.RunAsync(["run", .. job, "--set", "streams.prices.types.price=decimal(9,2)"])).Expect(0);
    }

    private static JsonElement Planned(MillraceExit exit) => Assert.Single(Workbench.Events(exit.Expect(0)), line => Is(line, "planned"));

    private static string[] Texts(JsonElement line, string key) => [.. line.GetProperty(key).EnumerateArray().Select(static text => text.GetString()!)];

    private static string[] Files(string folder) => [.. Directory.GetFiles(folder).Order(StringComparer.Ordinal)];

    private static bool Is(JsonElement line, string happened) => line.GetProperty("event").GetString() == happened;
}
