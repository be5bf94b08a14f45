using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.DuckDb;

namespace Millrace.Connectors.Tests.Postgres.Target;

/// <summary>Incremental loads from PostgreSQL into folders of files, on the whole data path.</summary>
public sealed class IncrementalIntoFilesTests(PgServers servers)
{
    private const string Incremental = "streams.public.t.mode=incremental";

    private const string Cursor = "streams.public.t.cursor=at";

    [Fact]
    public async Task Conditions_new_names_and_readback_go_with_it_and_the_plan_says_what_happens()
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        bench.Lake = bench.Folder["lake"];
        string[] sets =
        [
            Incremental, Cursor, "streams.public.t.lag=5m", "streams.public.t.where='id > 0 -- ones'", "streams.public.t.rename={at: \"changed at\"}",
            "streams.public.t.proof=readback", "streams.public.t.write.partition_by=[id]", "format=csv",
        ];
        await bench.SourceAsync("CREATE TABLE t (id int, at timestamptz); INSERT INTO t VALUES (0, '2025-01-01 12:00Z'), (1, '2024-01-01 12:00Z'), (1, '2024-01-01 11:56Z'), (2, '2024-01-01 11:00Z')");

        Assert.Equal(3, (await bench.MoveAsync(sets)).RowsWritten);
        Assert.Contains("the first load: every row is read", bench.Remarks);
        Assert.Contains("rows at changed at = 2024-01-01 11:55:00+00 or after go to files of their own, which the next load replaces", bench.Remarks);

        await bench.SourceAsync("INSERT INTO t VALUES (3, '2024-01-01 12:01Z'), (1, '2024-01-01 11:55Z')");
        Assert.Equal(4, (await bench.MoveAsync(sets)).RowsWritten);
        Assert.Contains("rows from at = 2024-01-01 11:55:00+00 on are read (loaded up to 2024-01-01 12:00:00+00)", bench.Remarks);
        Assert.Contains(
            "the files with rows at changed at = 2024-01-01 11:55:00+00 or after are replaced; rows at changed at = 2024-01-01 11:56:00+00 or after go to files of their own, which the next load replaces",
            bench.Remarks);
        Assert.Equal("1 11:55, 1 11:56, 1 12:00, 2 11:00, 3 12:01", Ask($"SELECT string_agg(id || ' ' || strftime(\"changed at\"::TIMESTAMP, '%H:%M'), ', ' ORDER BY id, \"changed at\") FROM read_csv('{bench.Lake}/t/**/*.csv', hive_partitioning = true)"));
    }

    [Theory]
    [InlineData("found a key with mode: incremental, and rows in files can't be found by a key", Cursor, "streams.public.t.key=[id]")]
    [InlineData("found the cursor 'v' of type VARCHAR", "streams.public.t.cursor=v")]
    [InlineData("found 'w', which is no column of the stream", "streams.public.t.cursor=w")]
    [InlineData("found lag: 5m, which can't be taken from a cursor of type integer", Cursor, "streams.public.t.lag=5m")]
    [InlineData("found mode: merge, which targets that are files do not have", "streams.public.t.mode=merge", Cursor, "streams.public.t.key=[id]")]
    public async Task What_can_not_be_kept_is_refused_before_anything_is_read(string message, params string[] sets)
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        bench.Lake = bench.Folder["lake"];
        await bench.SourceAsync("CREATE TABLE t (id int, at int, v text); INSERT INTO t VALUES (1, 1, 'a')");

        var fault = Assert.Single((await bench.TryMoveAsync([Incremental, .. sets])).Faults);

        Assert.Equal((message, 2), (fault.Message, fault.ExitCode));
        Assert.False(Directory.Exists(bench.Lake));
    }

    private static string Ask(string sql)
    {
        using var database = DuckDbDatabase.Open(new Dictionary<string, string> { ["threads"] = "1" });
        using var connection = database.Connect();
        connection.Execute("SET TimeZone = 'UTC'");
        using var result = connection.Query(sql);
        return result.Read() ? result.GetText(0)! : "";
    }
}
