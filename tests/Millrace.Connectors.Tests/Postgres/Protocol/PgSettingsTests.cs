using Millrace.Connectors.Postgres.Protocol;
using Millrace.Faults;

namespace Millrace.Connectors.Tests.Postgres.Protocol;

/// <summary>URLs, environment and password file, without a server.</summary>
public sealed class PgSettingsTests : IDisposable
{
    private readonly string _home = Directory.CreateTempSubdirectory("mlr-home-").FullName;
    private readonly Dictionary<string, string> _variables = [];

    public void Dispose() => Directory.Delete(_home, recursive: true);

    [Theory]
    [InlineData("postgres://u:p@h:1234/d", "u", "p", "h", 1234, "d")]
    [InlineData("postgresql://h", "me", null, "h", 5432, "me")]
    [InlineData("postgres://u@[2001:db8::1]:99/d", "u", null, "2001:db8::1", 99, "d")]
    [InlineData("postgres://u@[::1]", "u", null, "::1", 5432, "u")]
    [InlineData("postgres://%C3%A9:%2F%3A%40%3F%23%25%20%26@h/a%2Fb", "é", "/:@?#% &", "h", 5432, "a/b")]
    [InlineData("postgres://u:p@ss@h/d", "u", "p@ss", "h", 5432, "d")]
    [InlineData("postgres://u:a:b@h/d", "u", "a:b", "h", 5432, "d")]
    [InlineData("postgres://%2Frun%2Fpg:7/d", "me", null, "/run/pg", 7, "d")]
    [InlineData("postgres://u@/d?host=/run/pg&port=7", "u", null, "/run/pg", 7, "d")]
    [InlineData("postgres:///d?user=u&password=p%26&host=h", "u", "p&", "h", 5432, "d")]
    [InlineData("postgres://", "me", null, "localhost", 5432, "me")]
    [InlineData("postgres://u:😀@h", "u", "😀", "h", 5432, "u")]
    public void A_url_is_read(string url, string user, string? password, string host, int port, string database)
    {
        var settings = Parse(url);
        Assert.Equal((user, password, host, port, database), (settings.User, settings.Password?.Reveal(), settings.Host, settings.Port, settings.Database));
        Assert.Equal(host.StartsWith('/'), settings.IsUnixSocket);
    }

    [Fact]
    public void Parameters_are_read()
    {
        var settings = Parse("postgres://h/d?sslmode=verify-full&sslrootcert=r&sslcert=c&sslkey=k&sslpassword=s&application_name=a%20b&connect_timeout=7&options=-c%20x%3Dy&channel_binding=require&target_session_attrs=any");
        Assert.Equal((PgSslMode.VerifyFull, "r", "c", "k", "s"), (settings.SslMode, settings.SslRootCert, settings.SslCert, settings.SslKey, settings.SslPassword?.Reveal()));
        Assert.Equal(("a b", 7.0, "-c x=y", PgChannelBinding.Require), (settings.ApplicationName, settings.ConnectTimeout.TotalSeconds, settings.Options, settings.ChannelBinding));
        Assert.Equal(PgSslMode.Require, Parse("postgres://h/d?ssl=true").SslMode);
    }

    [Theory]
    [InlineData("mysql://h/d", "postgres://")]
    [InlineData("postgres://u:SECRET@h:x/d", "port")]
    [InlineData("postgres://u:SECRET@h:0/d", "port")]
    [InlineData("postgres://u:SECRET@h:65536/d", "port")]
    [InlineData("postgres://u:SEC/RET@h:5432/d", "port")]
    [InlineData("postgres://u:SEC?RET@h:5432/d", "=")]
    [InlineData("postgres://u:1?SECRET=2@h:5432/d", "not shown")]
    [InlineData("postgres://u:SECRET%2@h/d", "password")]
    [InlineData("postgres://u:SECRET%zz@h/d", "password")]
    [InlineData("postgres://u:SECRET%00@h/d", "password")]
    [InlineData("postgres://u:SECRET@h1,h2/d", "several hosts")]
    [InlineData("postgres://u:SECRET@[::1/d", "bracket")]
    [InlineData("postgres://u:SECRET@h/d?sslmode=maybe", "sslmode")]
    [InlineData("postgres://u:SECRET@h/d?sslmod=require", "'sslmod'")]
    [InlineData("postgres://u:SECRET@h/d?connect_timeout=-1", "connect_timeout")]
    [InlineData("postgres://u:SECRET@h/d?target_session_attrs=read-write", "target_session_attrs")]
    [InlineData("postgres://u:SECRET@h/d?sslrootcert=system&sslmode=require", "verify-full")]
    public void A_malformed_url_names_the_part_and_never_the_password(string url, string part)
    {
        var fault = Assert.Throws<Fault>(() => Parse(url));
        Assert.Equal((FaultKind.JobFile, FaultSide.Job), (fault.Kind, fault.Side));
        Assert.Contains(part, fault.Message);
        Assert.NotNull(fault.Advice);
        Assert.DoesNotContain("SEC", fault.ToString());
        Assert.DoesNotContain("RET", fault.ToString());
    }

    [Fact]
    public void Nothing_prints_the_password()
    {
        var settings = Parse("postgres://u:SECRET@h:1/d?sslpassword=SECRET");
        Assert.Equal("postgres://u@h:1/d", settings.ToString());
        Assert.Equal("postgres://u@[::1]:1/d", Parse("postgres://u@[::1]:1/d").ToString());
        Assert.DoesNotContain("SECRET", $"{settings} {settings.Password} {settings.SslPassword}");
    }

    [Fact]
    public void The_environment_fills_what_the_url_leaves_out()
    {
        foreach (var (name, value) in ((string, string)[])[("PGHOST", "eh"), ("PGPORT", "1"), ("PGUSER", "eu"), ("PGPASSWORD", "ep"), ("PGDATABASE", "ed"), ("PGSSLMODE", "require"), ("PGSSLROOTCERT", "er"), ("PGSSLCERT", "ec"), ("PGSSLKEY", "ek"), ("PGCONNECT_TIMEOUT", "3")])
            _variables[name] = value;
        var settings = Parse("postgres://");
        Assert.Equal(("eh", 1, "eu", "ep", "ed"), (settings.Host, settings.Port, settings.User, settings.Password?.Reveal(), settings.Database));
        Assert.Equal((PgSslMode.Require, "er", "ec", "ek", 3.0), (settings.SslMode, settings.SslRootCert, settings.SslCert, settings.SslKey, settings.ConnectTimeout.TotalSeconds));
        settings = Parse("postgres://u:p@h:2/d?sslmode=disable&connect_timeout=4");
        Assert.Equal(("h", 2, "u", "p", "d", PgSslMode.Disable, 4.0), (settings.Host, settings.Port, settings.User, settings.Password?.Reveal(), settings.Database, settings.SslMode, settings.ConnectTimeout.TotalSeconds));
        _variables["PGPORT"] = "x";
        Assert.Contains("PGPORT", Assert.Throws<Fault>(() => Parse("postgres://h")).Message);
    }

    [Theory]
    [InlineData("h:5432:d:u:secret", "secret")]
    [InlineData("*:*:*:*:secret", "secret")]
    [InlineData("# comment\n\nother:*:*:*:no\nh:*:d:u:first\nh:*:d:u:second", "first")]
    [InlineData("h:*:d:u:a\\:b\\\\c", "a:b\\c")]
    [InlineData("h:*:d:u:a:b", "a")]
    [InlineData("h:*:d:u:", "")]
    [InlineData("h:*:d:u", null)]
    [InlineData("h:5433:d:u:no", null)]
    [InlineData("\\*:*:*:*:no", null)]
    [InlineData("**:*:*:*:no", null)]
    public void The_password_file_is_searched(string content, string? expected)
    {
        WritePassFile(content, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var settings = Parse("postgres://u@h/d");
        Assert.Equal(expected, settings.Password?.Reveal());
        Assert.Null(settings.PasswordFileProblem);
        Assert.Equal("x", Parse("postgres://u:x@h/d").Password?.Reveal());
    }

    [Fact]
    public void A_password_file_that_others_may_read_is_not_used()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "file modes");
        WritePassFile("*:*:*:*:secret", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        var settings = Parse("postgres://u@h/d");
        Assert.Null(settings.Password);
        Assert.Contains("chmod 0600", settings.PasswordFileProblem);
    }

    [Fact]
    public void PGPASSFILE_names_another_file_and_localhost_stands_for_the_default_socket()
    {
        var other = Path.Combine(_home, "other");
        File.WriteAllText(other, "localhost:*:*:*:secret");
        File.SetUnixFileMode(other, UnixFileMode.UserRead);
        _variables["PGPASSFILE"] = other;
        Assert.Equal("secret", Parse("postgres://u@/d?host=/default/socket").Password?.Reveal());
        Assert.Null(Parse("postgres://u@/d?host=/other/socket").Password);
    }

    private PgSettings Parse(string url) => PgSettings.Parse(url, new PgEnvironment
    {
        Variable = name => _variables.GetValueOrDefault(name),
        Home = _home,
        UserName = "me",
        SocketDirectories = ["/default/socket"],
    });

    private void WritePassFile(string content, UnixFileMode mode)
    {
        var path = Path.Combine(_home, ".pgpass");
        File.WriteAllText(path, content);
        File.SetUnixFileMode(path, mode);
    }
}
