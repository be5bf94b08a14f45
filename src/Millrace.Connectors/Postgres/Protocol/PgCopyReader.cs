using System.Buffers.Binary;
using System.Globalization;
using Millrace.Faults;

namespace Millrace.Connectors.Postgres.Protocol;

/// <summary>
/// The rows of one <c>COPY … TO STDOUT (FORMAT binary)</c>, each as the bytes of its tuple (PostgreSQL documentation, "COPY", "Binary
/// Format"): 16 bits number of fields, then for each 32 bits length (-1 for NULL) and the value. PostgreSQL sends one message for each
/// tuple, so a tuple is a view of the receive buffer: nothing is copied and nothing allocated; that the messages are as many as the
/// rows that the server counted is checked at the end. Blocking; one thread at a time; <see cref="PgConnection.Cancel"/> ends a wait
/// from outside. Disposing it before the end cancels the COPY and ends the session.
/// </summary>
public sealed class PgCopyReader : IDisposable
{
    private readonly PgSession _session;
    private readonly PgReceiver _receiver;
    private readonly PgConnection _owner;
    private bool _isInRows;
    private bool _isAnnounced;
    private bool _hasTrailer;
    private bool _isCounted;
    private bool _isOver;

    internal PgCopyReader(PgSession session, PgConnection owner)
    {
        _session = session;
        _receiver = session.Receiver;
        _owner = owner;
    }

    /// <summary>"PGCOPY", a line feed, 255, a carriage return, a line feed, zero: damaged by whatever changes text on its way.</summary>
    private static ReadOnlySpan<byte> Signature => [0x50, 0x47, 0x43, 0x4F, 0x50, 0x59, 0x0A, 0xFF, 0x0D, 0x0A, 0x00];

    /// <summary>Rows given so far.</summary>
    public long Rows { get; private set; }

    /// <summary>Bytes received by this connection since it was opened, framing included.</summary>
    public long BytesReceived => _receiver.BytesReceived;

    /// <summary>Gives back what the last row needed beyond the usual buffer. Rows that were given are gone then.</summary>
    public void Release() => _receiver.Release();

    /// <summary>
    /// The next row, valid until the next call; false at the end, when the connection is free for the next statement. Throws a
    /// <see cref="Fault"/>: the server's error, Cancelled, or Unreachable when the stream breaks off; the reader is over then.
    /// </summary>
    public bool Next(out ReadOnlySpan<byte> tuple)
    {
        if (_isInRows && _receiver.TryNextTuple(out tuple))
        {
            Rows++;
            return true;
        }

        return NextSlowly(out tuple);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_isOver)
            _owner.Dispose();
        _isOver = true;
    }

    private static bool IsRow(ReadOnlySpan<byte> tuple) => tuple.Length >= 2 && tuple[0] < 0x80;

    private bool NextSlowly(out ReadOnlySpan<byte> tuple)
    {
        tuple = default;
        if (_isOver)
            return false;
        try
        {
            PgServerError? error = null;
            while (true)
            {
                var type = _session.Read(out var payload);
                switch (type)
                {
                    case 'd' when _isAnnounced && !_hasTrailer && error is null:
                        if (!TakeData(payload, out tuple))
                            break;
                        Rows++;
                        return true;
                    case 'H' when !_isAnnounced:
                        Announce(payload);
                        break;
                    case 'c' when _hasTrailer:
                        break;
                    case 'C' when _hasTrailer:
                        CheckCount(payload);
                        break;
                    case 'E':
                        error ??= _session.ReadError(payload);
                        break;
                    case 'Z':
                        return End(error);
                    default:
                        throw PgSession.Unexpected(type);
                }
            }
        }
        catch
        {
            Finish();
            throw;
        }
    }

    /// <summary>False for a message without a row: the header alone, or the trailer.</summary>
    private bool TakeData(ReadOnlySpan<byte> payload, out ReadOnlySpan<byte> tuple)
    {
        tuple = _isInRows ? payload : WithoutHeader(payload);
        _isInRows = true;
        _session.IsStreaming = true;
        if (IsRow(tuple))
            return true;
        _hasTrailer = tuple.Length == 2 && BinaryPrimitives.ReadInt16BigEndian(tuple) == -1;
        return tuple.IsEmpty || _hasTrailer ? false : throw PgPayload.Violation("a message of the COPY is no row");
    }

    private void Announce(ReadOnlySpan<byte> payload)
    {
        _isAnnounced = true;
        if (new PgPayload(payload).Byte() != 1)
            throw PgPayload.Violation("the COPY is not in binary format");
    }

    private static ReadOnlySpan<byte> WithoutHeader(ReadOnlySpan<byte> payload)
    {
        var at = new PgPayload(payload);
        if (!at.Bytes(Signature.Length).SequenceEqual(Signature))
            throw PgPayload.Violation("the COPY has not the signature of the binary format");
        if (at.Int32() >>> 16 != 0)
            throw PgPayload.Violation("the COPY has a critical flag that is not known");
        at.Bytes(at.Int32());
        return at.Rest();
    }

    /// <summary>CommandComplete is "COPY" and the number of rows.</summary>
    private void CheckCount(ReadOnlySpan<byte> payload)
    {
        var tag = new PgPayload(payload).Text();
        if (tag != string.Create(CultureInfo.InvariantCulture, $"COPY {Rows}"))
            throw PgPayload.Violation($"{Rows} messages came as rows, and the server says '{tag}'");
        _isCounted = true;
    }

    private bool End(PgServerError? error)
    {
        if (error is not null)
            throw _session.Refused(error);
        if (!_isCounted)
            throw PgPayload.Violation("the COPY ended before its end");
        Finish();
        return false;
    }

    private void Finish()
    {
        _isOver = true;
        _isInRows = false;
        _session.IsStreaming = false;
        _session.BreakUnlessReady();
        _owner.Exit();
    }
}
