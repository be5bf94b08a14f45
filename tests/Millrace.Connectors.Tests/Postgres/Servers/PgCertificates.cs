using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Millrace.Connectors.Tests.Postgres.Servers;

/// <summary>
/// An authority, certificates that it signed for servers and for the user <see cref="PgServer.CertUser"/>, and another authority
/// that signed nothing, as PEM files in one folder.
/// </summary>
public sealed class PgCertificates
{
    private readonly X509Certificate2 _authority;

    /// <summary>Makes the authorities and the client's certificate.</summary>
    internal PgCertificates(string folder)
    {
        Folder = folder;
        _authority = Authority("Millrace test authority");
        using var stranger = Authority("Another authority");
        File.WriteAllText(RootFile, _authority.ExportCertificatePem());
        File.WriteAllText(StrangerFile, stranger.ExportCertificatePem());
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={PgServer.CertUser}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        using var certificate = Sign(request);
        File.WriteAllText(ClientCertFile, certificate.ExportCertificatePem());
        WriteKey(ClientKeyFile, key.ExportPkcs8PrivateKeyPem());
        WriteKey(EncryptedClientKeyFile, key.ExportEncryptedPkcs8PrivateKeyPem(
            KeyPhrase, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, iterationCount: 1000)));
    }

    /// <summary>Opens <see cref="EncryptedClientKeyFile"/>.</summary>
    public const string KeyPhrase = "key phrase";

    /// <summary>All files are here.</summary>
    public string Folder { get; }

    /// <summary>The authority that signed the servers' certificates.</summary>
    public string RootFile => Path.Combine(Folder, "root.crt");

    /// <summary>An authority that did not.</summary>
    public string StrangerFile => Path.Combine(Folder, "stranger.crt");

    /// <summary>The client certificate of <see cref="PgServer.CertUser"/>.</summary>
    public string ClientCertFile => Path.Combine(Folder, "client.crt");

    /// <summary>Its key.</summary>
    public string ClientKeyFile => Path.Combine(Folder, "client.key");

    /// <summary>Its key, encrypted.</summary>
    public string EncryptedClientKeyFile => Path.Combine(Folder, "client-encrypted.key");

    /// <summary>
    /// Writes <c>server.crt</c> and <c>server.key</c> for the name <c>localhost</c> alone. Each version gets another kind of
    /// signature, for each hashes differently in channel binding.
    /// </summary>
    internal void WriteServer(string folder, int version)
    {
        if (version is 12)
        {
            using var rsa = RSA.Create(2048);
            WriteServer(folder, new CertificateRequest("CN=localhost", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1), rsa.ExportPkcs8PrivateKeyPem());
        }
        else
        {
            using var elliptic = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var hash = version >= 18 ? HashAlgorithmName.SHA512 : HashAlgorithmName.SHA384;
            WriteServer(folder, new CertificateRequest("CN=localhost", elliptic, hash), elliptic.ExportPkcs8PrivateKeyPem());
        }
    }

    private void WriteServer(string folder, CertificateRequest request, string key)
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        using var certificate = Sign(request);
        File.WriteAllText(Path.Combine(folder, "server.crt"), certificate.ExportCertificatePem());
        WriteKey(Path.Combine(folder, "server.key"), key);
    }

    private X509Certificate2 Sign(CertificateRequest request)
    {
        // The authority's key is ECDSA, the request's may be RSA: the generator is named, not derived.
        var generator = X509SignatureGenerator.CreateForECDsa(_authority.GetECDsaPrivateKey()!);
        var now = DateTimeOffset.UtcNow;
        return request.Create(_authority.SubjectName, generator, now.AddHours(-1), now.AddDays(1), RandomNumberGenerator.GetBytes(8));
    }

    private static X509Certificate2 Authority(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        var now = DateTimeOffset.UtcNow;
        return request.CreateSelfSigned(now.AddHours(-2), now.AddDays(2));
    }

    private static void WriteKey(string path, string pem)
    {
        File.WriteAllText(path, pem);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}
