using System.Globalization;
using Npgsql;

namespace Millrace.SystemTests.Chaos.Database;

/// <summary>A database of its own, read by Npgsql.</summary>
internal sealed class DatabaseTarget : ChaosTarget
{
    // Late rows of an incremental load are up to this far behind the last row that was loaded.
    private const int Lag = 100;

    private readonly DatabasePlan _plan;
    private readonly ChaosWorld _world;
    private readonly ChaosProxy _proxy;
    private readonly string _name;
    private IReadOnlyList<string> _before = [];
    private bool _hasLost;

    public DatabaseTarget(DatabasePlan plan, ChaosWorld world, TargetServer server)
    {
        (_plan, _world, Server) = (plan, world, server);
        _proxy = new ChaosProxy(server.Primary.Port);
        _name = string.Create(CultureInfo.InvariantCulture, $"chaos_{plan.Seed}_{Guid.NewGuid().ToString("N")[..8]}");
    }

    /// <summary>The server and its standby.</summary>
    public TargetServer Server { get; }

    /// <inheritdoc/>
    public override string JobLines => "target: ${TARGET_URL}";

    /// <inheritdoc/>
    public override IEnumerable<KeyValuePair<string, string?>> Environment => [new("TARGET_URL", ChaosWorld.UrlOf(_proxy, _name, _plan.IsTargetEncrypted))];

    /// <inheritdoc/>
    public override bool MayHaveLostStaging => _hasLost;

    /// <inheritdoc/>
    public override ChaosProxy Proxy => _proxy;

    private string Schema => _plan.IsNew ? "fresh" : "public";

    private bool IsLoadedBefore => _plan is { IsNew: false, Mode: DatabaseMode.Incremental or DatabaseMode.Window };

    /// <inheritdoc/>
    public override string StreamOf(int table)
    {
        var mode = _plan.Mode switch
        {
            DatabaseMode.Exchange or DatabaseMode.Replace => "mode: overwrite",
            DatabaseMode.Append => "mode: append",
            DatabaseMode.Merge => "mode: merge, key: [id]",
            DatabaseMode.Incremental => $"mode: incremental, key: [id], cursor: id, lag: \"{Lag}\"",
            _ => $"mode: incremental, cursor: id, lag: \"{Lag}\"",
        };
        return $"to: {Schema}.{ChaosTables.Name(table)}, {mode}{(_plan.IsDecoded ? ", on_reject: quarantine" : "")}";
    }

    /// <inheritdoc/>
    public override async Task<IReadOnlyList<ChaosDigest>> PrepareAsync(IReadOnlyList<ChaosDigest> source)
    {
        await Server.Primary.ExecuteAsync($"CREATE DATABASE {_name}");
        var expected = source.ToList();
        for (var table = 0; table < source.Count && !_plan.IsNew; table++)
        {
            await ExecuteAsync(Made(ChaosTables.Name(table)));
            if (_plan.Mode is not (DatabaseMode.Exchange or DatabaseMode.Replace)) expected[table] += await DigestAsync($"{ChaosTables.Name(table)} WHERE id < 0");
        }

        if (IsLoadedBefore)
        {
            for (var table = 0; table < source.Count; table++) await _world.ExecuteAsync(Hidden(ChaosTables.Name(table), _plan.Rows[table] * 2 / 3));
            await _world.RunBeforeAsync();
            for (var table = 0; table < source.Count; table++) await _world.ExecuteAsync(Shown(ChaosTables.Name(table)));
        }

        _before = await NamesAsync();
        return expected;
    }

    /// <inheritdoc/>
    public override async Task<IReadOnlyList<ChaosDigest>> ReadAsync()
    {
        var found = new List<ChaosDigest>();
        for (var table = 0; table < _plan.Rows.Count; table++) found.Add(await DigestAsync($"{Schema}.{ChaosTables.Name(table)}"));
        return found;
    }

    /// <inheritdoc/>
    public override async Task<IReadOnlyList<string>> LitterAsync()
    {
        var litter = new List<string>();
        var (now, must) = (await NamesAsync(), _before.Concat(DatabaseNames.Gained(_plan, Schema)).Distinct().ToList());
        litter.AddRange(now.Except(must).Select(static name => $"a {name} that should not be there"));
        litter.AddRange(must.Except(now).Select(static name => $"a {name} that is gone"));
        if (!await ChaosCheck.SoonAsync(async () => await NumberAsync(ChaosCheck.Sessions) == 0)) litter.Add("a session in the target");
        var publications = await NumberAsync($"SELECT count(*) FROM {Schema}._millrace_commits");
        var runs = IsLoadedBefore ? 2 : 1;
        if (publications != runs * _plan.Rows.Count) litter.Add($"{publications} publications of {_plan.Rows.Count} tables in {runs} runs");
        return litter;
    }

    /// <summary>Which transactions have written what is there.</summary>
    public override async Task<IReadOnlyList<string>> PublishedAsync()
    {
        var found = new List<string>();
        foreach (var table in _plan.Rows.Select((_, table) => ChaosTables.Name(table)).Append("_millrace_commits"))
            found.Add(await TextAsync($"SELECT concat_ws(' ', '{table}', '{Schema}.{table}'::regclass::oid, count(*), sum(xmin::text::bigint), max(xmin::text::bigint)) FROM {Schema}.{table}"));
        return found;
    }

    /// <summary>Restarts the server.</summary>
    public Task RestartAsync(bool crash)
    {
        _hasLost |= crash;
        return Server.Primary.RestartAsync(crash);
    }

    /// <summary>The standby takes over.</summary>
    public Task FailOverAsync(bool oldLivesOn)
    {
        _hasLost = true;
        return Server.FailOverAsync(oldLivesOn, _proxy.LeadTo);
    }

    /// <summary>A connection to it that is not disturbed.</summary>
    public async Task<NpgsqlConnection> OpenAsync()
    {
        // Without a pool: a restart of the server ends what lies in it.
        var connection = new NpgsqlConnection(Server.Primary.ConnectionString(_name) + ";Pooling=false");
        await connection.OpenAsync();
        return connection;
    }

    /// <summary>A number from it.</summary>
    public async Task<long> NumberAsync(string sql) => long.Parse(await TextAsync(sql), CultureInfo.InvariantCulture);

    public override async ValueTask DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await Server.FollowNobodyAsync();
        await Server.Primary.ExecuteAsync($"DROP DATABASE IF EXISTS {_name} WITH (FORCE)");
    }

    /// <summary>What makes a table that is there before, with rows that no run has brought.</summary>
    private string Made(string table)
    {
        // Where rows could be doubled nothing keeps them from it.
        var key = _plan.Mode is DatabaseMode.Append or DatabaseMode.Window ? $"CREATE INDEX {table}_id ON {table} (id)" : $"ALTER TABLE {table} ADD CONSTRAINT {table}_key PRIMARY KEY (id)";
        var old = _plan.Mode switch
        {
            // Without a key only an empty table can be loaded by a cursor.
            DatabaseMode.Window => "WHERE false",
            DatabaseMode.Merge => "UNION ALL SELECT i * 5, 0, 'to be replaced', NULL FROM generate_series(1, 80) AS i",
            _ => "",
        };
        var view = _plan.Mode == DatabaseMode.Replace ? $"CREATE MATERIALIZED VIEW {table}_kept AS SELECT count(*) FROM {table}" : $"CREATE VIEW {table}_seen AS SELECT id, note FROM {table}";
        return $"""
            CREATE TABLE {table} (id bigint NOT NULL, v bigint NOT NULL, note text, amount numeric(12,2)); {key}; CREATE INDEX {table}_v ON {table} (v); {view};
            INSERT INTO {table} SELECT -i, 0, 'old', 1.00 FROM generate_series(1, 3) AS i {old}
            """;
    }

    /// <summary>Takes out of the source what comes after a load up to a row, and what comes late: new rows and changed ones.</summary>
    private static string Hidden(string table, int last) => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        CREATE TABLE late_{table} AS SELECT * FROM {table} WHERE id > {last} OR (id > {last - (Lag * 9 / 10)} AND id % 10 < 2);
        DELETE FROM {table} WHERE id IN (SELECT id FROM late_{table});
        INSERT INTO {table} SELECT id, v, 'changes later', amount FROM late_{table} WHERE id <= {last} AND id % 10 = 1
        """);

    private static string Shown(string table) => $"DELETE FROM {table} WHERE note = 'changes later'; INSERT INTO {table} SELECT * FROM late_{table}; DROP TABLE late_{table}; ANALYZE {table}";

    private async Task<IReadOnlyList<string>> NamesAsync() => (await TextAsync(DatabaseNames.Sql)).Split('\n');

    private async Task<ChaosDigest> DigestAsync(string rows)
    {
        await using var connection = await OpenAsync();
        return await ChaosTables.ReadAsync(connection, rows);
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = await OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private async Task<string> TextAsync(string sql)
    {
        await using var connection = await OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return Convert.ToString(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture)!;
    }
}
