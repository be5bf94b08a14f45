using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Millrace.Connectors.Postgres.Protocol;

/// <summary>The client's certificate and key from PEM files.</summary>
internal static class PgClientCertificate
{
    /// <summary>The certificate with its chain, or null when there is no file. Throws a fault when there is one that can't be used.</summary>
    internal static SslStreamCertificateContext? Load(PgSettings settings)
    {
        if (settings.SslCert is not { } certFile || !File.Exists(certFile))
            return null;
        var keyFile = settings.SslKey ?? certFile;
        RefuseOpenKey(settings, keyFile);
        try
        {
            var certificate = settings.SslPassword is { } phrase
                ? X509Certificate2.CreateFromEncryptedPemFile(certFile, phrase.Reveal(), keyFile)
                : X509Certificate2.CreateFromPemFile(certFile, keyFile);
            var chain = new X509Certificate2Collection();
            chain.ImportFromPemFile(certFile);
            return SslStreamCertificateContext.Create(certificate, chain, offline: true);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw PgErrors.NotAuthenticated(
                settings, $"the client certificate {certFile} with the key {keyFile} can't be used: {e.Message}",
                "Both must be PEM files that belong together; an encrypted key must be PKCS#8 ('BEGIN ENCRYPTED PRIVATE KEY') with its sslpassword.");
        }
    }

    /// <summary>libpq's rule: nobody else may read the key, except root's key, which a group may.</summary>
    private static void RefuseOpenKey(PgSettings settings, string keyFile)
    {
        if (OperatingSystem.IsWindows() || !File.Exists(keyFile))
            return;
        const UnixFileMode Open = UnixFileMode.GroupWrite | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
        if ((File.GetUnixFileMode(keyFile) & Open) != UnixFileMode.None)
            throw PgErrors.NotAuthenticated(settings, $"others may read the private key {keyFile}", $"chmod 0600 {keyFile}");
    }
}
