using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Millrace.Connectors.Tests.Postgres.Servers;

/// <summary>
/// A real PostgreSQL server for the tests of this run: on 127.0.0.1, ::1 and a unix socket, with TLS for the name <c>localhost</c>,
/// and a user for each way to log in. Every user's password is <see cref="Password"/>. It dies with the test process.
/// </summary>
public sealed partial class PgServer : IAsyncDisposable
{
    /// <summary>The superuser; every other user has no rights until a test grants them.</summary>
    public const string Superuser = "postgres";

    /// <summary>SCRAM over TCP, TLS or not.</summary>
    public const string ScramUser = "scram_user";

    /// <summary>The md5 method.</summary>
    public const string Md5User = "md5_user";

    /// <summary>A password in clear text.</summary>
    public const string ClearUser = "clear_user";

    /// <summary>No password.</summary>
    public const string TrustUser = "trust_user";

    /// <summary>A client certificate and nothing else.</summary>
    public const string CertUser = "cert_user";

    /// <summary>Let in under TLS only.</summary>
    public const string TlsUser = "tls_user";

    /// <summary>Let in without TLS only.</summary>
    public const string PlainUser = "plain_user";

    /// <summary>Everybody's password: with every character that a URL or a password file must escape.</summary>
    public const string Password = @"p@ss:w/rd?#%&=\ é";

    private const string Access = """
        local all trust_user trust
        local all all scram-sha-256
        host all trust_user all trust
        host all md5_user all md5
        host all clear_user all password
        hostssl all cert_user all cert
        host all cert_user all reject
        hostssl all tls_user all scram-sha-256
        host all tls_user all reject
        hostnossl all plain_user all scram-sha-256
        host all plain_user all reject
        host all all all scram-sha-256
        host replication postgres all scram-sha-256
        """;

    // When our end of the shell's input closes, however we died, it stops the server.
    private const string Guard = """
        "$@" </dev/null & server=$!
        cat >/dev/null
        kill -QUIT $server 2>/dev/null; wait $server
        """;

    private readonly string[] _command;
    private Process _guard;
    private readonly NpgsqlDataSource _dataSource;
    private int _databases;

    private PgServer(int version, string folder, int port, PgCertificates certificates, string[] command, Process guard)
    {
        Version = version;
        SocketDirectory = folder;
        Port = port;
        Certificates = certificates;
        _command = command;
        _guard = guard;
        _dataSource = NpgsqlDataSource.Create(ConnectionString());
    }

    /// <summary>12, 15 or 18.</summary>
    public int Version { get; }

    /// <summary>The TCP port, on 127.0.0.1 and, where the machine has it, ::1.</summary>
    public int Port { get; }

    /// <summary>The folder with the unix socket.</summary>
    public string SocketDirectory { get; }

    /// <summary>The authority of the server's certificate, and client certificates.</summary>
    public PgCertificates Certificates { get; }

    /// <summary>A URL with the user's password; <paramref name="query"/> is what stands behind the '?'.</summary>
    public string Url(string user = Superuser, string database = "postgres", string? query = null, string host = "127.0.0.1") =>
        $"postgres://{user}:{Uri.EscapeDataString(Password)}@{host}:{Port.ToString(CultureInfo.InvariantCulture)}/{database}{(query is null ? "" : $"?{query}")}";

    /// <summary>Npgsql's connection string for the superuser: the independent client.</summary>
    public string ConnectionString(string database = "postgres") => new NpgsqlConnectionStringBuilder
    {
        Host = "127.0.0.1",
        Port = Port,
        Username = Superuser,
        Password = Password,
        Database = database,
        SslMode = SslMode.Disable,
        MaxPoolSize = 10,
    }.ConnectionString;

    /// <summary>A superuser's connection through Npgsql, to the database <c>postgres</c>.</summary>
    public ValueTask<NpgsqlConnection> OpenAsync() => _dataSource.OpenConnectionAsync();

    /// <summary>Runs SQL as superuser in the database <c>postgres</c>, through Npgsql.</summary>
    public async Task ExecuteAsync(string sql)
    {
        await using var command = _dataSource.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Makes an empty database with a name of its own, for a test that wants no neighbours.</summary>
    public async Task<string> CreateDatabaseAsync()
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"test_{Interlocked.Increment(ref _databases)}");
        await ExecuteAsync($"CREATE DATABASE {name}");
        return name;
    }

    /// <summary>Makes a server of this version and waits until it takes connections.</summary>
    /// <param name="version">The version.</param>
    /// <param name="folder">Its folder.</param>
    /// <param name="certificates">Where its certificate is from.</param>
    /// <param name="durable">Whether a commit is safe from a crash of the server when it is answered; else the last ones may be lost.</param>
    internal static async Task<PgServer> StartAsync(int version, string folder, PgCertificates certificates, bool durable = false)
    {
        var binaries = await PgBinaries.FindAsync(version);
        var account = PgAccount.Find();
        PgServers.CreateOpenFolder(folder);
        if (account is not null && binaries.StartsWith(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), StringComparison.Ordinal))
        {
            // Root's home is closed to the server's user.
            await PgBinaries.RunAsync("cp", "/", "-a", binaries, Path.Combine(folder, "native"));
            binaries = Path.Combine(folder, "native");
        }

        certificates.WriteServer(folder, version);
        File.Copy(certificates.RootFile, Path.Combine(folder, "root.crt"));
        await File.WriteAllTextAsync(Path.Combine(folder, "password"), Password);
        if (account is not null)
            await account.OwnAsync(folder);
        var data = Path.Combine(folder, "data");
        string[] initdb =
        [
            .. account?.Prefix ?? [], Path.Combine(binaries, "bin", "initdb"), "-D", data, "-U", Superuser, "--pwfile", Path.Combine(folder, "password"),
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync",
        ];
        await PgBinaries.RunAsync(initdb[0], folder, initdb[1..]);
        await File.WriteAllTextAsync(Path.Combine(data, "pg_hba.conf"), Access);
        var port = FreePort();
        string[] command = [.. account?.Prefix ?? [], Path.Combine(binaries, "bin", "postgres"), .. Options(folder, data, port), .. durable ? Durable : []];
        var server = new PgServer(version, folder, port, certificates, command, await LaunchAsync(command));
        await server.CreateUsersAsync();
        return server;
    }

    private static string[] Options(string folder, string data, int port) =>
    [
        "-D", data, "-k", folder, "-p", port.ToString(CultureInfo.InvariantCulture), "-h", Socket.OSSupportsIPv6 ? "127.0.0.1,::1" : "127.0.0.1",
        "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "shared_buffers=64MB", "-c", "max_connections=100",
        "-c", "unix_socket_permissions=0777", "-c", "ssl=on", "-c", $"ssl_cert_file={folder}/server.crt", "-c", $"ssl_key_file={folder}/server.key",
        "-c", $"ssl_ca_file={folder}/root.crt", "-c", "password_encryption=scram-sha-256", "-c", "max_prepared_transactions=4",
    ];

    private static string[] Durable => ["-c", "synchronous_commit=on"];

    private static async Task<Process> LaunchAsync(string[] command)
    {
        var start = new ProcessStartInfo("/bin/sh", ["-c", Guard, "sh", .. command])
        {
            WorkingDirectory = "/",
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardError = true,
        };
        var guard = Process.Start(start) ?? throw new InvalidOperationException("the server did not start");
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var log = new Queue<string>();
        guard.ErrorDataReceived += (_, line) =>
        {
            lock (log)
            {
                log.Enqueue(line.Data ?? "(the log ended)");
                if (log.Count > 50)
                    log.Dequeue();
                if (line.Data is null || line.Data.Contains("database system is shut down", StringComparison.Ordinal))
                    ready.TrySetException(new InvalidOperationException($"the server did not start:\n{string.Join('\n', log)}"));
            }

            if (line.Data?.Contains("ready to accept", StringComparison.Ordinal) == true)
                ready.TrySetResult();
        };
        guard.BeginErrorReadLine();
        try
        {
            await ready.Task.WaitAsync(TimeSpan.FromSeconds(60));
            return guard;
        }
        catch
        {
            guard.StandardInput.Close();
            throw;
        }
    }

    private async Task CreateUsersAsync()
    {
        var password = Password.Replace("'", "''", StringComparison.Ordinal);
        foreach (var user in (string[])[ScramUser, ClearUser, TrustUser, CertUser, TlsUser, PlainUser])
            await ExecuteAsync($"CREATE ROLE {user} LOGIN PASSWORD '{password}'");
        await ExecuteAsync($"SET password_encryption = 'md5'; CREATE ROLE {Md5User} LOGIN PASSWORD '{password}'; RESET password_encryption");
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Stops the server, ending every session, and starts it again on the same data and port.</summary>
    /// <param name="crash">As a crash would (PostgreSQL's immediate mode), or in order (its fast mode).</param>
    internal async Task RestartAsync(bool crash)
    {
        if (!crash) await ShutDownAsync();
        await StopAsync();
        _dataSource.Clear();
        _guard = await LaunchAsync(_command);
    }

    private async Task ShutDownAsync()
    {
        var file = Path.Combine(SocketDirectory, "data", "postmaster.pid");
        await PgBinaries.RunAsync("kill", "/", "-INT", (await File.ReadAllLinesAsync(file))[0]);
        while (File.Exists(file)) await Task.Delay(10);
    }

    private async Task StopAsync()
    {
        _guard.StandardInput.Close();
        await _guard.WaitForExitAsync();
        _guard.Dispose();
    }

    /// <summary>Stops the server.</summary>
    public async ValueTask DisposeAsync()
    {
        await _dataSource.DisposeAsync();
        await StopAsync();
    }
}
