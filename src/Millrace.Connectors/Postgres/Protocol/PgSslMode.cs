namespace Millrace.Connectors.Postgres.Protocol;

/// <summary>How much TLS a connection insists on; the meanings are libpq's.</summary>
public enum PgSslMode
{
    /// <summary>Never TLS.</summary>
    Disable = 0,

    /// <summary>Plain first, TLS when the server refuses a plain connection.</summary>
    Allow = 1,

    /// <summary>TLS first, plain when the server has none or it fails. The default.</summary>
    Prefer = 2,

    /// <summary>TLS always; the certificate is checked against the root file only when that file exists.</summary>
    Require = 3,

    /// <summary>TLS, and the certificate must be signed by an authority of the root file.</summary>
    VerifyCa = 4,

    /// <summary>As <see cref="VerifyCa"/>, and the certificate must name the host.</summary>
    VerifyFull = 5,
}

/// <summary>Whether SCRAM must be bound to the TLS channel (<c>tls-server-end-point</c>), so that nobody sits in between.</summary>
public enum PgChannelBinding
{
    /// <summary>Never bound.</summary>
    Disable = 0,

    /// <summary>Bound when both sides can. The default.</summary>
    Prefer = 1,

    /// <summary>A connection that is not authenticated with channel binding is refused.</summary>
    Require = 2,
}

/// <summary>The spelling of the modes in URLs and environment variables.</summary>
internal static class PgSslModes
{
    private static readonly string[] s_names = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

    internal static string Name(this PgSslMode mode) => s_names[(int)mode];

    internal static PgSslMode? Find(string name)
    {
        var index = Array.IndexOf(s_names, name);
        return index < 0 ? null : (PgSslMode)index;
    }
}
