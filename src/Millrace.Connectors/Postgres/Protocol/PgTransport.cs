using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Millrace.Faults;

namespace Millrace.Connectors.Postgres.Protocol;

/// <summary>
/// The bytes to and from one server: a TCP or unix socket, with TLS over it or not. Synchronous on purpose: the reader of a COPY runs
/// on a DuckDB thread that may only block, and a socket that was once used asynchronously stays non-blocking in .NET, so that each
/// wait costs a trip through epoll and a second thread. <see cref="Abort"/> may be called from any thread and ends every wait.
/// </summary>
internal sealed class PgTransport : IDisposable
{
    private readonly PgSettings _settings;
    private readonly Socket _socket;
    private readonly PgSocketStream _stream;
    private SslStream? _tls;
    private Fault? _aborted;

    private PgTransport(PgSettings settings, Socket socket, EndPoint endPoint)
    {
        _settings = settings;
        _socket = socket;
        _stream = new PgSocketStream(socket);
        EndPoint = endPoint;
    }

    /// <summary>The address that answered: a cancel request must go to the very same server.</summary>
    internal EndPoint EndPoint { get; }

    internal bool IsEncrypted => _tls is not null;

    /// <summary>Set while rows stream in, see <see cref="PgSocketStream"/>.</summary>
    internal bool IsPaced
    {
        set => _stream.IsPaced = value;
    }

    /// <summary>The hash of the server's certificate for channel binding; null without TLS or when its algorithm has none.</summary>
    internal byte[]? EndPointHash { get; private set; }

    /// <summary>A transport to one address, not connected yet, so that it can be aborted from the start.</summary>
    internal static PgTransport To(PgSettings settings, EndPoint endPoint)
    {
        var isUnix = endPoint is UnixDomainSocketEndPoint;
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, isUnix ? ProtocolType.Unspecified : ProtocolType.Tcp);
        if (!isUnix)
        {
            socket.NoDelay = true;
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, Limits.PgKeepAliveSeconds);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, Limits.PgKeepAliveIntervalSeconds);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, Limits.PgKeepAliveProbesMax);
        }

        return new PgTransport(settings, socket, endPoint);
    }

    /// <summary>Connects, blocking. Throws a <see cref="Fault"/> (Unreachable) that says why not.</summary>
    internal void Connect()
    {
        try
        {
            _socket.Connect(EndPoint);
        }
        catch (Exception e) when (IsLoss(e))
        {
            throw _aborted ?? PgErrors.NotConnected(e as SocketException ?? new SocketException((int)SocketError.OperationAborted), _settings);
        }
    }

    /// <summary>Turns TLS on. Throws a <see cref="Fault"/> that says what does not fit.</summary>
    internal void Encrypt()
    {
        try
        {
            (_tls, EndPointHash) = PgTls.Handshake(_stream, _settings);
        }
        catch (Exception) when (_aborted is not null)
        {
            throw _aborted;
        }
    }

    /// <summary>Whether bytes have come that nobody has taken; those under TLS may be none of the server's words.</summary>
    internal bool HasBytes
    {
        get
        {
            try
            {
                return _socket.Available > 0;
            }
            catch (Exception e) when (IsLoss(e))
            {
                throw _aborted ?? PgErrors.Lost(_settings, e);
            }
        }
    }

    /// <summary>Waits for bytes and takes as many as there are and fit. Throws a <see cref="Fault"/> (Unreachable, retryable) at the end of the stream.</summary>
    internal int Receive(Span<byte> buffer)
    {
        var count = ReceiveOrEnd(buffer);
        return count > 0 ? count : throw _aborted ?? PgErrors.Lost(_settings, inner: null);
    }

    /// <summary>As <see cref="Receive"/>, but the end of the stream is 0.</summary>
    internal int ReceiveOrEnd(Span<byte> buffer)
    {
        try
        {
            return _tls is null ? _stream.Receive(buffer) : _tls.Read(buffer);
        }
        catch (Exception e) when (IsLoss(e))
        {
            throw _aborted ?? PgErrors.Lost(_settings, e);
        }
    }

    internal void Send(ReadOnlySpan<byte> bytes)
    {
        try
        {
            ((Stream?)_tls ?? _stream).Write(bytes);
        }
        catch (Exception e) when (IsLoss(e))
        {
            throw _aborted ?? PgErrors.Lost(_settings, e);
        }
    }

    /// <summary>Ends every wait on this transport with <paramref name="reason"/>. From any thread, at any time; the first reason stays.</summary>
    internal void Abort(Fault reason)
    {
        Interlocked.CompareExchange(ref _aborted, reason, null);
        _socket.Dispose();
    }

    /// <summary>Closes the socket without ceremony; a polite end is a Terminate message before it.</summary>
    public void Dispose()
    {
        // Not the SslStream first: its disposal writes to the socket, which may block.
        _socket.Dispose();
        _tls?.Dispose();
    }

    private static bool IsLoss(Exception e) =>
        e is SocketException or IOException or ObjectDisposedException or InvalidOperationException or NotSupportedException;
}
