using Millrace.DuckDb;
using Millrace.Testing;

namespace Millrace.SystemTests;

/// <summary>A job of several stages over generated rows: a full join of two files, and its rows nested.</summary>
internal sealed class StageBench : IDisposable
{
    /// <summary>Rows of each file.</summary>
    public const int Rows = 240_000;

    /// <summary>Where everything is.</summary>
    public TempFolder Folder { get; } = new();

    public void Dispose() => Folder.Dispose();

    /// <summary>Writes both sources and the job.</summary>
    public void Write(string? shuffle = null)
    {
        using var database = DuckDbDatabase.Open();
        using var connection = database.Connect();
        connection.Execute($"COPY (SELECT (i * 7919) % 60000 AS k, i AS id, 'v' || i % 100 AS v FROM range({Rows}) AS t(i)) TO '{Folder["t.parquet"]}' (FORMAT parquet, ROW_GROUP_SIZE 20480)");
        connection.Execute($"COPY (SELECT (i * 104729) % {Rows} AS id, i % 1000 AS score FROM range({Rows}) AS t(i)) TO '{Folder["s.parquet"]}' (FORMAT parquet, ROW_GROUP_SIZE 20480)");
        WriteJob(
            """
            join: {with: '@/s.parquet', on: [id], how: full}
                  - nest: {by: [k], as: items}
                  - map: "select k, len(items) as n, items from input"
            """,
            shuffle is null ? "" : $"shuffle: {shuffle}");
    }

    /// <summary>Writes a job with other steps.</summary>
    public void WriteJob(string steps, string more = "") => File.WriteAllText(
        Folder["job.yaml"],
        $$"""
        source: @/t.parquet
        target: @/lake
        engine: local
        limits: {memory: 256MB, workers: 2}
        streams:
          t:
            partition: {rows: 40960}
            transform:
              - {{steps}}
        {{more}}
        """.Replace("@", Folder.Path, StringComparison.Ordinal));

    /// <summary>The job's result is that of DuckDB over the same sources.</summary>
    public void AssertResult() => AssertResult(
        $"SELECT k, count(*) AS n, list({{'id': id, 'v': v, 'score': score}} ORDER BY id) AS items FROM '{Folder["t.parquet"]}' JOIN '{Folder["s.parquet"]}' USING (id) GROUP BY k");

    /// <summary>The result is that of a query; a folder's column apart.</summary>
    public void AssertResult(string expected, string? folder = null)
    {
        using var database = DuckDbDatabase.Open();
        using var connection = database.Connect();
        var actual = $"SELECT *{(folder is null ? "" : $" EXCLUDE ({folder})")} FROM read_parquet('{Folder["lake/t"]}/**/*.parquet')";
        using var differences = connection.Query($"SELECT count(*) FROM ((({actual}) EXCEPT ALL ({expected})) UNION ALL (({expected}) EXCEPT ALL ({actual})))");
        Assert.True(differences.Read());
        Assert.Equal(0, differences.GetInt64(0));
    }
}
