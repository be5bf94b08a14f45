using System.Collections.Concurrent;
using System.Collections.Immutable;
using Millrace.Connectors.Files.Source;
using Millrace.Connectors.Files.Target;
using Millrace.Connectors.Postgres;
using Millrace.Connectors.Postgres.Target;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.Engines;
using Millrace.Jobs;
using Millrace.Jobs.Secrets;
using Millrace.Load;
using Millrace.Planning;
using Millrace.Runs;
using Millrace.Telemetry;
using Millrace.Testing;
using Millrace.Verify;
using Npgsql;

namespace Millrace.Connectors.Tests.Postgres.Target;

/// <summary>Two databases on one server, and jobs that move tables from one into the other on the whole data path, in this process.</summary>
internal sealed class PgTargetBench : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private readonly Heard _heard = new();
    private readonly PgServer _server;
    private readonly string _from;
    private readonly string _to;

    private PgTargetBench(PgServer server, string from, string to)
    {
        _server = server;
        _from = from;
        _to = to;
        Source = NpgsqlDataSource.Create(server.ConnectionString(from));
        Target = NpgsqlDataSource.Create(server.ConnectionString(to));
    }

    /// <summary>The independent client's way to the source.</summary>
    public NpgsqlDataSource Source { get; }

    /// <summary>The independent client's way to the target.</summary>
    public NpgsqlDataSource Target { get; }

    /// <summary>Told the name of each step of a publication after it is done.</summary>
    public Action<string> Step { get; set; } = static _ => { };

    /// <summary>A folder of files that jobs write to; null: the target's database.</summary>
    public string? Lake { get; set; }

    /// <summary>What has happened so far.</summary>
    public ConcurrentQueue<RunEvent> Events => _heard.Events;

    /// <summary>A folder for files.</summary>
    public TempFolder Folder => _folder;

    /// <summary>How the independent client reaches the target.</summary>
    public string TargetConnection => _server.ConnectionString(_to);

    /// <summary>The target's address.</summary>
    public string TargetUrl => _server.Url(TargetUser, _to);

    /// <summary>Who writes.</summary>
    public string TargetUser { get; set; } = PgServer.Superuser;

    public static async Task<PgTargetBench> CreateAsync(PgServers servers, int version = PgServers.AnyVersion)
    {
        var server = await servers.GetAsync(version);
        return new PgTargetBench(server, await server.CreateDatabaseAsync(), await server.CreateDatabaseAsync());
    }

    /// <summary>Runs a job that moves <c>public.t</c>, with what <c>--set</c> says of the stream; fails unless it succeeds.</summary>
    public async Task<RunSummary> MoveAsync(params string[] sets)
    {
        var summary = await TryMoveAsync(sets);
        Assert.True(summary.Status == RunStatus.Succeeded, string.Join('\n', summary.Faults.Select(static fault => fault.Describe() + fault)));
        return summary;
    }

    /// <summary>The same, however it ends.</summary>
    public Task<RunSummary> TryMoveAsync(params string[] sets) => TryMoveAsync(TestContext.Current.CancellationToken, sets);

    /// <summary>The same, until it is cancelled.</summary>
    public Task<RunSummary> TryMoveAsync(CancellationToken cancel, params string[] sets) => new DataPath(Options()).RunAsync(JobOf(_server.Url(database: _from), "public.t", sets), cancel);

    /// <summary>Told what happens.</summary>
    public Action<RunEvent> Listener
    {
        set => _heard.Listener = value;
    }

    /// <summary>Moves a file of the bench's folder into a table <c>t</c>.</summary>
    public Task<RunSummary> TryMoveFileAsync(string file, params string[] sets) =>
        new DataPath(Options()).RunAsync(JobOf(_folder[file], null, sets), TestContext.Current.CancellationToken);

    /// <summary>Goes on with the latest run.</summary>
    public Task<RunSummary> ResumeAsync(params string[] sets)
    {
        var run = RunList.LatestUnfinished(_folder["state"]);
        return new DataPath(Options()).ResumeAsync(run, run.ReadJob() with { Source = JobOf(_server.Url(database: _from), "public.t", sets).Source, Target = JobOf("x", "public.t", []).Target }, TestContext.Current.CancellationToken);
    }

    /// <summary>Verifies the latest run, which has moved the table <c>t</c>.</summary>
    public Task<VerifySummary> VerifyAsync() => VerifyAsync(JobOf(_server.Url(database: _from), "public.t", []));

    /// <summary>Verifies the latest run, which has moved a file.</summary>
    public Task<VerifySummary> VerifyFileAsync(string file, params string[] sets) => VerifyAsync(JobOf(_folder[file], null, sets));

    private Task<VerifySummary> VerifyAsync(Job ends)
    {
        var run = RunList.LatestSucceeded(_folder["state"]);
        return new RunVerification(Options(), []).RunAsync(run, run.ReadJob() with { Source = ends.Source, Target = ends.Target }, TestContext.Current.CancellationToken);
    }

    public Task SourceAsync(string sql) => ExecuteAsync(Source, sql);

    public Task TargetAsync(string sql) => ExecuteAsync(Target, sql);

    /// <summary>One text of the target.</summary>
    public async Task<string> TargetTextAsync(string sql)
    {
        await using var command = Target.CreateCommand(sql);
        return await command.ExecuteScalarAsync() as string ?? "NULL";
    }

    /// <summary>Rows of a query on the target, one text each.</summary>
    public Task<List<string>> TargetRowsAsync(string query) => RowsAsync(Target, query);

    /// <summary>Rows of a query on the source, one text each.</summary>
    public Task<List<string>> SourceRowsAsync(string query) => RowsAsync(Source, query);

    /// <summary>What the plans have said.</summary>
    public IEnumerable<string> Remarks => Events.OfType<StreamPlanned>().SelectMany(static planned => planned.Plan.Remarks);

    /// <summary>Whether the latest run's rows passed undecoded.</summary>
    public bool IsPassed() => Directory.GetFiles(_folder["state/runs"], "stream.json", SearchOption.AllDirectories).OrderBy(File.GetLastWriteTimeUtc).Select(File.ReadAllText).Last()
        .Contains("passed\":true", StringComparison.OrdinalIgnoreCase);

    /// <summary>Fails when anything of a run is left in the target beside what it has published.</summary>
    public async Task AssertNothingLeftAsync() => Assert.Empty(await TargetRowsAsync(
        "SELECT c.relname FROM pg_class c WHERE starts_with(c.relname, '_millrace_') AND c.relname NOT LIKE '\\_millrace\\_commits%'"));

    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync();
        await Target.DisposeAsync();
        _folder.Dispose();
    }

    private static async Task ExecuteAsync(NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<List<string>> RowsAsync(NpgsqlDataSource source, string query)
    {
        await using var command = source.CreateCommand($"SELECT q::text FROM ({query}) AS q");
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await reader.ReadAsync()) rows.Add(reader.GetString(0));
        return rows;
    }

    private Job JobOf(string from, string? stream, string[] sets)
    {
        var reading = JobReader.ReadShortForm(
            new JobOverrides
            {
                From = from, To = Lake ?? TargetUrl, Streams = stream is null ? [] : [stream], State = _folder["state"], Workers = "2", Sets = ["engine=inproc", .. sets],
            },
            _folder.Path);
        Assert.True(reading.Job is not null, string.Join('\n', reading.Faults.Select(static fault => fault.Describe())));
        return reading.Job;
    }

    private RunOptions Options() => new()
    {
        Connectors = new KnownConnectors([new PostgresConnector(), new FilesSourceConnector()], [new Stepping(() => Step), new SteppingFiles(() => Step)]),
        Secrets = new SecretResolver(new Redactor(), _folder.Path),
        Observer = _heard,
        Worker = new WorkerCommand("none", [], ImmutableDictionary<string, string>.Empty),
        Clock = new Impatient(),
    };

    /// <summary>The connector, whose publications tell their steps.</summary>
    private sealed class Stepping(Func<Action<string>> step) : ITargetConnector
    {
        private readonly PostgresTargetConnector _connector = new();

        public string Name => _connector.Name;

        public bool Claims(string address) => _connector.Claims(address);

        public ITarget Open(TargetContext context)
        {
            var target = (PostgresTarget)_connector.Open(context);
            target.Step = name => step()(name);
            return target;
        }

        public IUnitWriter OpenWriter(TargetContext context) => _connector.OpenWriter(context);
    }

    /// <summary>The same for files.</summary>
    private sealed class SteppingFiles(Func<Action<string>> step) : ITargetConnector
    {
        private readonly FileTargetConnector _connector = new();

        public string Name => _connector.Name;

        public bool Claims(string address) => _connector.Claims(address);

        public ITarget Open(TargetContext context)
        {
            var target = (FileTarget)_connector.Open(context);
            target.Step = name => step()(name);
            return target;
        }

        public IUnitWriter OpenWriter(TargetContext context) => _connector.OpenWriter(context);

        public IPublishedReader OpenPublished(TargetContext context, StreamHeader header, WriteMode mode) => _connector.OpenPublished(context, header, mode);
    }

    private sealed class Heard : IRunObserver
    {
        public ConcurrentQueue<RunEvent> Events { get; } = new();

        public Action<RunEvent> Listener { get; set; } = static _ => { };

        public void On(RunEvent happened)
        {
            Events.Enqueue(happened);
            Listener(happened);
        }
    }

    /// <summary>
    /// Waits before another attempt are over soon; what is done again and again keeps its pace, and a busy machine its time to connect.
    /// </summary>
    private sealed class Impatient : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, period == Timeout.InfiniteTimeSpan && dueTime < TimeSpan.FromSeconds(Limits.PgCancelSecondsMax) ? dueTime / 10 : dueTime, period);
    }
}
