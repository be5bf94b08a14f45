using System.Net.Sockets;

namespace Millrace.Connectors.Postgres.Protocol;

/// <summary>
/// A blocking socket as the stream under TLS, with a receive buffer, and without TLS as the plain source of bytes. While a COPY runs
/// it paces itself: PostgreSQL sends 8 KB at a time, and a reader that waits for each is woken for each, which costs both sides more
/// than the bytes do. So after a receive that brought little it lets the kernel collect for a moment.
/// </summary>
internal sealed class PgSocketStream : Stream
{
    private readonly Socket _socket;
    private byte[] _buffer = [];
    private int _start;
    private int _end;
    private bool _broughtLittle;

    internal PgSocketStream(Socket socket) => _socket = socket;

    /// <summary>True while rows are expected to stream: a pause then costs nothing but batches the wakeups.</summary>
    internal bool IsPaced { get; set; }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Waits for bytes and takes as many as there are and fit, past the stream's own buffer; 0 at the end.</summary>
    internal int Receive(Span<byte> target)
    {
        if (IsPaced && _broughtLittle)
            Thread.Sleep(Limits.PgPaceMilliseconds);
        var received = _socket.Receive(target, SocketFlags.None);
        _broughtLittle = received < Math.Min(target.Length, Limits.PgReceiveBufferBytes / 4);
        return received;
    }

    /// <summary>For TLS, which asks for one record at a time: from the buffer, which is filled by large receives.</summary>
    public override int Read(Span<byte> target)
    {
        if (_start == _end)
        {
            if (_buffer.Length == 0)
                _buffer = GC.AllocateUninitializedArray<byte>(Limits.PgReceiveBufferBytes);
            _start = 0;
            _end = Receive(_buffer);
        }

        var count = Math.Min(target.Length, _end - _start);
        _buffer.AsSpan(_start, count).CopyTo(target);
        _start += count;
        return count;
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[_socket.Send(bytes, SocketFlags.None)..];
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush()
    {
        // Nothing is held back.
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();
}
