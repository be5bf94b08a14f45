using Millrace.Connectors.Postgres.Protocol;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.Faults;

namespace Millrace.Connectors.Tests.Postgres.Protocol;

/// <summary>Every way to log in, on every version, against real servers.</summary>
public sealed class PgLoginTests(PgServers servers)
{
    private static readonly CancellationToken s_never = CancellationToken.None;

    [Theory]
    [MemberData(nameof(PgServers.Versions), MemberType = typeof(PgServers))]
    public async Task Every_method_logs_in(int version)
    {
        var server = await servers.GetAsync(version);
        foreach (var user in (string[])[PgServer.ScramUser, PgServer.Md5User, PgServer.ClearUser, PgServer.TrustUser])
        {
            foreach (var mode in (string[])["disable", "require"])
            {
                await using var connection = await OpenAsync(server.Url(user, query: $"sslmode={mode}"));
                Assert.Equal(mode == "require", connection.IsEncrypted);
                Assert.Equal(user, await ScalarAsync(connection, "SELECT current_user"));
                Assert.Equal(version, connection.ServerVersion / 10_000);
            }
        }
    }

    [Theory]
    [MemberData(nameof(PgServers.Versions), MemberType = typeof(PgServers))]
    public async Task Scram_is_bound_to_the_tls_channel(int version)
    {
        var server = await servers.GetAsync(version);
        await using var bound = await OpenAsync(server.Url(PgServer.ScramUser, query: "sslmode=require&channel_binding=require"));
        Assert.True(bound.IsEncrypted);
        await using var unbound = await OpenAsync(server.Url(PgServer.ScramUser, query: "sslmode=require&channel_binding=disable"));
        Assert.True(unbound.IsEncrypted);
        foreach (var (user, mode) in ((string, string)[])[(PgServer.ScramUser, "disable"), (PgServer.Md5User, "require"), (PgServer.TrustUser, "require"), (PgServer.ClearUser, "require")])
        {
            var fault = await Assert.ThrowsAsync<Fault>(() => OpenAsync(server.Url(user, query: $"sslmode={mode}&channel_binding=require")));
            Assert.Equal(FaultKind.Refused, fault.Kind);
            Assert.Contains("channel_binding=require", fault.Message);
        }
    }

    [Theory]
    [MemberData(nameof(PgServers.Versions), MemberType = typeof(PgServers))]
    public async Task A_wrong_password_is_refused_without_being_shown(int version)
    {
        var server = await servers.GetAsync(version);
        foreach (var user in (string[])[PgServer.ScramUser, PgServer.Md5User, PgServer.ClearUser])
        {
            var settings = PgSettings.Parse(server.Url(user)) with { Password = new PgSecret("hunter2") };
            var fault = await Assert.ThrowsAsync<Fault>(() => PgConnection.OpenAsync(settings, s_never));
            Assert.Equal((FaultKind.Refused, "28P01", FaultSide.Source, false), (fault.Kind, fault.Code, fault.Side, fault.Retryable));
            Assert.NotNull(fault.Advice);
            Assert.DoesNotContain("hunter2", fault.ToString());
        }
    }

    [Fact]
    public async Task A_missing_password_is_said_with_the_places_to_put_it()
    {
        var server = await servers.GetAsync();
        var settings = PgSettings.Parse(server.Url(PgServer.ScramUser)) with { Password = null, PasswordFileProblem = "the password file X was not used" };
        var fault = await Assert.ThrowsAsync<Fault>(() => PgConnection.OpenAsync(settings, s_never));
        Assert.Equal(FaultKind.Refused, fault.Kind);
        Assert.Contains("PGPASSWORD", fault.Advice);
        Assert.Contains("password file X", fault.Advice);
    }

    [Fact]
    public async Task Unknown_database_user_and_address_are_said()
    {
        var server = await servers.GetAsync();
        Assert.Equal("3D000", (await Assert.ThrowsAsync<Fault>(() => OpenAsync(server.Url(database: "no_such")))).Code);
        var refused = await Assert.ThrowsAsync<Fault>(() => OpenAsync(server.Url(PgServer.TlsUser, query: "sslmode=disable")));
        Assert.Equal(("28000", FaultKind.Refused), (refused.Code, refused.Kind));
    }

    [Theory]
    [MemberData(nameof(PgServers.Versions), MemberType = typeof(PgServers))]
    public async Task A_unix_socket_works_whatever_the_sslmode(int version)
    {
        var server = await servers.GetAsync(version);
        foreach (var query in (string[])["", "&sslmode=verify-full"])
        {
            var url = $"postgres://{PgServer.ScramUser}:{Uri.EscapeDataString(PgServer.Password)}@/postgres?host={server.SocketDirectory}&port={server.Port}{query}";
            await using var connection = await OpenAsync(url);
            Assert.False(connection.IsEncrypted);
            Assert.Equal(PgServer.ScramUser, await ScalarAsync(connection, "SELECT current_user"));
        }
    }

    [Fact]
    public async Task Ipv6_works()
    {
        Assert.SkipUnless(System.Net.Sockets.Socket.OSSupportsIPv6, "no IPv6 here");
        var server = await servers.GetAsync();
        await using var connection = await OpenAsync(server.Url(PgServer.ScramUser, host: "[::1]"));
        Assert.Equal("::1/128", await ScalarAsync(connection, "SELECT inet_client_addr()::text"));
    }

    [Fact]
    public async Task Nobody_listening_unknown_host_and_no_socket_are_unreachable()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        var port = ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        var refused = await Assert.ThrowsAsync<Fault>(() => OpenAsync($"postgres://u@127.0.0.1:{port}/d"));
        Assert.Equal((FaultKind.Unreachable, true), (refused.Kind, refused.Retryable));
        var unknown = await Assert.ThrowsAsync<Fault>(() => OpenAsync("postgres://u@no-such-host.invalid/d"));
        Assert.Equal(FaultKind.Unreachable, unknown.Kind);
        Assert.Contains("no-such-host.invalid", unknown.Message);
        var socket = await Assert.ThrowsAsync<Fault>(() => OpenAsync("postgres://u@/d?host=/no/such/folder"));
        Assert.Equal(FaultKind.Unreachable, socket.Kind);
        Assert.Contains("/no/such/folder/.s.PGSQL.5432", socket.Message);
    }

    [Fact]
    public async Task The_session_is_fixed_whatever_the_role_has_set()
    {
        var server = await servers.GetAsync();
        var database = await server.CreateDatabaseAsync();
        foreach (var setting in (string[])["datestyle = 'German'", "intervalstyle = 'iso_8601'", "timezone = 'Asia/Tokyo'", "bytea_output = 'escape'", "extra_float_digits = 0", "search_path = 'public'", "statement_timeout = '1s'", "row_security = on"])
            await server.ExecuteAsync($"ALTER DATABASE {database} SET {setting}");
        await using var connection = await OpenAsync(server.Url(database: database));
        var values = await connection.QueryAsync(
            "SELECT date '2024-12-31'::text, interval '1 day 2 hours'::text, timestamptz '2024-01-01 00:00:00+00'::text, '\\xff00'::bytea::text, (0.1::float8 + 0.2::float8)::text, "
            + "current_setting('search_path'), current_setting('statement_timeout'), current_setting('row_security'), current_setting('transaction_read_only')",
            [], s_never);
        Assert.Equal(["2024-12-31", "1 day 02:00:00", "2024-01-01 00:00:00+00", "\\xff00", "0.30000000000000004", "pg_catalog", "0", "off", "on"], values.Rows[0].AsEnumerable());
    }

    internal static Task<PgConnection> OpenAsync(string url) => PgConnection.OpenAsync(PgSettings.Parse(url), s_never);

    internal static async Task<string?> ScalarAsync(PgConnection connection, string sql) => (await connection.QueryAsync(sql, [], s_never)).Rows[0][0];
}
