using Millrace.Connectors.Tests.Postgres.Servers;

namespace Millrace.SystemTests.Chaos.Database;

/// <summary>The server that rows go to, and the one that takes over when it is lost.</summary>
internal sealed class TargetServer(PgServers servers, PgServer first) : IAsyncDisposable
{
    private PgServer? _standby;

    /// <summary>The one that is written.</summary>
    public PgServer Primary { get; private set; } = first;

    /// <summary>Sees to it that a standby has all that is committed.</summary>
    public async Task FollowAsync() => _standby ??= await servers.StartStandbyAsync(Primary);

    /// <summary>The standby becomes the one that is written; the old server ends as it does in a crash, and its data are gone.</summary>
    /// <param name="oldLivesOn">Whether it ends only then; else before.</param>
    /// <param name="lead">Told the new server's port.</param>
    public async Task FailOverAsync(bool oldLivesOn, Action<int> lead)
    {
        var (old, next) = (Primary, _standby!);
        if (!oldLivesOn) await old.DisposeAsync();
        await next.PromoteAsync();
        (Primary, _standby) = (next, null);
        lead(next.Port);
        if (oldLivesOn) await old.DisposeAsync();
    }

    /// <summary>Ends the standby, if there is one.</summary>
    public async Task FollowNobodyAsync()
    {
        if (_standby is null) return;
        await Primary.FollowNobodyAsync();
        await _standby.DisposeAsync();
        _standby = null;
    }

    public async ValueTask DisposeAsync()
    {
        await FollowNobodyAsync();
        await Primary.DisposeAsync();
    }
}
