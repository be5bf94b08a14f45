using System.Globalization;

namespace Millrace.Connectors.Tests.Postgres.Servers;

/// <content>A second server that takes over when the first one is lost.</content>
public sealed partial class PgServer
{
    /// <summary>
    /// Copies this server (pg_basebackup) and starts the copy as a standby that follows it. When this returns, every commit here waits until
    /// the standby has it too, until <see cref="FollowNobodyAsync"/>.
    /// </summary>
    /// <param name="folder">The standby's folder.</param>
    internal async Task<PgServer> StartStandbyAsync(string folder)
    {
        var account = PgAccount.Find();
        PgServers.CreateOpenFolder(folder);
        foreach (var file in (string[])["server.crt", "server.key", "root.crt"]) File.Copy(Path.Combine(SocketDirectory, file), Path.Combine(folder, file));
        if (account is not null) await account.OwnAsync(folder);
        var (data, program) = (Path.Combine(folder, "data"), Array.Find(_command, static word => word.EndsWith("/postgres", StringComparison.Ordinal))!);
        var secret = Password.Replace(@"\", @"\\", StringComparison.Ordinal);
        string[] copy =
        [
            .. account?.Prefix ?? [], Path.Combine(Path.GetDirectoryName(program)!, "pg_basebackup"), "-D", data, "-R", "-X", "stream", "-c", "fast", "--no-sync",
            "-d", string.Create(CultureInfo.InvariantCulture, $"host=127.0.0.1 port={Port} user={Superuser} password='{secret}'"),
        ];
        await PgBinaries.RunAsync(copy[0], folder, copy[1..]);
        var port = FreePort();
        string[] command =
        [
            .. account?.Prefix ?? [], program, .. Options(folder, data, port), .. Durable,
            // The server that it follows may be restarted: it looks for it again soon.
            "-c", "wal_retrieve_retry_interval=100ms",
        ];
        var standby = new PgServer(Version, folder, port, Certificates, command, await LaunchAsync(command));
        await ExecuteAsync("ALTER SYSTEM SET synchronous_standby_names = '*'");
        await ExecuteAsync("SELECT pg_reload_conf()");
        while (await CountAsync("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == 0) await Task.Delay(10);
        return standby;
    }

    /// <summary>Commits wait for no standby any more.</summary>
    internal async Task FollowNobodyAsync()
    {
        await ExecuteAsync("ALTER SYSTEM RESET synchronous_standby_names");
        await ExecuteAsync("SELECT pg_reload_conf()");
    }

    /// <summary>Makes a standby a server that is written.</summary>
    internal Task PromoteAsync() => ExecuteAsync("SELECT pg_promote()");

    private async Task<long> CountAsync(string sql)
    {
        await using var command = _dataSource.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync())!;
    }
}
