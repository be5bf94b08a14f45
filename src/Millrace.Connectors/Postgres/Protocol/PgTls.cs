using System.Formats.Asn1;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Millrace.Faults;

namespace Millrace.Connectors.Postgres.Protocol;

/// <summary>
/// TLS as libpq does it (PostgreSQL documentation, "SSL Support"): which certificate is taken under which sslmode, and the hash of
/// the server's certificate for SCRAM's channel binding.
/// </summary>
internal static class PgTls
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string RsaPss = "1.2.840.113549.1.1.10";

    /// <summary>True when the server's certificate is checked at all: a root file makes 'require' check it, as in libpq.</summary>
    internal static bool Verifies(PgSettings settings) =>
        settings.SslMode >= PgSslMode.VerifyCa || (settings.SslMode == PgSslMode.Require && HasRootFile(settings));

    /// <summary>Runs the handshake over <paramref name="inner"/>; gives the stream and the certificate's hash.</summary>
    internal static (SslStream Stream, byte[]? EndPointHash) Handshake(Stream inner, PgSettings settings)
    {
        string? problem = null;
        var stream = new SslStream(inner, leaveInnerStreamOpen: false);
        try
        {
            var options = new SslClientAuthenticationOptions
            {
                TargetHost = settings.Host,
                CertificateChainPolicy = ChainPolicy(settings),
                ClientCertificateContext = PgClientCertificate.Load(settings),
                RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
                {
                    problem = Verifies(settings) ? Problem(settings, certificate, chain, errors) : null;
                    return problem is null;
                },
            };
            stream.AuthenticateAsClient(options);
            return (stream, EndPointHash(stream.RemoteCertificate));
        }
        catch (Exception e) when (e is AuthenticationException or IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            stream.Dispose();
            throw Failed(settings, problem, e);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    private static Fault Failed(PgSettings settings, string? problem, Exception e) =>
        new(FaultKind.Refused, $"{settings}: TLS failed with sslmode={settings.SslMode.Name()}: {problem ?? (e.InnerException ?? e).Message}", e)
        {
            Side = FaultSide.Source,
            // A certificate stays what it is; a handshake that broke off may be the network.
            Retryable = problem is null && e is (IOException or SocketException),
            Code = "TLS",
            Advice = problem is null
                ? "Check that the server's TLS works (psql with the same sslmode), and that a client certificate is one that it takes."
                : "Give the authority's certificate as sslrootcert and connect by the name in the server's certificate; sslmode=verify-ca checks no name.",
        };

    private static bool HasRootFile(PgSettings settings) => settings.SslRootCert is { } path && path != "system" && File.Exists(path);

    private static X509ChainPolicy ChainPolicy(PgSettings settings)
    {
        // No downloads: a certificate must not make this process call addresses that it names.
        var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        policy.ApplicationPolicy.Add(new Oid(ServerAuthentication));
        if (!Verifies(settings) || settings.SslRootCert == "system")
            return policy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        if (settings.SslRootCert is not { } path || !File.Exists(path))
        {
            var where = settings.SslRootCert is { } missing ? $"the root certificate file {missing} does not exist" : "there is no root certificate file";
            throw PgErrors.NotAuthenticated(
                settings, $"sslmode={settings.SslMode.Name()} needs to know whom to trust, and {where}",
                "Give sslrootcert=FILE in the URL, PGSSLROOTCERT or ~/.postgresql/root.crt; sslrootcert=system (with verify-full) trusts the system's authorities.");
        }

        try
        {
            policy.CustomTrustStore.ImportFromPemFile(path);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw PgErrors.NotAuthenticated(settings, $"the root certificate file {path} can't be read: {e.Message}", "It must hold certificates in PEM format.");
        }

        return policy;
    }

    private static string? Problem(PgSettings settings, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is null)
            return "the server has no certificate";
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors))
        {
            var status = chain?.ChainStatus.Select(static s => s.StatusInformation.Trim().TrimEnd('.')).FirstOrDefault(static s => s.Length > 0);
            return $"the server's certificate is not trusted ({status ?? "no chain to an authority of sslrootcert"})";
        }

        // The name is compared here and not taken from the flags: they count a missing SNI match of verify-ca too.
        if (settings.SslMode == PgSslMode.VerifyFull && certificate is X509Certificate2 full && !IsFor(full, settings.Host))
            return $"the server's certificate is for {Names(full)}, not for the host {settings.Host}";
        return null;
    }

    private static bool IsFor(X509Certificate2 certificate, string host)
    {
        try
        {
            return certificate.MatchesHostname(host);
        }
        catch (ArgumentException)
        {
            // A name that DNS does not allow, an underscore for one: no certificate is for it.
            return false;
        }
    }

    private static string Names(X509Certificate2 certificate)
    {
        var names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>()
            .SelectMany(static e => e.EnumerateDnsNames().Concat(e.EnumerateIPAddresses().Select(static a => a.ToString())))
            .Take(5).ToList();
        return names.Count > 0 ? string.Join(", ", names) : certificate.Subject;
    }

    /// <summary>
    /// <c>tls-server-end-point</c> (RFC 5929): the certificate hashed with its signature's hash, SHA-256 where that is MD5 or SHA-1.
    /// Null for signatures without a hash of their own (Ed25519): there is no binding then.
    /// </summary>
    private static byte[]? EndPointHash(X509Certificate? certificate)
    {
        if (certificate is not X509Certificate2 full)
            return null;
        var algorithm = full.SignatureAlgorithm.Value == RsaPss ? PssHash(full) : full.SignatureAlgorithm.Value;
        return algorithm switch
        {
            // MD5, SHA-1, SHA-256: with RSA, ECDSA, DSA, and bare (PSS).
            "1.2.840.113549.1.1.4" or "1.2.840.113549.1.1.5" or "1.2.840.10045.4.1" or "1.3.14.3.2.26"
                or "1.2.840.113549.1.1.11" or "1.2.840.10045.4.3.2" or "2.16.840.1.101.3.4.2.1" => SHA256.HashData(full.RawData),
            "1.2.840.113549.1.1.12" or "1.2.840.10045.4.3.3" or "2.16.840.1.101.3.4.2.2" => SHA384.HashData(full.RawData),
            "1.2.840.113549.1.1.13" or "1.2.840.10045.4.3.4" or "2.16.840.1.101.3.4.2.3" => SHA512.HashData(full.RawData),
            _ => null,
        };
    }

    /// <summary>RSASSA-PSS names its hash in the parameters (RFC 4055); SHA-1 when it names none.</summary>
    private static string? PssHash(X509Certificate2 certificate)
    {
        try
        {
            var outer = new AsnReader(certificate.RawData, AsnEncodingRules.DER).ReadSequence();
            outer.ReadEncodedValue();
            var algorithm = outer.ReadSequence();
            algorithm.ReadObjectIdentifier();
            var parameters = algorithm.ReadSequence();
            var hashTag = new Asn1Tag(TagClass.ContextSpecific, 0, isConstructed: true);
            return parameters.HasData && parameters.PeekTag() == hashTag
                ? parameters.ReadSequence(hashTag).ReadSequence().ReadObjectIdentifier()
                : "1.3.14.3.2.26";
        }
        catch (AsnContentException)
        {
            return null;
        }
    }
}
