using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Millrace.Connectors.Postgres.Protocol;

/// <summary>
/// The client's side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677; PostgreSQL documentation, "SASL Authentication").
/// One exchange: <see cref="First"/>, <see cref="Final"/>, <see cref="Verify"/>. What the server gets wrong is returned as a text.
/// </summary>
internal sealed class PgScram
{
    internal const string Plain = "SCRAM-SHA-256";
    internal const string Bound = "SCRAM-SHA-256-PLUS";

    private const int NonceBytes = 18;
    private const int SaltBytesMax = 1024;

    private readonly string _password;
    private readonly string _nonce = Convert.ToBase64String(RandomNumberGenerator.GetBytes(NonceBytes));
    private readonly string _gs2Header;
    private readonly byte[] _bindingData;
    private byte[]? _expectedSignature;

    /// <summary>One exchange with a fresh nonce.</summary>
    /// <param name="password">The user's password.</param>
    /// <param name="endPointHash">The certificate's hash for <see cref="Bound"/>, null for <see cref="Plain"/>.</param>
    /// <param name="couldBind">True when this side could bind but the server did not offer it; the server checks that nobody removed the offer.</param>
    internal PgScram(PgSecret password, byte[]? endPointHash, bool couldBind)
    {
        _password = Prepare(password.Reveal());
        _bindingData = endPointHash ?? [];
        _gs2Header = (endPointHash, couldBind) switch
        {
            (not null, _) => "p=tls-server-end-point,,",
            (null, true) => "y,,",
            (null, false) => "n,,",
        };
        Mechanism = endPointHash is null ? Plain : Bound;
    }

    internal string Mechanism { get; }

    /// <summary>The client-first-message. PostgreSQL takes the user from the startup message and ignores the one here.</summary>
    internal string First => $"{_gs2Header}{FirstBare}";

    private string FirstBare => $"n=,r={_nonce}";

    /// <summary>The client-final-message for the server's challenge, or null and the <paramref name="problem"/> with it.</summary>
    internal string? Final(string serverFirst, out string? problem)
    {
        problem = null;
        var parts = serverFirst.Split(',');
        if (parts.Length < 3 || !parts[0].StartsWith("r=", StringComparison.Ordinal) || !parts[1].StartsWith("s=", StringComparison.Ordinal)
            || !parts[2].StartsWith("i=", StringComparison.Ordinal))
        {
            problem = "its SCRAM challenge can't be read";
            return null;
        }

        var nonce = parts[0][2..];
        var salt = new byte[SaltBytesMax];
        if (nonce.Length <= _nonce.Length || !nonce.StartsWith(_nonce, StringComparison.Ordinal))
            problem = "its SCRAM challenge does not repeat our nonce";
        else if (!Convert.TryFromBase64String(parts[1][2..], salt, out var saltBytes) || saltBytes == 0)
            problem = "the salt of its SCRAM challenge can't be read";
        else if (!int.TryParse(parts[2].AsSpan(2), NumberStyles.None, CultureInfo.InvariantCulture, out var rounds) || rounds is < 1 or > Limits.PgScramRoundsMax)
            problem = $"its SCRAM challenge asks for a number of rounds outside 1 to {Limits.PgScramRoundsMax}";
        else
            return Prove(serverFirst, nonce, salt.AsSpan(0, saltBytes), rounds);
        return null;
    }

    /// <summary>True when the server-final-message proves that the server knows the password too.</summary>
    internal bool Verify(string serverFinal)
    {
        var signature = new byte[SHA256.HashSizeInBytes];
        return _expectedSignature is not null
            && serverFinal.StartsWith("v=", StringComparison.Ordinal)
            && Convert.TryFromBase64String(serverFinal.Split(',')[0][2..], signature, out var length)
            && CryptographicOperations.FixedTimeEquals(signature.AsSpan(0, length), _expectedSignature);
    }

    private string Prove(string serverFirst, string nonce, ReadOnlySpan<byte> salt, int rounds)
    {
        var binding = Convert.ToBase64String([.. Encoding.UTF8.GetBytes(_gs2Header), .. _bindingData]);
        var withoutProof = $"c={binding},r={nonce}";
        var message = Encoding.UTF8.GetBytes($"{FirstBare},{serverFirst},{withoutProof}");
        var salted = Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(_password), salt, rounds, HashAlgorithmName.SHA256, SHA256.HashSizeInBytes);
        var proof = HMACSHA256.HashData(salted, "Client Key"u8);
        var signature = HMACSHA256.HashData(SHA256.HashData(proof), message);
        for (var i = 0; i < proof.Length; i++)
            proof[i] ^= signature[i];
        _expectedSignature = HMACSHA256.HashData(HMACSHA256.HashData(salted, "Server Key"u8), message);
        CryptographicOperations.ZeroMemory(salted);
        return $"{withoutProof},p={Convert.ToBase64String(proof)}";
    }

    /// <summary>
    /// SASLprep (RFC 4013) as far as it needs no Unicode tables: other spaces become a space, invisible joiners go. A password in a
    /// form that NFKC would change (decomposed accents, full-width letters) is not normalized: it must be given as it was stored.
    /// </summary>
    private static string Prepare(string password)
    {
        if (password.All(char.IsAscii))
            return password;
        var prepared = new StringBuilder(password.Length);
        foreach (var c in password)
        {
            if (c is '\u00AD' or '\u034F' or '\u1806' or '\u2060' or '\uFEFF' or (>= '\u180B' and <= '\u180D') or (>= '\u200B' and <= '\u200D')
                or (>= '\uFE00' and <= '\uFE0F'))
            {
                continue;
            }

            prepared.Append(c is '\u00A0' or '\u1680' or (>= '\u2000' and <= '\u200A') or '\u202F' or '\u205F' or '\u3000' ? ' ' : c);
        }

        return prepared.ToString();
    }
}
