using Millrace.Connectors.Postgres.Protocol;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.Faults;

namespace Millrace.Connectors.Tests.Postgres.Protocol;

/// <summary>The six sslmodes, root files and client certificates, on every version.</summary>
public sealed class PgTlsTests(PgServers servers)
{
    [Theory]
    [MemberData(nameof(PgServers.Versions), MemberType = typeof(PgServers))]
    public async Task Each_sslmode_takes_what_it_should(int version)
    {
        var server = await servers.GetAsync(version);
        var root = $"&sslrootcert={server.Certificates.RootFile}";
        foreach (var (user, mode, host, encrypted) in ((string, string, string, bool)[])
        [
            (PgServer.ScramUser, "disable", "127.0.0.1", false),
            (PgServer.ScramUser, "allow", "127.0.0.1", false),
            (PgServer.TlsUser, "allow", "127.0.0.1", true),
            (PgServer.ScramUser, "prefer", "127.0.0.1", true),
            (PgServer.PlainUser, "prefer", "127.0.0.1", false),
            (PgServer.ScramUser, "require", "127.0.0.1", true),
            (PgServer.ScramUser, "require" + root, "127.0.0.1", true),
            (PgServer.ScramUser, "verify-ca" + root, "127.0.0.1", true),
            (PgServer.ScramUser, "verify-full" + root, "localhost", true),
        ])
        {
            await using var connection = await PgLoginTests.OpenAsync(server.Url(user, query: $"sslmode={mode}", host: host));
            Assert.Equal((mode, encrypted), (mode, connection.IsEncrypted));
            Assert.Equal(encrypted ? "t" : "f", await PgLoginTests.ScalarAsync(connection, "SELECT ssl::text::char FROM pg_stat_ssl WHERE pid = pg_backend_pid()"));
        }
    }

    [Theory]
    [MemberData(nameof(PgServers.Versions), MemberType = typeof(PgServers))]
    public async Task Each_sslmode_refuses_what_it_should(int version)
    {
        var server = await servers.GetAsync(version);
        var root = $"&sslrootcert={server.Certificates.RootFile}";
        var stranger = $"&sslrootcert={server.Certificates.StrangerFile}";
        foreach (var (user, query, expected) in ((string, string, string)[])
        [
            (PgServer.TlsUser, "sslmode=disable", "28000"),
            (PgServer.PlainUser, "sslmode=require", "28000"),
            (PgServer.ScramUser, "sslmode=require" + stranger, "not trusted"),
            (PgServer.ScramUser, "sslmode=verify-ca" + stranger, "not trusted"),
            (PgServer.ScramUser, "sslmode=verify-full" + stranger, "not trusted"),
            (PgServer.ScramUser, "sslmode=verify-full" + root, "is for localhost, not for the host 127.0.0.1"),
            (PgServer.ScramUser, "sslmode=verify-full&sslrootcert=system", "not trusted"),
            (PgServer.ScramUser, "sslmode=verify-ca&sslrootcert=/no/such/file", "/no/such/file"),
        ])
        {
            var fault = await Assert.ThrowsAsync<Fault>(() => PgLoginTests.OpenAsync(server.Url(user, query: query)));
            Assert.Equal((query, FaultKind.Refused, false), (query, fault.Kind, fault.Retryable));
            Assert.Contains(expected, fault.Message);
            Assert.NotNull(fault.Advice);
        }
    }

    [Theory]
    [MemberData(nameof(PgServers.Versions), MemberType = typeof(PgServers))]
    public async Task A_client_certificate_logs_in(int version)
    {
        var server = await servers.GetAsync(version);
        var certificates = server.Certificates;
        foreach (var key in (string[])[certificates.ClientKeyFile, $"{certificates.EncryptedClientKeyFile}&sslpassword={Uri.EscapeDataString(PgCertificates.KeyPhrase)}"])
        {
            var url = $"postgres://{PgServer.CertUser}@localhost:{server.Port}/postgres?sslmode=verify-full&sslrootcert={certificates.RootFile}&sslcert={certificates.ClientCertFile}&sslkey={key}";
            await using var connection = await PgLoginTests.OpenAsync(url);
            Assert.Equal(PgServer.CertUser, await PgLoginTests.ScalarAsync(connection, "SELECT current_user"));
        }

        var without = await Assert.ThrowsAsync<Fault>(() => PgLoginTests.OpenAsync(server.Url(PgServer.CertUser, query: "sslmode=require")));
        Assert.Equal(FaultKind.Refused, without.Kind);
    }

    [Fact]
    public async Task A_client_certificate_that_can_not_be_used_is_said()
    {
        var server = await servers.GetAsync();
        var certificates = server.Certificates;
        var open = Path.Combine(certificates.Folder, "open.key");
        File.Copy(certificates.ClientKeyFile, open, overwrite: true);
        File.SetUnixFileMode(open, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        var noKey = Path.Combine(certificates.Folder, "no.key");
        File.Copy(certificates.RootFile, noKey, overwrite: true);
        File.SetUnixFileMode(noKey, UnixFileMode.UserRead);
        foreach (var (key, expected) in ((string, string)[])[(open, "others may read"), (certificates.EncryptedClientKeyFile, "can't be used"), (noKey, "can't be used")])
        {
            var fault = await Assert.ThrowsAsync<Fault>(() => PgLoginTests.OpenAsync(server.Url(PgServer.CertUser, query: $"sslmode=require&sslcert={certificates.ClientCertFile}&sslkey={key}")));
            Assert.Equal(FaultKind.Refused, fault.Kind);
            Assert.Contains(expected, fault.Message);
        }
    }
}
