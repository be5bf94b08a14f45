using System.Globalization;
using System.Text;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.SystemTests.Chaos.Database;
using Millrace.SystemTests.Chaos.Points;
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

    private ChaosWorld(ChaosPlan plan, ChaosGround ground, PgServer? server)
    {
        Plan = plan;
        Server = server;
        if (plan.Disk != ChaosDisk.None) Disk = new SmallDisk(24);
        if (plan.Disk != ChaosDisk.All) _own = new TempFolder();
        Folder = _own?.Path ?? Path.TrimEndingDirectorySeparator(Disk![""]);
        Home = plan.Disk == ChaosDisk.Target ? Path.TrimEndingDirectorySeparator(Disk![""]) : Folder;
        State = plan.Disk == ChaosDisk.State ? Disk!["state"] : Path.Combine(Folder, "state");
        if (plan.HasClock && FakeClock.IsHere) Clock = new FakeClock();
        Target = plan.TargetOf(this, ground);
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

    /// <summary>Where the rows go.</summary>
    public ChaosTarget Target { get; }

    /// <summary>The same where that is a database.</summary>
    public DatabaseTarget Database => (DatabaseTarget)Target;

    /// <summary>The source's server; null for files.</summary>
    public PgServer? Server { get; }

    /// <summary>What stands before the source's server.</summary>
    public ChaosProxy? Proxy { get; }

    /// <summary>The small disk; null without one.</summary>
    public SmallDisk? Disk { get; }

    /// <summary>The processes' clock; null: the machine's.</summary>
    public FakeClock? Clock { get; }

    /// <summary>What each table must be in the end.</summary>
    public IReadOnlyList<ChaosDigest> Expected { get; private set; } = [];

    /// <summary>What happened: every start of the program, with what it said.</summary>
    public string Chronicle => _chronicle.ToString();

    /// <summary>The temporary folder of all processes.</summary>
    public string Temporary => _temporary.Path;

    /// <summary>Makes the world of a plan.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="ground">What all worlds share.</param>
    public static async Task<ChaosWorld> CreateAsync(ChaosPlan plan, ChaosGround ground)
    {
        await ground.OpenAsync(plan);
        var world = new ChaosWorld(plan, ground, plan.IsServer ? ground.Source : null);
        var source = await ChaosTables.CreateAsync(plan, world._source, Path.Combine(world.Folder, "in"));
        world.WriteJob(world.State);
        world.Expected = await world.Target.PrepareAsync(source);
        return world;
    }

    /// <summary>What stands before a server.</summary>
    public ChaosProxy? ProxyOf(ChaosEnd end) => end == ChaosEnd.Source ? Proxy : Target.Proxy;

    /// <summary>Starts the program: <c>run</c> while there is no run, <c>resume</c> after.</summary>
    public MillraceProcess Start() => Begin(HasRun ? "resume" : "run");

    /// <summary>Goes on with the run to its end, undisturbed from now on.</summary>
    /// <param name="who">For the chronicle.</param>
    public async Task<MillraceExit> ResumeAsync(string who)
    {
        await using var process = Start();
        var exit = await process.WaitAsync();
        Note(who, exit);
        return exit;
    }

    /// <summary>Goes on to a good end; where a server has lost what was staged, a run that says so comes before.</summary>
    public async Task FinishAsync(string who)
    {
        var exit = await ResumeAsync(who);
        if (exit.ExitCode == 3 && Target.MayHaveLostStaging && exit.Stdout.Contains("the server has lost what was staged", StringComparison.Ordinal)) exit = await ResumeAsync($"{who}, again");
        exit.Expect(0);
    }

    /// <summary>A whole run of the same job before the one that is disturbed. What it leaves in the run directory is removed.</summary>
    public async Task RunBeforeAsync()
    {
        var state = Path.Combine(Temporary, "before");
        WriteJob(state);
        await using (var process = Begin("run"))
        {
            var exit = await process.WaitAsync();
            Note("the run before", exit);
            exit.Expect(0);
        }

        Directory.Delete(state, recursive: true);
        WriteJob(State);
        // It looks every half second whether it is needed.
        await Eventually.TrueAsync("nobody holds that run's moment", () => Keepers().Count == 0);
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
        Target.LoseLocks();
    }

    /// <summary>A number from the source's server.</summary>
    public async Task<long> NumberAsync(string sql)
    {
        await using var command = _source!.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>Statements in the source.</summary>
    public async Task ExecuteAsync(string sql)
    {
        await using var command = _source!.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Restarts the source's server.</summary>
    public Task RestartSourceAsync(bool crash) => Plan is DatabasePlan { IsOneServer: true } ? Database.RestartAsync(crash) : Server!.RestartAsync(crash);

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
        await Target.DisposeAsync();
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
            Environment = new Dictionary<string, string?>([.. Clock?.Environment ?? [], .. Target.Environment]) { ["PG_URL"] = Url(), ["TMPDIR"] = Temporary, ["DOTNET_EnableDiagnostics"] = "0" },
        });
        _groups.Add(process.Id);
        return process;
    }

    private string? Url() => Server is null ? null : UrlOf(Proxy!, "postgres", Plan.IsEncrypted);

    /// <summary>The address of a database behind a proxy.</summary>
    public static string UrlOf(ChaosProxy proxy, string database, bool isEncrypted) =>
        $"postgres://{PgServer.Superuser}:{Uri.EscapeDataString(PgServer.Password)}@127.0.0.1:{proxy.Port}/{database}?sslmode={(isEncrypted ? "require" : "disable")}";

    private void WriteJob(string state)
    {
        var job = new StringBuilder();
        job.Append(
            CultureInfo.InvariantCulture,
            $$"""
            name: chaos
            source: {{(Server is null ? Path.Combine(Folder, "in") : "${PG_URL}")}}
            {{Target.JobLines}}
            state: {{state}}
            engine: local
            limits: {workers: 2}
            streams:

            """);
        for (var table = 0; table < Plan.Rows.Count; table++)
        {
            var name = ChaosTables.Name(table);
            job.Append(CultureInfo.InvariantCulture, $"  {(Server is null ? $"{name}.csv" : $"public.{name}")}: {{{Target.StreamOf(table)}, partition: {{rows: {ChaosPlan.UnitRows}}}}}\n");
        }

        File.WriteAllText(Path.Combine(Folder, "job.yaml"), job.ToString());
    }
}
