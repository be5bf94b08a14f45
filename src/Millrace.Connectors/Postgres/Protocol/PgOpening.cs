using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Millrace.Faults;

namespace Millrace.Connectors.Postgres.Protocol;

/// <summary>
/// From settings to a logged-in transport: one address after the other, TLS first or plain first as the sslmode says, all within one
/// deadline. Also sends cancel requests, which start the same way.
/// </summary>
internal sealed class PgOpening
{
    private const int TlsRequestCode = (1234 << 16) | 5679;
    private const int CancelRequestCode = (1234 << 16) | 5678;

    private readonly PgSettings _settings;
    private readonly CancellationToken _deadline;

    /// <summary>An opening of <paramref name="settings"/>; <paramref name="deadline"/> ends every wait with a fault.</summary>
    internal PgOpening(PgSettings settings, CancellationToken deadline)
    {
        _settings = settings;
        _deadline = deadline;
    }

    /// <summary>A session that is ready for its first statement.</summary>
    internal sealed record Opened(PgTransport Transport, PgSession Session, (int ProcessId, int Secret)? Key);

    /// <summary>The addresses of the host.</summary>
    internal static async Task<IReadOnlyList<EndPoint>> ResolveAsync(PgSettings settings, CancellationToken cancellationToken)
    {
        if (settings.IsUnixSocket)
            return [UnixEndPoint(settings)];
        if (IPAddress.TryParse(settings.Host, out var literal))
            return [new IPEndPoint(literal, settings.Port)];
        try
        {
            var addresses = await Dns.GetHostAddressesAsync(settings.Host, cancellationToken).ConfigureAwait(false);
            if (addresses.Length > 0)
                return [.. addresses.Select(address => new IPEndPoint(address, settings.Port))];
            throw PgErrors.NotConnected(new SocketException((int)SocketError.HostNotFound), settings);
        }
        catch (SocketException e)
        {
            throw PgErrors.NotConnected(e, settings);
        }
    }

    /// <summary>Opens a session, blocking.</summary>
    internal Opened Open(IReadOnlyList<EndPoint> addresses)
    {
        for (var i = 0; ; i++)
        {
            try
            {
                return OpenOne(addresses[i]);
            }
            catch (Fault fault) when (i + 1 < addresses.Count && fault.InnerException is SocketException && !_deadline.IsCancellationRequested)
            {
                // localhost is ::1 and 127.0.0.1, and the server may listen on one of them only: the next address.
            }
        }
    }

    /// <summary>Asks the server to cancel what the session with this key does, and waits until it has taken note.</summary>
    internal void Cancel(EndPoint address, bool tls, (int ProcessId, int Secret) key)
    {
        using var transport = PgTransport.To(_settings, address);
        using var guard = Guard(transport);
        transport.Connect();
        if (tls)
            RequestTls(transport, mayBePlain: false);
        var request = new byte[16];
        BinaryPrimitives.WriteInt32BigEndian(request, request.Length);
        BinaryPrimitives.WriteInt32BigEndian(request.AsSpan(4), CancelRequestCode);
        BinaryPrimitives.WriteInt32BigEndian(request.AsSpan(8), key.ProcessId);
        BinaryPrimitives.WriteInt32BigEndian(request.AsSpan(12), key.Secret);
        transport.Send(request);
        // The server closes without an answer when the signal is on its way.
        while (transport.ReceiveOrEnd(request) > 0)
        {
        }
    }

    private Opened OpenOne(EndPoint address)
    {
        if (_settings.IsUnixSocket)
            return LogIn(address, tls: false);
        return _settings.SslMode switch
        {
            PgSslMode.Disable => LogIn(address, tls: false),
            PgSslMode.Allow => Either(address, tlsFirst: false),
            PgSslMode.Prefer => Either(address, tlsFirst: true),
            _ => LogIn(address, tls: true),
        };
    }

    /// <summary>The modes that take both: the second way when pg_hba.conf refuses the first, or when TLS itself fails.</summary>
    private Opened Either(EndPoint address, bool tlsFirst)
    {
        try
        {
            return LogIn(address, tlsFirst);
        }
        catch (Fault first) when (first.Code is "28000" or "TLS" && !_deadline.IsCancellationRequested)
        {
            try
            {
                return LogIn(address, !tlsFirst);
            }
            catch (Fault second) when (second.Code == first.Code || second.Code == "TLS")
            {
                throw first;
            }
        }
    }

    private Opened LogIn(EndPoint address, bool tls)
    {
        var transport = PgTransport.To(_settings, address);
        try
        {
            using var guard = Guard(transport);
            transport.Connect();
            if (tls)
                RequestTls(transport, mayBePlain: _settings.SslMode == PgSslMode.Prefer);
            var receiver = new PgReceiver(transport);
            var login = new PgLogin(_settings, transport, receiver);
            login.Run();
            var session = new PgSession(_settings, transport, receiver, login.Parameters);
            session.SetUp();
            return new Opened(transport, session, login.Key);
        }
        catch
        {
            transport.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The server's answer is one byte, and no more is read before the handshake: bytes that somebody slipped in behind it must not
    /// count as said under TLS.
    /// </summary>
    private void RequestTls(PgTransport transport, bool mayBePlain)
    {
        Span<byte> request = stackalloc byte[8];
        BinaryPrimitives.WriteInt32BigEndian(request, request.Length);
        BinaryPrimitives.WriteInt32BigEndian(request[4..], TlsRequestCode);
        transport.Send(request);
        transport.Receive(request[..1]);
        switch ((char)request[0])
        {
            case 'S':
                transport.Encrypt();
                break;
            case 'N' when mayBePlain:
                break;
            case 'N':
                throw new Fault(FaultKind.Refused, $"{_settings}: the server has no TLS, and sslmode={_settings.SslMode.Name()} needs it")
                {
                    Side = _settings.Side,
                    Code = "TLS",
                    Advice = "Turn 'ssl' on at the server, or use sslmode=prefer on a network that you trust.",
                };
            default:
                // What it says beyond the byte is not shown: nobody has proven to be the server yet.
                throw PgPayload.Violation("it answered the request for TLS with an error");
        }
    }

    private CancellationTokenRegistration Guard(PgTransport transport) => _deadline.UnsafeRegister(
        static state =>
        {
            var (guarded, settings) = ((PgTransport, PgSettings))state!;
            guarded.Abort(PgErrors.TooSlow(settings));
        },
        (transport, _settings));

    private static UnixDomainSocketEndPoint UnixEndPoint(PgSettings settings)
    {
        try
        {
            return new UnixDomainSocketEndPoint(settings.SocketPath);
        }
        catch (ArgumentOutOfRangeException)
        {
            throw PgUrl.Malformed($"the path of the unix socket, {settings.SocketPath}, is too long", "The system allows about 100 characters: use a shorter folder.");
        }
    }
}
