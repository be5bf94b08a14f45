using System.Text.Json;
using System.Text.RegularExpressions;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.SystemTests.Moves;
using Millrace.Testing;

namespace Millrace.SystemTests;

/// <summary>
/// The proof of real runs: one table has one hash however it is cut and whatever it is written as, what is written reads back to it, and a
/// result that says something else keeps the table from being published.
/// </summary>
public sealed class ProofTests(PgServers servers)
{
    private const string Table =
        """
        CREATE TABLE every AS SELECT i AS id, i::smallint AS small, i * 0.5::float8 AS half, (i / 7.0)::real AS single, (i * 1.01)::numeric(12,2) AS amount,
            i::numeric(38,0) * 10000000000000000000 AS huge, i % 2 = 0 AS even, 'epoch'::timestamptz + i * interval '1 hour 1 us' AS at,
            'epoch'::timestamp + i * interval '1 day' AS plain, date '2000-01-01' + i AS day, time '00:00' + i * interval '1 s' AS clock, md5(i::text)::uuid AS uuid,
            CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN E'a "b", c\r\nd;\\e ü' || i ELSE repeat('long ', 20) || i END AS words,
            CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE 'p/ ü' END AS part
        FROM generate_series(1, 6000) AS i
        """;

    [Fact]
    public async Task One_table_has_one_hash_in_every_format_and_cut_and_reads_back()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        await bench.ExecuteAsync(Table);
        string[][] ways =
        [
            ["format=parquet"], ["format=csv"], ["format=ndjson"], ["format=parquet", "write.partition_by=[part, even]"],
            ["format=csv", "write.partition_by=[part]", "write.codec=zstd"], ["format=ndjson", "write.max_rows_per_file=700", "write.codec=gzip"],
            ["format=parquet", "write.max_file_bytes=64kB", "partition.rows=500"],
        ];
        var hashes = new List<string>();
        for (var i = 0; i < ways.Length; i++)
        {
            string[] sets = [.. ways[i].Append("proof=readback").SelectMany(set => (string[])["--set", set.StartsWith("format", StringComparison.Ordinal) ? set : $"streams.public.every.{set}"])];
            var exit = await MillraceProcess.RunAsync(
                ["run", "--from", "${PG_URL}", "--to", bench[$"lake{i}"], "--stream", "public.every", "--state", bench.State, "--json", .. sets], bench.Begin());
            var events = Workbench.Events(exit.Expect(0));
            hashes.Add(exit.LastJson().GetProperty("hashes").GetProperty("public.every").GetString()!);
            Assert.Equal(hashes[^1], Assert.Single(events, Is("committed")).GetProperty("hash").GetString());
        }

        Assert.StartsWith("h1:6000:", Assert.Single(hashes.Distinct(StringComparer.Ordinal)), StringComparison.Ordinal);

        // And what was published gives it again when it is read as a source; the line of `show` has it too.
        var again = await MillraceProcess.RunAsync(["run", "--from", bench["lake0/every"], "--to", bench["again"], "--state", bench.State, "--json"], bench.Begin());
        Assert.Equal(hashes[0], again.Expect(0).LastJson().GetProperty("hashes").GetProperty("every").GetString());
        var show = await MillraceProcess.RunAsync(["show", Path.GetFileName(bench.RunFolder), "--state", bench.State], bench.Begin());
        Assert.Contains(hashes[0], show.Expect(0).Stdout, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Columns_that_do_not_read_back_are_said_in_the_plan_and_left_out()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        await bench.ExecuteAsync("CREATE TABLE deep AS SELECT i AS id, ARRAY[i, NULL] AS list, E'{\"a\":\n1.0}'::json AS json, ARRAY[i * 0.1::numeric(38,2)] AS amounts FROM generate_series(1, 100) AS i");
        string[] arguments = ["run", "--from", "${PG_URL}", "--to", bench["lake"], "--stream", "public.deep", "--state", bench.State, "--json", "--set", "streams.public.deep.proof=readback"];
        var exit = await MillraceProcess.RunAsync([.. arguments, "--set", "format=ndjson"], bench.Begin());
        var remark = Assert.Single(Assert.Single(Workbench.Events(exit.Expect(0)), Is("planned")).GetProperty("remarks").EnumerateArray());
        Assert.Equal("readback compares the other columns only; these would not come back as they were written: list, amounts", remark.GetString());

        // Parquet holds them all.
        exit = await MillraceProcess.RunAsync([.. arguments, "--set", "format=parquet"], bench.Begin());
        Assert.Empty(Assert.Single(Workbench.Events(exit.Expect(0)), Is("planned")).GetProperty("remarks").EnumerateArray());
    }

    [Theory]
    [InlineData("csv", "id >= 1000 and v % 2 = 0", 4_500)]
    [InlineData("parquet", "id < 5000", 5_000)]
    [InlineData("ndjson", "v is null", 0)]
    public async Task Rows_of_files_that_a_condition_leaves_out_do_not_count(string format, string where, int rows)
    {
        using var folder = new TempFolder();
        folder.Write("in.csv", "id,v\n" + string.Concat(Enumerable.Range(0, 10_000).Select(static i => $"{i},{i * 3}\n")));
        string[] state = ["--state", folder["state"]];
        (await MillraceProcess.RunAsync(["run", "--from", folder["in.csv"], "--to", folder["as"], "--quiet", "--set", $"format={format}", .. state])).Expect(0);
        foreach (var proof in (string[])["hash", "readback"])
        {
            string[] job = ["--from", folder[$"as/in/*.{format}"], "--to", folder["lake"], "--stream", "x", "--set", $"streams.x.where={where}", "--set", $"streams.x.proof={proof}"];
            var exit = (await MillraceProcess.RunAsync(["run", .. job, "--json", .. state])).Expect(0);
            Assert.StartsWith($"h1:{rows}:", exit.LastJson().GetProperty("hashes").GetProperty("x").GetString(), StringComparison.Ordinal);
        }

        (await MillraceProcess.RunAsync(["verify", .. state])).Expect(0);
    }

    [Fact]
    public async Task With_counts_nothing_is_hashed()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        bench.WriteJob(extra: "    proof: counts");
        var exit = (await bench.RunAsync()).Expect(0);
        Assert.Empty(exit.LastJson().GetProperty("hashes").EnumerateObject());
        Assert.Equal(await bench.SourceAsync(), await bench.PublishedAsync());
    }

    [Theory]
    [InlineData("hash_out", "was written: nothing was published")]
    [InlineData("hash_in", "was written: nothing was published")]
    public async Task A_result_with_another_hash_keeps_the_table_from_being_published(string key, string said)
    {
        await using var bench = await Workbench.CreateAsync(servers);
        bench.WriteJob("19000", "    consistency: unit");
        await using (var gate = await Gate.CloseAsync(bench))
        {
            await using var run = bench.Start("run");
            await Gate.WaitersAsync(bench, 1);
            await Eventually.TrueAsync("a unit has its result", () => Task.FromResult(bench.Results > 0));
            run.KillGroup();
            await gate.DisposeAsync();
        }

        var path = Directory.EnumerateFiles(bench.RunFolder, "0*.json", SearchOption.AllDirectories).First(static path => path.Contains("/results/", StringComparison.Ordinal));
        var result = await File.ReadAllTextAsync(path);
        var changed = Regex.Replace(result, $"(\"{key}\":\"h1:[0-9]+:)(.)", static found => found.Groups[1].Value + (found.Groups[2].Value == "0" ? "1" : "0"));
        Assert.NotEqual(result, changed);
        await File.WriteAllTextAsync(path, changed);

        var exit = (await bench.RunAsync("resume")).Expect(4);
        Assert.Contains(said, exit.Stdout, StringComparison.Ordinal);
        Assert.False(Directory.Exists(bench.Table), "nothing was published");
    }

    private static Predicate<JsonElement> Is(string happened) => line => line.GetProperty("event").GetString() == happened;
}
