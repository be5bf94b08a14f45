using Millrace.Faults;

namespace Millrace.Connectors.Postgres.Protocol;

/// <summary>The part of a session that sends rows (PostgreSQL documentation, "COPY Operations").</summary>
internal sealed partial class PgSession
{
    /// <summary>PGCOPY's signature, no flags, no extension: what a binary COPY begins with, as a CopyData message.</summary>
    private static ReadOnlySpan<byte> CopyHeader =>
    [
        (byte)'d', 0, 0, 0, 23, 0x50, 0x47, 0x43, 0x4F, 0x50, 0x59, 0x0A, 0xFF, 0x0D, 0x0A, 0x00, 0, 0, 0, 0, 0, 0, 0, 0,
    ];

    /// <summary>The trailer as a CopyData message, then CopyDone.</summary>
    private static ReadOnlySpan<byte> CopyEnd => [(byte)'d', 0, 0, 0, 6, 0xFF, 0xFF, (byte)'c', 0, 0, 0, 4];

    /// <summary>Up to where the server waits for rows.</summary>
    internal bool BeginCopyIn(string sql)
    {
        _send.Clear();
        Send(_send.Begin('Q').Text(sql).End());
        PgServerError? error = null;
        while (true)
        {
            var type = Read(out var payload);
            switch (type)
            {
                case 'G' when new PgPayload(payload).Byte() == 1:
                    _transport.Send(CopyHeader);
                    return true;
                case 'E':
                    error ??= ReadError(payload);
                    break;
                case 'Z' when error is not null:
                    throw Refused(error);
                default:
                    throw Unexpected(type);
            }
        }
    }

    /// <summary>Sends a message of rows, unless the server has said meanwhile that it takes no more.</summary>
    internal void SendCopy(ReadOnlySpan<byte> message)
    {
        Listen();
        try
        {
            _transport.Send(message);
        }
        catch (Fault lost)
        {
            // What the server said before it left is worth more than that it left.
            throw LastWords() ?? Broken(lost);
        }
    }

    /// <summary>The end of the rows.</summary>
    internal void EndCopy() => SendCopy(CopyEnd);

    /// <summary>CopyFail.</summary>
    internal void FailCopy(string why)
    {
        _send.Clear();
        _transport.Send(_send.Begin('f').Text(why).End().Written);
    }

    /// <summary>The last CommandComplete, up to where the server is ready.</summary>
    /// <param name="mayGiveRows">Whether what else statements give is passed over.</param>
    internal string ReadTag(bool mayGiveRows = false)
    {
        PgServerError? error = null;
        var tag = "";
        while (true)
        {
            var type = Read(out var payload);
            switch (type)
            {
                case 'C':
                    tag = new PgPayload(payload).Text();
                    break;
                case 'E':
                    error ??= ReadError(payload);
                    break;
                case 'Z':
                    return error is null ? tag : throw Refused(error);
                case 'I' or 'T' or 'D' when mayGiveRows:
                    break;
                default:
                    throw Unexpected(type);
            }
        }
    }

    /// <summary>
    /// While rows go out, the server says nothing but notices, until an error: it would then take in and forget whatever else is sent.
    /// </summary>
    private void Listen()
    {
        while (_receiver.HasMessage || _transport.HasBytes)
        {
            if (!_receiver.HasMessage)
            {
                _receiver.Take();
                continue;
            }

            var type = _receiver.Next(out var payload);
            if (TakeAside(type, payload)) continue;
            if (type != 'E') throw Unexpected(type);
            var error = ReadError(payload);
            while (Read(out _) != 'Z')
            {
            }

            throw Refused(error);
        }
    }

    private Fault? LastWords()
    {
        try
        {
            Listen();
            return null;
        }
        catch (Fault fault)
        {
            return fault.Code is null ? null : Broken(fault);
        }
    }

    private Fault Broken(Fault fault)
    {
        Break();
        return _isCancelled && fault.Kind == FaultKind.Unreachable ? PgErrors.Cancelled(_settings) : fault;
    }
}
