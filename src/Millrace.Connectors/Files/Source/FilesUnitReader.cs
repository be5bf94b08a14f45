using System.Collections.Concurrent;
using Millrace.DuckDb;
using Millrace.Extract;
using Millrace.Faults;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Connectors.Files.Source;

/// <summary>The worker's half of the files source. Thread safe.</summary>
internal sealed class FilesUnitReader : IUnitReader
{
    private readonly ConcurrentDictionary<string, FileLayout> _layouts = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, long> _lineBytes = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _unusual = new(StringComparer.Ordinal);
    private readonly TableRegistry _tables = new("millrace_text");
    private readonly SemaphoreSlim _probing = new(1);
    private readonly Probe _probe = new();

    /// <inheritdoc/>
    public IReadOnlyList<string> ReadablePaths(StreamHeader header) => ["/dev/fd", LayoutOf(header).Root];

    /// <inheritdoc/>
    public void Attach(DuckDbConnection connection) => _tables.Attach(connection);

    /// <inheritdoc/>
    public async ValueTask<IUnitInput> OpenAsync(StreamHeader header, Unit unit, CancellationToken cancel)
    {
        var layout = LayoutOf(header);
        var slice = FileSlice.Parse(unit.Slice);
        foreach (var file in slice.Files) Unchanged(file);
        var buffer = new CsvBuffer(slice.Files.Max(file => _lineBytes.GetValueOrDefault(file.Path, Limits.TextLineBytesSmall)));
        var isQuick = slice.Range is { ByRow: true } || !slice.Files.Any(file => _unusual.ContainsKey(file.Path));
        var opening = new UnitOpening(layout, slice, buffer, _probe, isQuick ? _tables : null, header.RejectColumn);
        await _probing.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            var select = await opening.OpenAsync(cancel).ConfigureAwait(false);
            return new FileUnitInput(this, layout, slice, opening, select, header.RejectColumn, buffer);
        }
        catch
        {
            await opening.CloseAsync().ConfigureAwait(false);
            throw;
        }
        finally
        {
            _probing.Release();
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _probe.Dispose();
        _probing.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Takes buffers for records of this length from now on.</summary>
    internal void EnlargeBuffers(FileSlice slice, long lineBytes)
    {
        foreach (var file in slice.Files) _lineBytes.AddOrUpdate(file.Path, lineBytes, (_, bytes) => Math.Max(bytes, lineBytes));
    }

    /// <summary>Lets DuckDB's own readers read these files from now on.</summary>
    internal void ReadSlowly(FileSlice slice)
    {
        foreach (var file in slice.Files) _unusual[file.Path] = true;
    }

    /// <summary>Refuses a file that is not the one that was planned.</summary>
    /// <exception cref="Fault">It has another size or time, or is gone.</exception>
    internal static void Unchanged(SliceFile planned)
    {
        long bytes, ticks;
        try
        {
            (bytes, ticks) = SourceFile.Look(planned.Path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw SourceFaults.From(planned.Path, error);
        }

        if (bytes == planned.Bytes && ticks == planned.Ticks) return;
        throw SourceFaults.Data(
            planned.Path,
            $"changed while the run was reading it: it had {planned.Bytes} bytes, written {Utc(planned.Ticks)}, and has {bytes}, written {Utc(ticks)}",
            "Run again when nobody writes to it.");
    }

    private static string Utc(long ticks) => new DateTime(ticks, DateTimeKind.Utc).ToString("O");

    private FileLayout LayoutOf(StreamHeader header) => _layouts.GetOrAdd(header.ReaderJson, FileLayout.Parse);
}
