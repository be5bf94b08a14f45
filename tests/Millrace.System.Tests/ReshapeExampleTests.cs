using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.SystemTests.Moves;
using Millrace.Testing;
using Npgsql;

namespace Millrace.SystemTests;

/// <summary>
/// The examples that reshape: their own generators make the rows, their job files run unchanged in an empty folder, and Python with its own
/// DuckDB computes the result another way.
/// </summary>
public sealed class ReshapeExampleTests(PgServers servers) : IDisposable
{
    private const string RunScript = "import runpy, sys; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')";

    /// <summary>Prints rows, rows that only one side has, moments, files, folders, pairs of category and score, rows at a bound.</summary>
    private const string CheckSilver =
        """
        import duckdb, glob, sys
        data, table = 'examples/silver-table/data/', 'lake/silver/**/*.parquet'
        wanted = f'''
            select image_name, captured_at, camera, content, severity::double as severity,
                   ['Low', 'Low-Medium', 'Medium', 'Medium-High', 'High', 'High'][floor(coalesce(severity, 0) * 5)::int + 1] as severity_category,
                   severity is not null and severity * 2 >= 1 as high_severity_flag,
                   (7 * (content is not null)::int + 3 * (severity is not null)::int) / 10 as data_quality_score,
                   captured_at::date as partition_date, extract(year from captured_at) as year, extract(month from captured_at) as month
            from read_csv('{data}bronze.csv') b
                 left join read_csv('{data}predictions.csv', types = {{'severity': 'decimal(4,3)'}}) p using (image_name)'''
        found = f'''
            select image_name, captured_at, camera, content, severity, severity_category, high_severity_flag,
                   data_quality_score::double as data_quality_score, partition_date, year, month from read_parquet('{table}', hive_partitioning = true)'''
        ask = lambda sql: duckdb.sql(sql).fetchone()[0]
        print(ask(f'select count(*) from ({found})'),
              ask(f'select count(*) from (({wanted}) except all ({found}))') + ask(f'select count(*) from (({found}) except all ({wanted}))'),
              ask(f"select count(distinct processed_timestamp) from '{table}'"),
              len(glob.glob(table, recursive=True)), ask(f'select count(distinct (year, month)) from ({wanted})'),
              ask(f'select count(distinct (severity_category, data_quality_score)) from ({found})'),
              ask(f'select count(*) from ({found}) where severity in (0.2, 0.4, 0.5, 0.6, 0.8)'))
        """;

    /// <summary>Prints records, records that are wrong, records without ids, and ids that the mapping lacks.</summary>
    private const string CheckRecords =
        """
        import collections, csv, duckdb, json, sys
        data, table = 'examples/mapping-table/data/', sys.argv[1]
        mapping = collections.defaultdict(list)
        for row in csv.DictReader(open(data + 'mapping.csv')):
            mapping[row['id']].append({'target': row['target'], 'score': float(row['score'])})
        for targets in mapping.values():
            targets.sort(key=lambda x: (x['target'], x['score']))
        wanted = {}
        for line in open(data + 'records.ndjson'):
            record = json.loads(line)
            wanted[record['record_id']] = (record['title'], [mapping.get(id) for id in record['ids']])
        found = duckdb.sql(f"select record_id, title, targets from 'lake/{table}/*.parquet'").fetchall()
        wrong = sum(wanted.pop(record, None) != (title, targets) for record, title, targets in found) + len(wanted)
        lists = [targets for _, _, targets in found]
        print(len(found), wrong, sum(x == [] for x in lists), sum(x is None for targets in lists for x in targets))
        """;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_silver_table_is_what_another_computation_gives()
    {
        await GenerateAsync("silver-table", 6_000);
        var finished = (await RunAsync("silver-table/job.yaml")).LastJson();

        Assert.Equal(6_000, finished.GetProperty("rows_written").GetInt64());
        Assert.Equal("6000 0 1 48 48 12 26", await CheckAsync(CheckSilver));
    }

    [Fact]
    public async Task Ids_are_replaced_by_their_mapping_without_a_database()
    {
        await GenerateAsync("mapping-table", 6_000);
        await RunAsync("mapping-table/job-shuffle.yaml");

        Assert.Equal("2000 0 400 244", await CheckAsync(CheckRecords, "enriched"));
    }

    [Fact]
    public async Task Ids_are_replaced_by_their_mapping_from_a_store()
    {
        var server = await servers.GetAsync();
        var database = await server.CreateDatabaseAsync();
        await using var store = NpgsqlDataSource.Create(server.ConnectionString(database));
        await GenerateAsync("mapping-table", 6_000);
        await using (var create = store.CreateCommand(CreateTable())) await create.ExecuteNonQueryAsync();
        await RunAsync("mapping-table/job-store.yaml", server.Url(database: database));
        await RunAsync("mapping-table/job-lookup.yaml", server.Url(database: database));

        Assert.Equal("2000 0 400 244", await CheckAsync(CheckRecords, "enriched_by_lookup"));
        await using var pairs = store.CreateCommand("SELECT sum(jsonb_array_length(targets)) FROM mapping");
        Assert.Equal(6_000L, await pairs.ExecuteScalarAsync());
        await using var keys = store.CreateCommand("SELECT count(*) FROM pg_index WHERE indrelid = 'mapping'::regclass AND indisprimary");
        Assert.Equal(1L, await keys.ExecuteScalarAsync());
    }

    /// <summary>The statement that the example's text tells a reader to run.</summary>
    private static string CreateTable()
    {
        var lines = File.ReadLines(Path.Combine(Testbed.Repository, "examples/mapping-table/README.md"));
        var line = lines.Single(static line => line.Contains("create table", StringComparison.Ordinal));
        return line[line.IndexOf("create table", StringComparison.Ordinal)..line.LastIndexOf('\'')];
    }

    private async Task GenerateAsync(string example, int rows)
    {
        var script = Path.Combine(Testbed.Repository, "examples", example, "generate.py");
        await Python.RunAsync(RunScript, script, "--rows", $"{rows}", "--to", _folder[$"examples/{example}/data"]);
    }

    /// <summary>Runs a job file as it is, in a folder where only the generated rows are.</summary>
    private async Task<MillraceExit> RunAsync(string job, string? url = null)
    {
        var start = new MillraceStart { Folder = _folder.Path, Environment = new Dictionary<string, string?> { ["MAPPING_URL"] = url } };
        return (await MillraceProcess.RunAsync(["run", Path.Combine(Testbed.Repository, "examples", job), "--json"], start)).Expect(0);
    }

    private Task<string> CheckAsync(string script, params string[] arguments) =>
        Python.RunAsync($"import os, sys; os.chdir(sys.argv.pop(1))\n{script}", [_folder.Path, .. arguments]);
}
