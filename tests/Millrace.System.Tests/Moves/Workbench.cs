using System.Globalization;
using System.Text.Json;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.Testing;
using Npgsql;

namespace Millrace.SystemTests.Moves;

/// <summary>
/// A database of its own with a table <c>t</c>, a job that moves it to Parquet with worker processes in small units, and all that a test
/// looks at afterwards. The content of <c>t</c> is compared as "rows sum", where the sum is over a hash of each row.
/// </summary>
internal sealed class Workbench : IAsyncDisposable
{
    /// <summary>The rows of <c>t</c> after <see cref="FillAsync"/>.</summary>
    public const int Rows = 20_000;

    /// <summary>One of the first rows, so that one lane is held at once, and one of the last: between them results come in.</summary>
    public const string FirstAndLast = "20, 19000";

    private const string SourceDigest =
        "SELECT count(*) || ' ' || coalesce(sum(('x' || substr(md5(id || '|' || v || '|' || coalesce(note, '~')), 1, 8))::bit(32)::bigint), 0) FROM t";

    private const string LakeDigest =
        """
        import glob, hashlib, sys
        import pyarrow.parquet as parquet
        for table in sys.argv[1:]:
            rows = total = 0
            for path in glob.glob(glob.escape(table) + '/**/*.parquet', recursive=True):
                columns = parquet.ParquetFile(path).read().to_pydict()
                for id, v, note in zip(columns['id'], columns['v'], columns['note']):
                    rows += 1
                    total += int(hashlib.md5(f"{id}|{v}|{'~' if note is None else note}".encode()).hexdigest()[:8], 16)
            print(rows, total)
        """;

    private readonly TempFolder _folder = new();
    private readonly TempFolder _temporary = new();
    private readonly NpgsqlDataSource _source;

    private Workbench(PgServer server, string database)
    {
        Server = server;
        Database = database;
        _source = NpgsqlDataSource.Create(server.ConnectionString(database));
    }

    public PgServer Server { get; }

    public string Database { get; }

    /// <summary>What is started: the program, or <see cref="MillraceProcess.Launcher"/>.</summary>
    public string Program { get; set; } = MillraceProcess.Program;

    /// <summary>What a job file's <c>${TARGET_URL}</c> stands for; null: nothing.</summary>
    public string? TargetUrl { get; set; }

    /// <summary>The source with its password.</summary>
    public string Url => Server.Url(database: Database);

    /// <summary>The folder that the job's tables are below.</summary>
    public string Lake => _folder["lake"];

    /// <summary>The published table.</summary>
    public string Table => _folder["lake/t"];

    /// <summary>The state folder.</summary>
    public string State => _folder["state"];

    /// <summary>The job file.</summary>
    public string Job => _folder["job.yaml"];

    /// <summary>A path in the workbench's folder.</summary>
    public string this[string name] => _folder[name];

    /// <summary>The folder of the only run, or of the latest one.</summary>
    public string RunFolder => Directory.GetDirectories(_folder["state/runs"]).OrderBy(Directory.GetCreationTimeUtc).Last();

    /// <summary>Unit results of the latest run.</summary>
    public int Results => Directory.Exists(_folder["state/runs"])
        ? Directory.EnumerateFiles(RunFolder, "0*.json", SearchOption.AllDirectories).Count(static path => path.Contains("/results/", StringComparison.Ordinal))
        : 0;

    private string[] Verb(string verb, string[] more) => verb switch
    {
        "run" => ["run", Job, "--json", .. more],
        _ => [verb, "--state", State, "--json", .. more],
    };

    /// <summary>A database with an empty gate and the table <c>t</c>.</summary>
    public static async Task<Workbench> CreateAsync(PgServers servers) => await CreateAsync(await servers.GetAsync());

    /// <summary>The same on a server that is the caller's.</summary>
    public static async Task<Workbench> CreateAsync(PgServer server)
    {
        var bench = new Workbench(server, await server.CreateDatabaseAsync());
        await Gate.CreateAsync(bench);
        await bench.ExecuteAsync("CREATE TABLE t (id bigint PRIMARY KEY, v bigint NOT NULL, note text)");
        await bench.FillAsync(1);
        bench.WriteJob();
        return bench;
    }

    /// <summary>Makes the content of <c>t</c> anew; each version differs in every row.</summary>
    public Task FillAsync(int version) => ExecuteAsync(string.Create(
        CultureInfo.InvariantCulture,
        $"TRUNCATE t; INSERT INTO t SELECT i, i * {version}, CASE WHEN i % 7 > 0 THEN repeat('ü' || i, 20) END FROM generate_series(1, {Rows}) AS i; ANALYZE t"));

    /// <summary>Writes the job file; rows with an id in <paramref name="gated"/> wait at the gate.</summary>
    public void WriteJob(string gated = "1", string extra = "", string? target = null, string limits = "") => _folder.Write(
        "job.yaml",
        $$"""
        name: move
        source: ${PG_URL}
        target: {{target ?? Lake}}
        state: {{State}}
        engine: local
        limits: {workers: 2{{limits}}}
        streams:
          public.t:
            where: "{{Gate.Where($"id IN ({gated})")}}"
            partition: {by: pages, rows: 500}
        {{extra}}
        """);

    public string Write(string name, string text) => _folder.Write(name, text);

    /// <summary>Starts a verb of the program on this job.</summary>
    public MillraceProcess Start(string verb, params string[] more) => MillraceProcess.Start(Verb(verb, more), Begin());

    /// <summary>Runs a verb of the program on this job to its end.</summary>
    public Task<MillraceExit> RunAsync(string verb = "run", params string[] more) => MillraceProcess.RunAsync(Verb(verb, more), Begin());

    /// <summary>How the program is started: the address is in the environment, nowhere else. Its temporary folder is its own.</summary>
    public MillraceStart Begin(string? url = null) => new()
    {
        Program = Program,
        Folder = _folder.Path,
        Environment = new Dictionary<string, string?> { ["PG_URL"] = url ?? Url, ["TARGET_URL"] = TargetUrl, ["TMPDIR"] = _temporary.Path, ["DOTNET_EnableDiagnostics"] = null },
        Limit = TimeSpan.FromSeconds(120),
    };

    public ValueTask<NpgsqlConnection> OpenAsync() => _source.OpenConnectionAsync();

    /// <summary>The processes that hold this workbench's moments: they are in nobody's group, and known by their temporary folder.</summary>
    public IReadOnlyList<int> Keepers() => ProcessGroup.Keepers(_temporary.Path);

    /// <summary>Kills them too.</summary>
    public async Task KillKeepersAsync()
    {
        foreach (var keeper in Keepers()) MillraceProcess.KillWorker(keeper);
        await KeepersAreGoneAsync();
    }

    /// <summary>Waits until nobody holds a moment.</summary>
    public Task KeepersAreGoneAsync() => Eventually.TrueAsync("nobody holds a moment", () => Keepers().Count == 0);

    /// <summary>Waits until no statement of a run is active on the server.</summary>
    public Task NoCopyIsLeftAsync() => Eventually.TrueAsync(
        "no session is left on the server",
        async () => await NumberAsync("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%COPY%' AND state = 'active' AND pid <> pg_backend_pid()") == 0);

    public async Task ExecuteAsync(string sql)
    {
        await using var command = _source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    public async Task<string> TextAsync(string sql)
    {
        await using var command = _source.CreateCommand(sql);
        return (string)(await command.ExecuteScalarAsync())!;
    }

    public async Task<long> NumberAsync(string sql)
    {
        await using var command = _source.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>What <c>t</c> holds now, by the server.</summary>
    public Task<string> SourceAsync() => TextAsync(SourceDigest);

    /// <summary>What the published table holds now, by PyArrow.</summary>
    public Task<string> PublishedAsync() => Python.RunAsync(LakeDigest, Table);

    /// <summary>Fails unless the published table is the only thing that the runs have left: no staging, no spill, no half-written file.</summary>
    public void AssertNothingLeft()
    {
        Assert.Equal(["job.yaml", "lake", "state"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(["t"], Directory.EnumerateFileSystemEntries(Lake).Select(Path.GetFileName));
        Assert.All(Directory.EnumerateFileSystemEntries(Table), static path => Assert.Matches(@"/(_millrace\.json|[^./][^/]*\.parquet)$", path));
        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(State, "*", Everything), static path => path.EndsWith(".tmp", StringComparison.Ordinal));
        Assert.DoesNotContain(Directory.EnumerateDirectories(State, "spill", Everything), static path => Directory.EnumerateFileSystemEntries(path).Any());
    }

    /// <summary>
    /// Fails unless the temporary folder of all processes is empty: what was killed has left nothing there either. Holds for a coordinator
    /// that is killed only where <see cref="Program"/> is the launcher, which keeps .NET from making sockets there.
    /// </summary>
    public void AssertNothingTemporary() => Assert.Empty(Directory.EnumerateFileSystemEntries(_temporary.Path));

    /// <summary>Every line of the output as JSON: with <c>--json</c> there is nothing else.</summary>
    public static List<JsonElement> Events(MillraceExit exit) =>
        [.. exit.Stdout.TrimEnd().Split('\n').Select(static line => JsonDocument.Parse(line).RootElement.Clone())];

    private static EnumerationOptions Everything => new() { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None };

    public async ValueTask DisposeAsync()
    {
        await KillKeepersAsync();
        await _source.DisposeAsync();
        _folder.Dispose();
        _temporary.Dispose();
    }
}
