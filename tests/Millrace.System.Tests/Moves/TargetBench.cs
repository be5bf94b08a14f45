using Millrace.Connectors.Tests.Postgres.Servers;
using Npgsql;

namespace Millrace.SystemTests.Moves;

/// <summary>
/// A <see cref="Workbench"/> whose table goes into a second database, where a table <c>t</c> with rows of its own is already. What it has
/// to hold in the end is computed by the server that the rows come from.
/// </summary>
internal sealed class TargetBench : IAsyncDisposable
{
    /// <summary>What is in the target before: every fifth id, the last third of them not in the source.</summary>
    private const string Old = "SELECT i AS id, -i AS v, 'old' AS note FROM generate_series(10000, 25000, 5) AS i";

    private const string Digest =
        "SELECT count(*) || ' ' || coalesce(sum(('x' || substr(md5(id || '|' || v || '|' || coalesce(note, '~')), 1, 8))::bit(32)::bigint), 0) FROM";

    private const string Left =
        "SELECT coalesce(string_agg(relname, ' '), '') FROM pg_class WHERE starts_with(relname, '_millrace_') AND relkind = 'r' AND relname <> '_millrace_commits'";

    private readonly NpgsqlDataSource _target;
    private readonly string _mode;

    private TargetBench(Workbench bench, PgServer server, string database, string mode)
    {
        Bench = bench;
        _mode = mode;
        bench.TargetUrl = server.Url(database: database);
        // Without a pool: a restart of the server ends what lies in it.
        _target = NpgsqlDataSource.Create(server.ConnectionString(database) + ";Pooling=false");
    }

    /// <summary>The source, the job, the processes.</summary>
    public Workbench Bench { get; }

    /// <summary>A source on the shared server, and a target on that one or on a server of the caller's.</summary>
    public static async Task<TargetBench> CreateAsync(PgServers servers, string mode, PgServer? target = null)
    {
        var shared = await servers.GetAsync();
        var bench = await Workbench.CreateAsync(shared);
        var made = new TargetBench(bench, target ?? shared, await (target ?? shared).CreateDatabaseAsync(), mode);
        await made.ExecuteAsync("CREATE TABLE t (id bigint NOT NULL, v bigint NOT NULL, note text)");
        // Rows that are appended come beside those with the same id.
        await made.ExecuteAsync(mode == "append" ? "CREATE INDEX by_id ON t (id)" : "ALTER TABLE t ADD CONSTRAINT t_key PRIMARY KEY (id)");
        await made.ExecuteAsync($"CREATE VIEW seen AS SELECT id, v, note FROM t; INSERT INTO t {Old}");
        bench.WriteJob(Workbench.FirstAndLast, $"    to: t\n    mode: {mode}\n{Keys(mode)}", "${TARGET_URL}");
        return made;
    }

    /// <summary>Runs statements in the target.</summary>
    public async Task ExecuteAsync(string sql)
    {
        await using var command = _target.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>A connection to the target.</summary>
    public ValueTask<NpgsqlConnection> OpenAsync() => _target.OpenConnectionAsync();

    /// <summary>A number from the target.</summary>
    public async Task<long> NumberAsync(string sql)
    {
        await using var command = _target.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>What the table held before.</summary>
    public Task<string> OldAsync() => Bench.TextAsync($"{Digest} ({Old}) AS t");

    /// <summary>What an undisturbed run leaves.</summary>
    public Task<string> ExpectedAsync() => Bench.TextAsync($"{Digest} (SELECT id, v, note FROM t {_mode switch
    {
        "overwrite" => "",
        "append" => $"UNION ALL {Old}",
        _ => $"UNION ALL SELECT * FROM ({Old}) AS o WHERE NOT EXISTS (SELECT FROM t WHERE t.id = o.id)",
    }}) AS t");

    /// <summary>What readers of the table see now, through the view that was made on it in the beginning.</summary>
    public Task<string> PublishedAsync() => TextAsync($"{Digest} seen");

    /// <summary>Fails unless the table is what an undisturbed run leaves, and nothing of Millrace's is beside it but its memory of that one publication.</summary>
    public async Task AssertDoneAsync()
    {
        Assert.Equal(await ExpectedAsync(), await PublishedAsync());
        Assert.Equal(await ExpectedAsync(), await TextAsync($"{Digest} t"));
        Assert.Equal("", await TextAsync(Left));
        Assert.Equal($"{_mode} {Workbench.Rows}", await TextAsync("SELECT string_agg(mode || ' ' || rows, ', ') FROM _millrace_commits"));
        await Eventually.TrueAsync("no session is left in the target", async () =>
            await NumberAsync("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'millrace'") == 0);
    }

    public async ValueTask DisposeAsync()
    {
        await Bench.DisposeAsync();
        await _target.DisposeAsync();
    }

    private async Task<string> TextAsync(string sql)
    {
        await using var command = _target.CreateCommand(sql);
        return (string)(await command.ExecuteScalarAsync())!;
    }

    private static string Keys(string mode) => mode switch
    {
        "merge" => "    key: [id]\n",
        "incremental" => "    key: [id]\n    cursor: id\n    lag: \"100\"\n",
        _ => "",
    };
}
