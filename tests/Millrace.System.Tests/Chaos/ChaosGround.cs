using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.SystemTests.Chaos.Database;
using Millrace.SystemTests.Chaos.Lake;
using Millrace.Testing;

namespace Millrace.SystemTests.Chaos;

/// <summary>What all chaos runs of a test class share: servers that they may restart, and files with the rows that are there before.</summary>
public sealed class ChaosGround(PgServers servers) : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private TargetServer? _target;

    /// <summary>The source's server.</summary>
    internal PgServer? Source { get; private set; }

    /// <summary>Starts what a plan needs.</summary>
    internal async Task OpenAsync(ChaosPlan plan)
    {
        if (plan.IsServer) Source ??= await servers.StartOwnAsync(durable: true);
        if (plan is DatabasePlan { IsOneServer: false }) _target ??= new TargetServer(servers, await servers.StartOwnAsync(durable: true));
    }

    /// <summary>The target's server of a plan: the source's, or another one.</summary>
    internal TargetServer TargetOf(DatabasePlan plan) => plan.IsOneServer ? new TargetServer(servers, Source!) : _target!;

    /// <summary>The file with a plan's old rows.</summary>
    internal async Task<string> OldAsync(LakePlan plan)
    {
        var file = _folder[$"{(plan.IsServer ? "server" : "files")}{(plan.ToCsv ? ".csv" : ".parquet")}"];
        if (!File.Exists(file)) await LakeRows.WriteOldAsync(plan, file);
        return file;
    }

    public async ValueTask DisposeAsync()
    {
        if (_target is not null) await _target.DisposeAsync();
        if (Source is not null) await Source.DisposeAsync();
        _folder.Dispose();
    }
}
