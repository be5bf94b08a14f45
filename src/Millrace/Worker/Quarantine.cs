using System.Buffers;
using System.Text.Json;
using Millrace.DuckDb;
using Millrace.Extract;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Load;
using Millrace.Runs;

namespace Millrace.Worker;

/// <summary>
/// The rejected rows of one attempt at a unit: taken out between source and hash, written to a file of the run directory. The file counts
/// when the unit's result names it; an attempt that fails removes it. Rows that are fine cost one look whether they are.
/// </summary>
internal sealed class Quarantine : IDisposable
{
    private readonly Lock _lock = new();
    private readonly RejectTaps _taps;
    private readonly StreamHeader _header;
    private readonly StreamFolder _folder;
    private readonly Unit _unit;
    private readonly string _place;
    private readonly List<RejectTap> _open = [];
    private ArrayBufferWriter<byte> _buffer = new();
    private FileStream? _file;
    private long _rows;
    private long _rowsGiven;
    private long _bytes;
    private bool _isKept;

    private Quarantine(RejectTaps taps, StreamFolder folder, StreamHeader header, UnitOrder order, string attempt)
    {
        _taps = taps;
        _header = header;
        _folder = folder;
        _unit = order.Unit;
        _place = StreamFolder.RejectsOf(order.Unit.Number, attempt);
    }

    /// <summary>Opens it where the stream has one; null otherwise.</summary>
    public static Quarantine? Open(RejectTaps taps, StreamFolder folder, StreamHeader header, UnitOrder order, string attempt) =>
        header.OnReject == OnReject.Quarantine || header.Stage?.Checks is { Refusals.IsEmpty: false } ? new Quarantine(taps, folder, header, order, attempt) : null;

    /// <summary>Rows that were taken out so far.</summary>
    public long Rows => Interlocked.Read(ref _rows);

    /// <summary>Those of them that were taken out before any step.</summary>
    public long RowsOfSource => Interlocked.Read(ref _rows) - Interlocked.Read(ref _rowsGiven);

    /// <summary>A SELECT of the rows that stay.</summary>
    /// <param name="select">The source's SELECT, whatever taps it has.</param>
    /// <param name="column">The column that says what was rejected; null: this source rejects nothing.</param>
    public string Over(string select, string? column) => Over(select, column, _header, isGiven: false);

    /// <summary>A SELECT of the rows that stay of those that a stage's rules look at, whatever becomes of values that the target can't hold.</summary>
    /// <param name="select">The steps' SELECT.</param>
    /// <param name="header">The stream as it is written.</param>
    public string OverChecked(string select, StreamHeader header) => header.Stage!.Checks is not { Refusals: { IsEmpty: false } refusals } checks ? select
        : Over(select, column: null, header with { Columns = checks.Columns, Refusals = refusals, OnReject = OnReject.Quarantine }, isGiven: true);

    /// <summary>A SELECT of the rows that stay of those that a stage's steps give.</summary>
    /// <param name="select">The steps' SELECT.</param>
    /// <param name="header">The stream as it is written.</param>
    public string OverGiven(string select, StreamHeader header) => Over(select, column: null, header, isGiven: true);

    /// <summary>Makes what was taken out durable, before the unit's result names it. Null: nothing was.</summary>
    /// <exception cref="Fault">It can't be written.</exception>
    public RejectFile? Complete()
    {
        lock (_lock)
        {
            if (_file is null) return null;
            var path = _file.Name;
            try
            {
                Flush();
                _file.Flush(flushToDisk: true);
                _file.Dispose();
                DurableFiles.SyncFolder(Path.GetDirectoryName(path)!);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw FileFaults.From(error, path, FaultSide.Run);
            }

            // From here on a result may name it, even if whoever writes that one never hears that it was written.
            _isKept = true;
            return new RejectFile(_place, _rows, _bytes);
        }
    }

    /// <summary>Removes the file: another attempt's result counts.</summary>
    public void Remove()
    {
        lock (_lock) _isKept = false;
    }

    /// <summary>The fault behind a query that failed while a row was taken out; null when it failed elsewhere.</summary>
    public Fault? Explain(DuckDbException error) => error.InnerException switch
    {
        Fault fault => fault,
        IOException or UnauthorizedAccessException => FileFaults.From(error.InnerException, _folder.PathOf(_place), FaultSide.Run),
        _ => null,
    };

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tap in _open) tap.Dispose();
        lock (_lock)
        {
            if (_file is null) return;
            _file.Dispose();
            if (!_isKept) File.Delete(_file.Name);
        }
    }

    private string Over(string select, string? column, StreamHeader header, bool isGiven)
    {
        (select, column) = Refusal.Over(select, column, header);
        if (column is null) return select;
        var line = new RejectLine(header, _unit);
        var tap = _taps.Open((rejects, row) => Take(line, isGiven, rejects, row));
        _open.Add(tap);
        return tap.Over(select, column, RejectLine.RowOf(header.Columns));
    }

    private void Take(RejectLine line, bool isGiven, ReadOnlySpan<byte> rejects, ReadOnlySpan<byte> row)
    {
        lock (_lock)
        {
            if (_rows >= _header.RejectsStopAt) throw RejectFlood.InUnit(_header, _rows + 1, line.Describe(rejects));
            _file ??= Create();
            using (var json = new Utf8JsonWriter(_buffer, RejectNote.Form)) line.Write(json, rejects, row);
            _buffer.Write("\n"u8);
            _rows++;
            if (isGiven) _rowsGiven++;
            if (_buffer.WrittenCount >= Limits.RejectBufferBytes) Flush();
        }
    }

    private void Flush()
    {
        _file!.Write(_buffer.WrittenSpan);
        _bytes += _buffer.WrittenCount;
        // A row can have 40 MB: such a buffer goes at once.
        if (_buffer.Capacity > Limits.RejectBufferBytes * 4) _buffer = new ArrayBufferWriter<byte>();
        _buffer.ResetWrittenCount();
    }

    private FileStream Create()
    {
        var path = _folder.PathOf(_place);
        DurableFiles.CreateFolder(Path.GetDirectoryName(path)!);
        return new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
    }
}
