using Millrace.Connectors.Postgres.Protocol;
using Millrace.DuckDb;

namespace Millrace.Connectors.Postgres.Reading;

/// <summary>One thread's reader of a unit: takes piece after piece, one COPY each, and fills DuckDB's chunks from them.</summary>
internal sealed class PgPieceReader : ITableReader
{
    private readonly PgUnitTable _table;
    private readonly PgLane _lane;
    private readonly int[] _columns;
    private readonly int[] _vectors;
    private readonly RowDecoder _decoder;
    private readonly PgRejects? _rejects;
    private PgCopyReader? _copy;
    private long _bytesBefore;
    private bool _failed;
    private bool _returned;

    internal PgPieceReader(PgUnitTable table, PgLane lane, int[] projected)
    {
        _table = table;
        _lane = lane;
        // -1 is a row number that DuckDB never looks at.
        _vectors = [.. Enumerable.Range(0, projected.Length).Where(i => projected[i] >= 0 && projected[i] != table.RejectColumn)];
        _columns = [.. _vectors.Select(i => projected[i])];
        _decoder = new RowDecoder(table.DecodersOf(_columns));
        var rejects = Array.IndexOf(projected, table.RejectColumn);
        if (table.RejectColumn >= 0 && rejects >= 0) _rejects = new PgRejects(rejects, [.. _columns.Select(i => table.Header.Columns[i].SourceName)]);
    }

    /// <inheritdoc/>
    public int Fill(in ChunkWriter chunk)
    {
        try
        {
            // A piece without rows must not end the reader.
            while (_copy is not null || OpenNext())
            {
                if (_rejects is { IsWaiting: true }) return FillRejected(chunk);
                var copy = _copy!;
                var rows = Fill(chunk, copy);
                // Here, where no view of it is left on the stack: the collector takes such a view for a use.
                copy.Release();
                if (rows > 0) return rows;
            }

            Return();
            return 0;
        }
        catch
        {
            _failed = true;
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Return();
        _rejects?.Dispose();
    }

    private bool OpenNext()
    {
        if (_table.IsCancelled || _table.TakePiece() is not { } piece) return false;
        _copy = _lane.Connection.CopyOut(_table.CopyOf(piece, _columns));
        _bytesBefore = _copy.BytesReceived;
        // Whoever cancelled before the COPY was sent found nothing to cancel.
        if (_table.IsCancelled) _lane.Connection.Cancel();
        return true;
    }

    /// <summary>Gives the connection back: when nothing is left to read, so that the next unit has it, or when DuckDB stops before.</summary>
    private void Return()
    {
        if (_returned) return;
        _returned = true;
        // A COPY that is not at its end is cancelled on the server, and its connection is gone then.
        var sound = _copy is null && !_failed;
        _copy?.Dispose();
        _table.Return(_lane, sound);
    }

    private int Fill(in ChunkWriter chunk, PgCopyReader copy)
    {
        _decoder.Begin(chunk, _vectors);
        var capacity = chunk.Capacity;
        var room = Limits.ChunkBytesMax;
        var row = 0;
        ReadOnlySpan<byte> tuple = default;
        _rejects?.Begin(chunk);
        try
        {
            while (row < capacity && room > 0)
            {
                if (!copy.Next(out tuple))
                {
                    _copy = null;
                    _table.EndPiece();
                    break;
                }

                room -= tuple.Length;
                _decoder.Decode(tuple, row);
                row++;
            }
        }
        catch (Exception error) when (RowDecoder.RefusalOf(error) is { } refused)
        {
            if (_rejects is null || refused.IsProtocol) throw _table.Refused(refused, copy.Rows, _columns[_decoder.Column]);
            // The rows before it are a chunk, and it is the next one.
            _decoder.Withdraw(row);
            _rejects.Wait(tuple, copy.Rows);
        }

        var received = copy.BytesReceived;
        _table.Count(row, received - _bytesBefore);
        _bytesBefore = received;
        return row;
    }

    /// <summary>The rejected row that waits: a chunk of its own.</summary>
    private int FillRejected(in ChunkWriter chunk)
    {
        _decoder.Begin(chunk, _vectors);
        try
        {
            _rejects!.Decode(_decoder, chunk);
        }
        catch (Exception error) when (RowDecoder.RefusalOf(error) is { } refused)
        {
            throw _table.Refused(refused, _rejects!.Row, _columns[_decoder.Column]);
        }

        _table.Count(1, 0);
        return 1;
    }
}
