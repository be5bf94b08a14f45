using System.Globalization;
using System.Text;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.SystemTests.Moves;
using Millrace.Testing;
using Npgsql;

namespace Millrace.SystemTests.Chaos;

/// <summary>Folders, source, proxy, disk and clock of one chaos run, and the chronicle of what happened in it.</summary>
internal sealed class ChaosWorld : IAsyncDisposable
{
    private readonly TempFolder? _own;
    private readonly TempFolder _temporary = new();
    private readonly NpgsqlDataSource? _source;
    private readonly StringBuilder _chronicle = new();
    private readonly HashSet<int> _groups = [];

    private ChaosWorld(ChaosPlan plan, PgServer? server)
    {
        Plan = plan;
        Server = server;
        if (plan.Disk != ChaosDisk.None) Disk = new SmallDisk(24);
        if (plan.Disk != ChaosDisk.All) _own = new TempFolder();
        Folder = _own?.Path ?? Path.TrimEndingDirectorySeparator(Disk![""]);
        Home = plan.Disk == ChaosDisk.Target ? Path.TrimEndingDirectorySeparator(Disk![""]) : Folder;
        State = plan.Disk == ChaosDisk.State ? Disk!["state"] : Path.Combine(Folder, "state");
        if (plan.HasClock && FakeClock.IsHere) Clock = new FakeClock();
        if (server is null) return;
        Proxy = new ChaosProxy(server.Port);
        // Without a pool: a restart of the server ends what lies in it.
        _source = NpgsqlDataSource.Create(server.ConnectionString() + ";Pooling=false");
    }

    /// <summary>What is to be done.</summary>
    public ChaosPlan Plan { get; }

    /// <summary>The folder whose openings are watched.</summary>
    public string Folder { get; }

    /// <summary>The folder that the tables' root and the staging beside it are in.</summary>
    public string Home { get; }

    /// <summary>The state folder.</summary>
    public string State { get; }

    /// <summary>The source's server; null for files.</summary>
    public PgServer? Server { get; }

    /// <summary>What stands before the server.</summary>
    public ChaosProxy? Proxy { get; }

    /// <summary>The small disk; null without one.</summary>
    public SmallDisk? Disk { get; }

    /// <summary>The processes' clock; null: the machine's.</summary>
    public FakeClock? Clock { get; }

    /// <summary>What each table must be in the end.</summary>
    public IReadOnlyList<ChaosDigest> Expected { get; private set; } = [];

    /// <summary>What happened: every start of the program, with what it said.</summary>
    public string Chronicle => _chronicle.ToString();

    /// <summary>The tables' folders.</summary>
    public IEnumerable<string> Tables => Plan.Rows.Select((_, table) => Path.Combine(Home, "lake", ChaosTables.Name(table)));

    /// <summary>The temporary folder of all processes.</summary>
    public string Temporary => _temporary.Path;

    /// <summary>Makes the world of a plan.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="server">A server that may be restarted, and whose tables may be dropped.</param>
    /// <param name="old">The file with the rows that are there before.</param>
    public static async Task<ChaosWorld> CreateAsync(ChaosPlan plan, PgServer? server, string old)
    {
        var world = new ChaosWorld(plan, server);
        world.Expected = await ChaosTables.CreateAsync(plan, world._source, Path.Combine(world.Folder, "in"));
        foreach (var table in world.Tables)
        {
            Directory.CreateDirectory(table);
            File.Copy(old, Path.Combine(table, "old" + Path.GetExtension(old)));
        }

        world.WriteJob();
        return world;
    }

    /// <summary>Starts the program: <c>run</c> while there is no run, <c>resume</c> after.</summary>
    public MillraceProcess Start() => Begin(HasRun ? "resume" : "run");

    /// <summary>Goes on with the run to its end, undisturbed from now on.</summary>
    /// <param name="who">For the chronicle.</param>
    /// <param name="expected">The exit code that it must have; any when null.</param>
    public async Task<MillraceExit> ResumeAsync(string who, int? expected = null)
    {
        await using var process = Start();
        var exit = await process.WaitAsync();
        Note(who, exit);
        return expected is { } code ? exit.Expect(code) : exit;
    }

    /// <summary>Whether there is a run that can be resumed.</summary>
    public bool HasRun => Runs.Any();

    /// <summary>Whether the run has ended well.</summary>
    public bool IsDone => Runs.Any(static run => File.Exists(Path.Combine(run, "report.json")) && File.ReadAllText(Path.Combine(run, "report.json")).Contains("\"Succeeded\"", StringComparison.Ordinal));

    private IEnumerable<string> Runs =>
        Directory.Exists(Path.Combine(State, "runs")) ? Directory.EnumerateDirectories(Path.Combine(State, "runs")).Where(static run => File.Exists(Path.Combine(run, "run.json"))) : [];

    /// <summary>The processes that hold the run's moment.</summary>
    public IReadOnlyList<int> Keepers() => ProcessGroup.Keepers(_temporary.Path);

    /// <summary>The processes of all coordinators of this world that still live, workers among them.</summary>
    public IReadOnlyList<int> Processes() => [.. _groups.SelectMany(ProcessGroup.Members)];

    /// <summary>Takes the locks away from who holds them, as a network file system does with a machine that it takes for dead.</summary>
    public void LoseLocks()
    {
        foreach (var run in Runs) File.Delete(Path.Combine(run, "lock"));
        var staging = Path.Combine(Home, ".lake.millrace");
        if (!Directory.Exists(staging)) return;
        foreach (var file in Directory.EnumerateFiles(staging, ".lock-*")) File.Delete(file);
    }

    /// <summary>All files of the tables with size and time: what is written anew differs.</summary>
    public IReadOnlyList<string> Published() =>
    [
        .. Tables.SelectMany(static table => new DirectoryInfo(table).EnumerateFiles("*", SearchOption.AllDirectories))
            .Select(static file => $"{file.FullName} {file.Length} {file.LastWriteTimeUtc:O}").Order(StringComparer.Ordinal),
    ];

    /// <summary>A number from the server.</summary>
    public async Task<long> NumberAsync(string sql)
    {
        await using var command = _source!.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>What another verb says.</summary>
    public async Task<MillraceExit> AskAsync(string verb)
    {
        await using var process = Begin(verb);
        var exit = await process.WaitAsync();
        Note(verb, exit);
        return exit;
    }

    /// <summary>Adds to the chronicle.</summary>
    public void Note(string who, MillraceExit exit) =>
        _chronicle.Append(CultureInfo.InvariantCulture, $"--- {who}: exit code {exit.ExitCode}\n{exit.Stdout}{exit.Stderr}");

    public async ValueTask DisposeAsync()
    {
        foreach (var process in Keepers().Concat(Processes())) MillraceProcess.KillWorker(process);
        await Eventually.TrueAsync("every process is gone", () => Keepers().Count == 0 && Processes().Count == 0);
        if (Proxy is not null) await Proxy.DisposeAsync();
        if (_source is not null) await _source.DisposeAsync();
        Disk?.Dispose();
        Clock?.Dispose();
        _own?.Dispose();
        _temporary.Dispose();
    }

    private MillraceProcess Begin(string verb)
    {
        string[] arguments = verb == "run" ? [verb, Path.Combine(Folder, "job.yaml"), "--json"] : [verb, "--state", State, "--json"];
        var process = MillraceProcess.Start(arguments, new MillraceStart
        {
            Folder = Folder,
            Environment = new Dictionary<string, string?>(Clock?.Environment ?? []) { ["PG_URL"] = Url(), ["TMPDIR"] = Temporary, ["DOTNET_EnableDiagnostics"] = "0" },
        });
        _groups.Add(process.Id);
        return process;
    }

    private string? Url() => Server is null
        ? null
        : $"postgres://{PgServer.Superuser}:{Uri.EscapeDataString(PgServer.Password)}@127.0.0.1:{Proxy!.Port}/postgres?sslmode={(Plan.IsEncrypted ? "require" : "disable")}";

    private void WriteJob()
    {
        var job = new StringBuilder();
        job.Append(
            CultureInfo.InvariantCulture,
            $$"""
            name: chaos
            source: {{(Server is null ? Path.Combine(Folder, "in") : "${PG_URL}")}}
            target: {{Path.Combine(Home, "lake")}}
            format: {{(Plan.ToCsv ? "csv" : "parquet")}}
            state: {{State}}
            engine: local
            limits: {workers: 2}
            streams:

            """);
        for (var table = 0; table < Plan.Rows.Count; table++)
        {
            var name = ChaosTables.Name(table);
            job.Append(CultureInfo.InvariantCulture, $"  {(Server is null ? $"{name}.csv" : $"public.{name}")}: {{to: {name}, mode: {(Plan.IsAppend ? "append" : "overwrite")}, partition: {{rows: {ChaosPlan.UnitRows}}}}}\n");
        }

        File.WriteAllText(Path.Combine(Folder, "job.yaml"), job.ToString());
    }
}
