using System.Globalization;
using Millrace.Faults;

namespace Millrace.Connectors.Postgres.Protocol;

/// <summary>
/// Where a PostgreSQL server is and how to log in: a <c>postgres://</c> URL, completed from the environment (<c>PGHOST</c> and its
/// kin), the password file and libpq's defaults. Immutable; never prints a secret.
/// </summary>
public sealed record PgSettings
{
    /// <summary>The port when nothing names one.</summary>
    public const int PortDefault = 5432;

    /// <summary>A host name, an IPv4 or IPv6 address without brackets, or, starting with a slash, a folder with the server's unix socket.</summary>
    public required string Host { get; init; }

    /// <summary>1 to 65535; for a unix socket a part of the socket's file name.</summary>
    public int Port { get; init; } = PortDefault;

    /// <summary>The database user.</summary>
    public required string User { get; init; }

    /// <summary>Null when none was found anywhere: right for <c>trust</c> and client certificates.</summary>
    public PgSecret? Password { get; init; }

    /// <summary>The database; the user's name when nothing names one.</summary>
    public required string Database { get; init; }

    /// <summary>How much TLS is asked for. Not used on unix sockets, as in libpq.</summary>
    public PgSslMode SslMode { get; init; } = PgSslMode.Prefer;

    /// <summary>A PEM file of trusted authorities, <c>system</c> for the operating system's, or null for none.</summary>
    public string? SslRootCert { get; init; }

    /// <summary>A PEM file with the client's certificate (and its chain), or null.</summary>
    public string? SslCert { get; init; }

    /// <summary>A PEM file with the private key of <see cref="SslCert"/>.</summary>
    public string? SslKey { get; init; }

    /// <summary>The phrase that opens an encrypted <see cref="SslKey"/>.</summary>
    public PgSecret? SslPassword { get; init; }

    /// <summary>Whether SCRAM must be bound to the TLS channel.</summary>
    public PgChannelBinding ChannelBinding { get; init; } = PgChannelBinding.Prefer;

    /// <summary>The name that the server's administrator sees.</summary>
    public string ApplicationName { get; init; } = "millrace";

    /// <summary>Command-line options for the server process (<c>-c name=value</c>), or null.</summary>
    public string? Options { get; init; }

    /// <summary>The time from the first packet to a usable session, all addresses and both TLS attempts together.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(Limits.PgConnectSecondsDefault);

    /// <summary>Why the password file was not used (its permissions), for the advice when a password is missing; null when all is well.</summary>
    public string? PasswordFileProblem { get; init; }

    /// <summary>True when <see cref="Host"/> is a folder with a unix socket.</summary>
    public bool IsUnixSocket => Host.StartsWith('/');

    /// <summary>
    /// Reads <c>postgres://user:password@host:port/database?sslmode=…</c>; what it leaves out comes from
    /// <paramref name="environment"/>, then the password file, then libpq's defaults. Throws a <see cref="Fault"/> (JobFile) that names
    /// the part that is wrong and never shows a value that could hold a piece of the password.
    /// </summary>
    public static PgSettings Parse(string url, PgEnvironment? environment = null) =>
        new PgSettingsReader(PgUrl.Parse(url), environment ?? PgEnvironment.Process).Read();

    /// <summary><c>postgres://user@host:port/database</c>: no secret.</summary>
    public override string ToString() => $"postgres://{Uri.EscapeDataString(User)}@{Address}/{Uri.EscapeDataString(Database)}";

    /// <summary>What sessions may do; set by <see cref="PgConnection.OpenAsync"/>.</summary>
    internal PgAccess Access { get; init; } = PgAccess.Read;

    /// <summary>The side that errors are on.</summary>
    internal FaultSide Side => Access.Writes ? FaultSide.Target : FaultSide.Source;

    /// <summary>Host and port as in a URL: for messages.</summary>
    internal string Address
    {
        get
        {
            var port = Port.ToString(CultureInfo.InvariantCulture);
            if (IsUnixSocket)
                return $"{Uri.EscapeDataString(Host)}:{port}";
            return Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]:{port}" : $"{Host}:{port}";
        }
    }

    /// <summary>The file of the unix socket in the folder <see cref="Host"/>.</summary>
    internal string SocketPath => $"{Host.TrimEnd('/')}/.s.PGSQL.{Port.ToString(CultureInfo.InvariantCulture)}";
}
