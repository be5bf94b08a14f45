using System.Text.Json;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.SystemTests.Moves;

namespace Millrace.SystemTests;

/// <summary>
/// <c>verify</c> with the real program: what is equal is said to be equal, and what somebody has changed on either side since the run is
/// found and named, by its key, its unit or its file.
/// </summary>
public sealed class VerifyTests(PgServers servers)
{
    [Fact]
    public async Task An_untouched_run_is_equal_also_when_rows_have_moved_in_the_source()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        (await bench.RunAsync()).Expect(0);
        var verdict = Verdict((await bench.RunAsync("verify")).Expect(0));
        Assert.True(verdict.GetProperty("equal").GetBoolean());
        Assert.Equal(Workbench.Rows, verdict.GetProperty("rows_in_source").GetInt64());
        Assert.Equal(Workbench.Rows, verdict.GetProperty("rows_in_target").GetInt64());
        Assert.Equal(verdict.GetProperty("hash_source").GetString(), verdict.GetProperty("hash_target").GetString());
        Assert.True(verdict.GetProperty("units").GetInt64() > 10);

        // The same values in other pages: other units have them, and the table is the same.
        await bench.ExecuteAsync("UPDATE t SET v = v WHERE id % 10 = 0");
        Assert.True(Verdict((await bench.RunAsync("verify")).Expect(0)).GetProperty("equal").GetBoolean());
        bench.AssertNothingLeft();
        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(bench.RunFolder), static path => path.Contains("verify", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Rows_that_the_source_has_changed_lost_and_gained_are_named()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        (await bench.RunAsync()).Expect(0);
        await bench.ExecuteAsync("UPDATE t SET v = v + 1 WHERE id = 777; UPDATE t SET note = NULL, v = -1 WHERE id = 19998; DELETE FROM t WHERE id IN (3, 4); INSERT INTO t VALUES (20001, 1, 'new')");
        var exit = (await bench.RunAsync("verify")).Expect(4);
        var verdict = Verdict(exit);
        Assert.Equal(["id"], Texts(verdict, "key"));
        Assert.Equal(
            ["3: 0/1 ", "4: 0/1 ", "777: 1/1 v", "19998: 1/1 v,note", "20001: 1/0 "],
            Keys(verdict));
        Assert.Equal((1, 2, 2), (verdict.GetProperty("only_in_source").GetInt64(), verdict.GetProperty("only_in_target").GetInt64(), verdict.GetProperty("different").GetInt64()));
        Assert.All(verdict.GetProperty("changes").EnumerateArray(), static change => Assert.Equal("source", change.GetProperty("side").GetString()));
        Assert.Equal("failed", exit.LastJson().GetProperty("status").GetString());
        Assert.DoesNotContain(bench.Server.Url(), exit.Stdout + exit.Stderr, StringComparison.Ordinal);

        // For people: the unit whose rows are fewer, and the keys; quiet says one error and nothing else.
        var told = (await MillraceProcess.RunAsync(["verify", "--state", bench.State], bench.Begin())).Expect(4);
        Assert.Contains("source changed since the run: unit 0, pages 0-", told.Stdout, StringComparison.Ordinal);
        Assert.Contains("\n    id = 777: differs in v\n", told.Stdout, StringComparison.Ordinal);
        Assert.Contains("\n    id = 20001: only in the source\n", told.Stdout, StringComparison.Ordinal);
        var quiet = (await MillraceProcess.RunAsync(["verify", "--quiet", "--state", bench.State], bench.Begin())).Expect(4);
        Assert.Empty(quiet.Stdout);
        Assert.StartsWith("error: public.t: source and target differ: 1 key only in the source, 2 keys only in the target, 2 keys with other values", quiet.Stderr, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_missing_damaged_or_has_other_rows_is_named()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        (await bench.RunAsync()).Expect(0);
        var files = Directory.GetFiles(bench.Table, "*.parquet").Order(StringComparer.Ordinal).ToArray();
        await Python.RunAsync(ChangeRows, files[3], "swap");
        await Python.RunAsync(ChangeRows, files[4], "double");
        File.Delete(files[5]);
        var bytes = await File.ReadAllBytesAsync(files[6]);
        bytes.AsSpan(bytes.Length / 3, 64).Fill(0xA5);
        await File.WriteAllBytesAsync(files[6], bytes);
        File.Copy(files[7], Path.Combine(bench.Table, "copy.parquet"));

        var verdict = Verdict((await bench.RunAsync("verify")).Expect(4));
        var changes = verdict.GetProperty("changes").EnumerateArray().ToDictionary(
            static change => Path.GetFileName(change.GetProperty("where").GetString())!, static change => change.GetProperty("side").GetString() + ": " + change.GetProperty("message").GetString());
        Assert.Equal(5, changes.Count);
        Assert.Matches(@"^target: the same number of rows \(\d+\), other values$", changes[Path.GetFileName(files[3])]);
        Assert.Matches(@"^target: rows \d+ → \d+$", changes[Path.GetFileName(files[4])]);
        Assert.Equal("target: is missing", changes[Path.GetFileName(files[5])]);
        Assert.StartsWith("target: ", changes[Path.GetFileName(files[6])], StringComparison.Ordinal);
        Assert.Contains("not written by the run", changes["copy.parquet"], StringComparison.Ordinal);
        var keys = Keys(verdict);
        Assert.Equal(100, keys.Count);
        Assert.Contains(keys, static key => key.EndsWith(": 1/1 v", StringComparison.Ordinal));
        Assert.Equal(2, keys.Count(static key => key.EndsWith(": 1/2 ", StringComparison.Ordinal)));
        Assert.True(verdict.GetProperty("only_in_source").GetInt64() > 300);
        Assert.Equal(0, verdict.GetProperty("only_in_target").GetInt64());
    }

    [Theory]
    [InlineData("parquet")]
    [InlineData("csv")]
    [InlineData("ndjson")]
    public async Task Null_and_empty_text_and_parts_of_a_key_are_told_apart_in_every_format(string format)
    {
        await using var bench = await Workbench.CreateAsync(servers);
        await bench.ExecuteAsync(
            """
            CREATE TABLE pair (day date, shop text, amount numeric(12,2), words text, at timestamptz, part text, PRIMARY KEY (shop, day));
            INSERT INTO pair SELECT date '2020-01-01' + i, 'shop ' || i % 7, i * 1.01, CASE i % 3 WHEN 0 THEN '' WHEN 1 THEN NULL ELSE 'ü, "x"' END, 'epoch'::timestamptz + i * interval '1 day', i % 2 FROM generate_series(0, 999) AS i
            """);
        string[] more = format == "csv" ? ["--set", "streams.public.pair.write.partition_by=[part]"] : [];
        (await MillraceProcess.RunAsync(["run", "--from", "${PG_URL}", "--to", bench.Lake, "--stream", "public.pair", "--state", bench.State, "--set", $"format={format}", "--quiet", .. more], bench.Begin())).Expect(0);
        (await bench.RunAsync("verify")).Expect(0);
        await bench.ExecuteAsync("UPDATE pair SET words = NULL WHERE day = '2020-01-04'; UPDATE pair SET words = '' WHERE day = '2020-01-02'; UPDATE pair SET at = at + interval '1 us' WHERE day = '2020-02-01'; UPDATE pair SET shop = 'other' WHERE day = '2021-01-01'");
        var verdict = Verdict((await bench.RunAsync("verify")).Expect(4));
        Assert.Equal(["shop", "day"], Texts(verdict, "key"));
        Assert.Equal(
            ["other,2021-01-01: 1/0 ", "shop 1,2020-01-02: 1/1 words", "shop 2,2021-01-01: 0/1 ", "shop 3,2020-01-04: 1/1 words", "shop 3,2020-02-01: 1/1 at"],
            Keys(verdict));
    }

    [Fact]
    public async Task What_can_not_be_verified_is_said_to_be_so()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        Assert.Contains("has succeeded", (await bench.RunAsync("verify")).Expect(2).Stderr, StringComparison.Ordinal);

        // A run that has failed before it published anything.
        await using (var gate = await Gate.CloseAsync(bench))
        {
            await using var run = bench.Start("run");
            await Gate.WaitersAsync(bench, 1);
            run.KillGroup();
        }

        var unfinished = Path.GetFileName(bench.RunFolder);
        Assert.Contains($"run {unfinished} has published nothing", (await bench.RunAsync("verify", unfinished)).Expect(2).Stdout, StringComparison.Ordinal);

        // Published, appended to: still its own rows. Replaced: no more.
        (await bench.RunAsync("resume")).Expect(0);
        (await bench.RunAsync("verify", unfinished)).Expect(0);

        // A source that is out of reach: nothing is said about the rows.
        var nobody = new UriBuilder(bench.Url) { Port = 1 }.Uri.AbsoluteUri;
        var away = (await MillraceProcess.RunAsync(["verify", "--state", bench.State, "--json"], bench.Begin(nobody))).Expect(3);
        Assert.DoesNotContain("verified", away.Stdout, StringComparison.Ordinal);
        Secret.AssertHidden(away);
        (await bench.RunAsync("run", "--mode", "append")).Expect(0);
        (await bench.RunAsync("verify", unfinished)).Expect(0);
        (await bench.RunAsync("verify")).Expect(0);
        var later = (await bench.RunAsync()).Expect(0).LastJson().GetProperty("run").GetString();
        var replaced = (await bench.RunAsync("verify", unfinished)).Expect(3);
        Assert.Contains($"was replaced by run {later} at", replaced.Stdout, StringComparison.Ordinal);
        Assert.Contains("no column", (await bench.RunAsync("verify", "--key", "nothing")).Expect(2).Stdout, StringComparison.Ordinal);

        // Gone on either side, and a run directory that somebody has tidied up.
        var results = Directory.GetDirectories(Path.Combine(bench.State, "runs", later!), "results", SearchOption.AllDirectories).Single();
        Directory.Move(results, results + "-away");
        Assert.Contains("not complete", (await bench.RunAsync("verify")).Expect(3).Stdout, StringComparison.Ordinal);
        Directory.Move(results + "-away", results);
        Directory.Move(bench.Table, bench.Table + "-away");
        Assert.Contains("is gone", (await bench.RunAsync("verify")).Expect(3).Stdout, StringComparison.Ordinal);
        Directory.Move(bench.Table + "-away", bench.Table);
        await bench.ExecuteAsync("ALTER TABLE t RENAME TO u");
        (await bench.RunAsync("verify")).Expect(3);
        await bench.ExecuteAsync("ALTER TABLE u RENAME TO t; ALTER TABLE t ADD COLUMN more integer");
        Assert.Contains("columns have changed since the run", (await bench.RunAsync("verify")).Expect(4).Stdout, StringComparison.Ordinal);
        (await MillraceProcess.RunAsync(["runs", "prune", "--keep", "0", "--unfinished", "--state", bench.State], bench.Begin())).Expect(0);
        Assert.Contains("there is no run", (await bench.RunAsync("verify", unfinished)).Expect(2).Stderr, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_several_streams_those_that_differ_are_told_and_the_others_are_equal()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        await bench.ExecuteAsync("CREATE TABLE a AS SELECT i AS x, 'same' AS y FROM generate_series(1, 100) AS i; CREATE TABLE b AS TABLE a; CREATE TABLE c AS TABLE a");
        (await MillraceProcess.RunAsync(["run", "--from", "${PG_URL}", "--to", bench.Lake, "--stream", "public.a", "--stream", "public.b", "--stream", "public.c", "--state", bench.State, "--quiet"], bench.Begin())).Expect(0);

        // One of two equal rows is a difference too.
        await bench.ExecuteAsync("INSERT INTO b VALUES (7, 'same'); INSERT INTO b VALUES (7, 'same'); DELETE FROM b WHERE x = 9; DROP TABLE c");
        var exit = (await bench.RunAsync("verify")).Expect(1);
        var streams = Workbench.Events(exit).Where(static line => line.GetProperty("event").GetString() == "verified").ToDictionary(static line => line.GetProperty("stream").GetString()!);
        Assert.True(streams["public.a"].GetProperty("equal").GetBoolean());
        var b = streams["public.b"];
        Assert.Equal((2, 1), (b.GetProperty("only_in_source").GetInt64(), b.GetProperty("only_in_target").GetInt64()));
        Assert.Equal(["source: 2 rows", "source: 3 rows", "target: 1 row"], b.GetProperty("places").EnumerateArray()
            .Select(static place => $"{place.GetProperty("side").GetString()}: {place.GetProperty("message").GetString()!.Split(" that")[0]}").Order(StringComparer.Ordinal)
            .Where(static text => text != "source: 2 rows").Prepend("source: 2 rows"));
        Assert.Contains(Workbench.Events(exit), static line => line.GetProperty("event").GetString() == "failed" && line.GetProperty("stream").GetString() == "public.c");
        Assert.Equal(["7: 3/1 ", "9: 0/1 "], Keys(Verdict((await bench.RunAsync("verify", "--key", "x")).Expect(1), "public.b")));
    }

    private const string ChangeRows =
        """
        import sys
        import pyarrow, pyarrow.parquet as parquet
        path, what = sys.argv[1:]
        table = parquet.ParquetFile(path).read()
        if what == 'double': table = pyarrow.concat_tables([table, table.slice(0, 2)])
        else:
            v = table.column('v').to_pylist()
            v[0], v[1] = v[1], v[0]
            table = table.set_column(table.schema.get_field_index('v'), 'v', pyarrow.array(v, table.schema.field('v').type))
        parquet.write_table(table, path)
        """;

    private static JsonElement Verdict(MillraceExit exit, string? stream = null) => Assert.Single(
        Workbench.Events(exit), line => line.GetProperty("event").GetString() == "verified" && (stream is null || line.GetProperty("stream").GetString() == stream));

    private static IEnumerable<string?> Texts(JsonElement line, string name) => line.GetProperty(name).EnumerateArray().Select(static text => text.GetString());

    /// <summary>Each key as <c>parts: rows in the source/rows in the target columns</c>.</summary>
    private static List<string> Keys(JsonElement verdict) =>
    [
        .. verdict.GetProperty("keys").EnumerateArray().Select(static key =>
            $"{string.Join(',', Texts(key, "key"))}: {key.GetProperty("rows_in_source").GetInt64()}/{key.GetProperty("rows_in_target").GetInt64()} {string.Join(',', Texts(key, "columns"))}"),
    ];
}
