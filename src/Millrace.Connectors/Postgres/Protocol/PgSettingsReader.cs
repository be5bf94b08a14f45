using System.Globalization;
using System.Net;

namespace Millrace.Connectors.Postgres.Protocol;

/// <summary>Completes a URL's keywords from the environment, the password file and libpq's defaults, in that order.</summary>
internal sealed class PgSettingsReader
{
    /// <summary>libpq's keyword and its environment variable, where it has one.</summary>
    private static readonly (string Keyword, string? Variable)[] s_keywords =
    [
        ("host", "PGHOST"), ("port", "PGPORT"), ("user", "PGUSER"), ("password", "PGPASSWORD"), ("dbname", "PGDATABASE"),
        ("sslmode", "PGSSLMODE"), ("sslrootcert", "PGSSLROOTCERT"), ("sslcert", "PGSSLCERT"), ("sslkey", "PGSSLKEY"), ("sslpassword", null),
        ("channel_binding", "PGCHANNELBINDING"), ("application_name", "PGAPPNAME"), ("connect_timeout", "PGCONNECT_TIMEOUT"),
        ("options", "PGOPTIONS"), ("passfile", "PGPASSFILE"), ("target_session_attrs", "PGTARGETSESSIONATTRS"), ("gssencmode", "PGGSSENCMODE"),
    ];

    private readonly Dictionary<string, string> _url;
    private readonly PgEnvironment _environment;

    internal PgSettingsReader(Dictionary<string, string> url, PgEnvironment environment)
    {
        _url = url;
        _environment = environment;
    }

    internal static string KnownKeywords => string.Join(", ", s_keywords.Select(static k => k.Keyword));

    internal static bool IsKeyword(string name) => Array.Exists(s_keywords, k => k.Keyword == name);

    internal PgSettings Read()
    {
        RefuseWhatIsNotDone();
        var port = Number("port", PgSettings.PortDefault, 1, IPEndPoint.MaxPort);
        var host = Value("host") ?? DefaultHost(port);
        if (host.Contains(',', StringComparison.Ordinal))
            throw PgUrl.Malformed("it names several hosts", "Name one host: a run reads one server's snapshot.");
        var user = Value("user") ?? _environment.UserName;
        var settings = new PgSettings
        {
            Host = host,
            Port = port,
            User = user,
            Database = Value("dbname") ?? user,
            SslMode = Value("sslmode") is { } mode
                ? PgSslModes.Find(mode) ?? throw Invalid("sslmode", "disable, allow, prefer, require, verify-ca or verify-full")
                : PgSslMode.Prefer,
            SslRootCert = Value("sslrootcert") ?? ExistingFile("root.crt"),
            SslCert = Value("sslcert") ?? ExistingFile("postgresql.crt"),
            SslKey = Value("sslkey") ?? ExistingFile("postgresql.key"),
            SslPassword = Value("sslpassword") is { } phrase ? new PgSecret(phrase) : null,
            ChannelBinding = ReadChannelBinding(),
            ApplicationName = Value("application_name") ?? "millrace",
            Options = Value("options"),
            ConnectTimeout = TimeSpan.FromSeconds(Number("connect_timeout", Limits.PgConnectSecondsDefault, 1, Limits.PgConnectSecondsMax)),
        };
        if (settings.SslRootCert == "system" && settings.SslMode != PgSslMode.VerifyFull)
            throw PgUrl.Malformed("sslrootcert=system goes with sslmode=verify-full only", "Anybody can have a certificate of a public authority: its name must be checked.");
        return WithPassword(settings);
    }

    /// <summary>An explicit password wins; the password file is asked last, as in libpq.</summary>
    private PgSettings WithPassword(PgSettings settings)
    {
        if (Value("password") is { } password)
            return settings with { Password = new PgSecret(password) };
        var file = new PgPassFile(Value("passfile") ?? PgPassFile.DefaultPath(_environment));
        var found = file.Find(settings, isDefaultSocket: _environment.SocketDirectories.Contains(settings.Host), out var problem);
        return settings with { Password = found, PasswordFileProblem = problem };
    }

    private void RefuseWhatIsNotDone()
    {
        if (Value("target_session_attrs") is { } target && target != "any")
            throw PgUrl.Malformed("target_session_attrs other than 'any' is not supported", "Name the server that is meant as the host.");
        if (Value("gssencmode") == "require")
            throw PgUrl.Malformed("gssencmode=require is not supported", "Use TLS: sslmode=verify-full.");
    }

    private PgChannelBinding ReadChannelBinding() => Value("channel_binding") switch
    {
        null or "prefer" => PgChannelBinding.Prefer,
        "require" => PgChannelBinding.Require,
        "disable" => PgChannelBinding.Disable,
        _ => throw Invalid("channel_binding", "disable, prefer or require"),
    };

    private string? Value(string keyword)
    {
        if (_url.TryGetValue(keyword, out var value))
            return value;
        return Array.Find(s_keywords, k => k.Keyword == keyword).Variable is { } variable ? _environment.Value(variable) : null;
    }

    private int Number(string keyword, int standard, int min, int max)
    {
        if (Value(keyword) is not { } text)
            return standard;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max)
            return value;
        throw Invalid(keyword, $"a number from {min} to {max}");
    }

    /// <summary>The value is not repeated: what stands where the port should be is often the rest of a password.</summary>
    private Faults.Fault Invalid(string keyword, string expected)
    {
        var origin = _url.ContainsKey(keyword) ? keyword : $"{keyword} (from {Array.Find(s_keywords, k => k.Keyword == keyword).Variable})";
        return PgUrl.Malformed(
            $"its {origin} is not {expected}",
            keyword == "port" ? "If the password has a ':', '/', '@' or '?', percent-encode it (a '/' is %2F)." : $"Write {expected}.");
    }

    private string? ExistingFile(string name)
    {
        var path = Path.Combine(_environment.Home, ".postgresql", name);
        return File.Exists(path) ? path : null;
    }

    private string DefaultHost(int port)
    {
        var socket = $".s.PGSQL.{port.ToString(CultureInfo.InvariantCulture)}";
        return _environment.SocketDirectories.FirstOrDefault(folder => File.Exists(Path.Combine(folder, socket))) ?? "localhost";
    }
}
