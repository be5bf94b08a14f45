using Millrace.Connectors.Files.Source;
using Millrace.Connectors.Files.Target;
using Millrace.Connectors.Postgres;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.Transform;
using Npgsql;

namespace Millrace.Connectors.Tests.Transform;

/// <summary>Joins of a table in PostgreSQL with a table or a file that has no rows, on either side, at once and by buckets.</summary>
public sealed class EmptySideTests(PgServers servers) : IDisposable
{
    private const string Sql = "SELECT i::int8 AS id, (i % 7)::int4 AS k, 'v' || i AS v FROM ";

    private readonly TransformBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("left", false)]
    [InlineData("inner", false)]
    [InlineData("full", false)]
    [InlineData("anti", false)]
    [InlineData("left", true)]
    [InlineData("inner", true)]
    [InlineData("full", true)]
    [InlineData("anti", true)]
    public async Task A_side_without_rows_is_joined_as_any_other(string how, bool byBuckets)
    {
        await BeginAsync(byBuckets);
        var right = how switch
        {
            "inner" => "SELECT *, NULL::VARCHAR AS name FROM '@/t.parquet' WHERE false",
            "anti" => "SELECT * FROM '@/t.parquet'",
            _ => "SELECT *, NULL::VARCHAR AS name FROM '@/t.parquet'",
        };
        await AssertAsync("${file:@/pg}", "public.t", "public.none", how, right, "public.none: {}");
        await AssertAsync("${file:@/pg}", "public.t", "'${file:@/pg}', stream: public.none", how, right);
        await AssertAsync("${file:@/pg}", "public.t", "'@/none.parquet'", how, right);
        await AssertAsync("${file:@/pg}", "public.t", "'@/none.csv'", how, right);

        var left = how switch
        {
            "full" => "SELECT v, NULL::VARCHAR AS name, id, k FROM '@/t.parquet'",
            "anti" => "SELECT v, v AS name FROM '@/t.parquet' WHERE false",
            _ => "SELECT v, v AS name, id, k FROM '@/t.parquet' WHERE false",
        };
        await AssertAsync("${file:@/pg}", "public.none", "public.t", how, left, "public.t: {}");
        await AssertAsync("${file:@/pg}", "public.none", "'@/t.parquet'", how, left);
        await AssertAsync("@/none.parquet", "none.parquet", "'${file:@/pg}', stream: public.t", how, left);
        await AssertAsync("@/none.csv", "none.csv", "'${file:@/pg}', stream: public.t", how, left);
    }

    /// <summary>The table t, and one without rows, in a database and in files.</summary>
    private async Task BeginAsync(bool byBuckets)
    {
        var server = await servers.GetAsync();
        var database = await server.CreateDatabaseAsync();
        await using var client = NpgsqlDataSource.Create(server.ConnectionString(database));
        await using var command = client.CreateCommand($"CREATE TABLE t AS {Sql} generate_series(0, 2999) i; CREATE TABLE none (v text, name text); ANALYZE");
        await command.ExecuteNonQueryAsync();
        await File.WriteAllTextAsync(_bench.Folder["pg"], server.Url(database: database));
        _bench.Write("t.parquet", $"{Sql} range(3000) AS r(i)");
        _bench.Write("none.parquet", "SELECT '' AS v, '' AS name WHERE false");
        await File.WriteAllTextAsync(_bench.Folder["none.csv"], "v,name\n");
        if (byBuckets) _bench.Bounds = new StageBounds { WholeRowsMax = -1, SideBytesMax = -1 };
        _bench.Adjust = static options => options with
        {
            Connectors = new KnownConnectors([new PostgresConnector(), new FilesSourceConnector()], [new FileTargetConnector()]),
        };
    }

    private async Task AssertAsync(string source, string stream, string with, string how, string expected, string more = "")
    {
        if (Directory.Exists(_bench.Folder["out"])) Directory.Delete(_bench.Folder["out"], recursive: true);
        await _bench.RunAsync($$"""
            source: "{{source}}"
            target: "@/out"
            limits: {workers: 2}
            engine: inproc
            streams:
              {{stream}}:
                to: joined
                partition: {rows: 500}
                transform:
                  - join: {with: {{with}}, on: [v], how: {{how}}}
              {{more}}
            """);
        _bench.AssertRows("out/joined", expected);
    }
}
