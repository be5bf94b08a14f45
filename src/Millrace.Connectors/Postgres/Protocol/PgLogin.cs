using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Millrace.Faults;

namespace Millrace.Connectors.Postgres.Protocol;

/// <summary>
/// The start of a session on a fresh transport: startup message, authentication, and what the server says until it is ready
/// (PostgreSQL documentation, "Start-up").
/// </summary>
internal sealed class PgLogin
{
    private const int ProtocolVersion = 3 << 16;
    private const int AuthenticationOk = 0;

    private readonly PgSettings _settings;
    private readonly PgTransport _transport;
    private readonly PgReceiver _receiver;
    private readonly PgSendBuffer _send = new();
    private PgScram? _scram;
    private bool _serverProven;

    internal PgLogin(PgSettings settings, PgTransport transport, PgReceiver receiver)
    {
        _settings = settings;
        _transport = transport;
        _receiver = receiver;
    }

    internal Dictionary<string, string> Parameters { get; } = new(StringComparer.Ordinal);

    /// <summary>Process id and secret: what a cancel request shows. Null when the server gave none (some poolers).</summary>
    internal (int ProcessId, int Secret)? Key { get; private set; }

    /// <summary>Runs until the server is ready for the first statement. Throws a fault when it refuses or can't be trusted.</summary>
    internal void Run()
    {
        SendStartup();
        while (true)
        {
            var type = _receiver.Next(out var bytes);
            var payload = new PgPayload(bytes);
            switch (type)
            {
                case 'R':
                    Authenticate(ref payload);
                    break;
                case 'K':
                    Key = (payload.Int32(), payload.Int32());
                    break;
                case 'S':
                    SetParameter(Parameters, ref payload);
                    break;
                case 'E':
                    throw PgErrors.From(PgServerError.Read(bytes), _settings, cancelled: false);
                case 'N':
                    break;
                case 'v':
                    throw PgPayload.Violation("it speaks another version of the protocol");
                case 'Z':
                    return;
                default:
                    throw PgPayload.Violation($"an unexpected message '{type}' at the start of the session");
            }
        }
    }

    /// <summary>Keeps a reported parameter; a server that reports without end is stopped.</summary>
    internal static void SetParameter(Dictionary<string, string> parameters, ref PgPayload payload)
    {
        var name = payload.Text();
        parameters[name] = payload.Text();
        if (parameters.Count > Limits.PgParametersMax)
            throw PgPayload.Violation("it reports too many parameters");
    }

    private void SendStartup()
    {
        _send.Begin('\0').Int32(ProtocolVersion)
            .Text("user").Text(_settings.User)
            .Text("database").Text(_settings.Database)
            .Text("application_name").Text(_settings.ApplicationName)
            .Text("client_encoding").Text("UTF8");
        if (_settings.Options is { } options)
            _send.Text("options").Text(options);
        _send.Byte(0).End();
        Flush();
    }

    private void Authenticate(ref PgPayload payload)
    {
        var request = payload.Int32();
        switch (request)
        {
            case AuthenticationOk:
                CheckServerProven();
                _receiver.ControlBytesMax = Limits.PgControlBytesMax;
                break;
            case 3:
                RefuseUnbound("a password in clear text");
                SendPassword(Password("a password").Reveal());
                break;
            case 5:
                RefuseUnbound("an md5 password");
                SendPassword(Md5(Password("a password").Reveal(), payload.Bytes(4)));
                break;
            case 10:
                StartScram(ref payload);
                break;
            case 11:
                ContinueScram(Encoding.UTF8.GetString(payload.Rest()));
                break;
            case 12:
                _serverProven = _scram is not null && _scram.Verify(Encoding.UTF8.GetString(payload.Rest()));
                if (!_serverProven)
                    throw Untrusted("its SCRAM signature is wrong: it does not know the password");
                break;
            default:
                throw PgErrors.NotAuthenticated(
                    _settings, $"the server asks for {MethodName(request)}, which is not supported",
                    "Ask the administrator for scram-sha-256 or cert in pg_hba.conf for this user and address.");
        }
    }

    /// <summary>A server that skips the proof after we began SCRAM, or that needs no proof where binding was demanded, may be anybody.</summary>
    private void CheckServerProven()
    {
        if (_scram is not null && !_serverProven)
            throw Untrusted("it ended SCRAM without proving that it knows the password");
        if (_scram is null)
            RefuseUnbound("no password");
    }

    private void RefuseUnbound(string what)
    {
        if (_settings.ChannelBinding == PgChannelBinding.Require)
            throw Untrusted($"it asks for {what}, and channel_binding=require needs SCRAM bound to TLS");
    }

    private void StartScram(ref PgPayload payload)
    {
        if (_scram is not null)
            throw PgPayload.Violation("it starts SCRAM twice");
        var offersPlain = false;
        var offersBound = false;
        while (!payload.IsAtEnd && payload.Text() is { Length: > 0 } mechanism)
        {
            offersPlain |= mechanism == PgScram.Plain;
            offersBound |= mechanism == PgScram.Bound;
        }

        var canBind = _settings.ChannelBinding != PgChannelBinding.Disable && _transport.EndPointHash is not null;
        var binds = canBind && offersBound;
        if (!binds)
            RefuseUnbound("SCRAM without TLS or without a certificate that can be bound");
        if (!binds && !offersPlain)
            throw PgErrors.NotAuthenticated(_settings, "the server offers no SASL mechanism that is known here", "It must offer SCRAM-SHA-256.");
        _scram = new PgScram(Password("a password"), binds ? _transport.EndPointHash : null, couldBind: canBind);
        var first = Encoding.UTF8.GetBytes(_scram.First);
        _send.Begin('p').Text(_scram.Mechanism).Int32(first.Length).Bytes(first).End();
        Flush();
    }

    private void ContinueScram(string challenge)
    {
        if (_scram is null)
            throw PgPayload.Violation("it continues SCRAM before it started");
        var final = _scram.Final(challenge, out var problem) ?? throw Untrusted(problem!);
        _send.Begin('p').Bytes(Encoding.UTF8.GetBytes(final)).End();
        Flush();
    }

    private PgSecret Password(string what)
    {
        if (_settings.Password is { } password)
            return password;
        var advice = "Give it in the URL, in PGPASSWORD or in the password file (~/.pgpass).";
        throw PgErrors.NotAuthenticated(
            _settings, $"the server asks for {what}, and none is given",
            _settings.PasswordFileProblem is { } problem ? $"{advice} Also: {problem}." : advice);
    }

    private void SendPassword(string password)
    {
        _send.Begin('p').Text(password).End();
        Flush();
    }

    private void Flush()
    {
        _transport.Send(_send.Written);
        _send.Clear();
    }

    private Fault Untrusted(string what) => PgErrors.NotAuthenticated(
        _settings, $"the server can't be trusted: {what}", "Check that nobody stands between here and the server; use sslmode=verify-full.");

    /// <summary>"md5", md5(md5(password, user), salt): weak, but what an old server asks for.</summary>
    private string Md5(string password, ReadOnlySpan<byte> salt)
    {
#pragma warning disable CA5351 // The protocol's own md5 authentication; the server chooses it.
        var inner = Convert.ToHexStringLower(MD5.HashData(Encoding.UTF8.GetBytes(password + _settings.User)));
        return "md5" + Convert.ToHexStringLower(MD5.HashData([.. Encoding.ASCII.GetBytes(inner), .. salt]));
#pragma warning restore CA5351
    }

    private static string MethodName(int request) => request switch
    {
        2 => "Kerberos V5",
        6 => "SCM credentials",
        7 or 8 => "GSSAPI (Kerberos)",
        9 => "SSPI",
        _ => $"the authentication method {request}",
    };
}
