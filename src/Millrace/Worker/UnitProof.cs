using System.Collections.Immutable;
using Millrace.DuckDb;
using Millrace.Extract;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Load;
using Millrace.Runs;

namespace Millrace.Worker;

/// <summary>
/// The proof of one attempt at a unit. A tap stands right above the scan, while its values are still in the processor's cache, and right
/// below the writer: it gives both hashes, as nothing lies between the two places. What is read back must have the same.
/// </summary>
internal sealed class UnitProof : IDisposable
{
    private readonly HashTaps _taps;
    private readonly StreamHeader _header;
    private readonly ImmutableArray<string> _readBack;
    private readonly bool _readsBack;
    private readonly IContentTap? _tap;
    private readonly IContentTap? _readBackTap;
    private readonly ElementTap? _elements;

    private UnitProof(HashTaps taps, StreamHeader header, IUnitOutput output, ElementTap? elements, Func<IContentTap> open)
    {
        _taps = taps;
        _header = header;
        _elements = elements;
        _tap = elements;

        // Buckets have checksums of their own, which whoever reads them compares: nobody would read a hash of their rows.
        var isHashed = header.Proof != Proof.Counts && header.Stage?.Output is null;
        _readsBack = isHashed && header.Proof == Proof.Readback;
        _readBack = _readsBack ? output.ReadBackColumns : [];
        if (!isHashed || header.IsPassed) return;
        _tap ??= open();
        // Columns that don't come back as they were written leave the others to be compared: they get a sum of their own.
        if (_readBack.Length > 0 && _readBack.Length < header.Columns.Length) _readBackTap = open();
    }

    /// <summary>Opens the taps that the stream's proof needs.</summary>
    /// <param name="taps">The worker's taps.</param>
    /// <param name="header">The unit's stream.</param>
    /// <param name="output">Its output.</param>
    public static UnitProof Of(HashTaps taps, StreamHeader header, IUnitOutput output) => new(taps, header, output, elements: null, () => taps.Open());

    /// <summary>The same for a unit that is written element by element: its rows are counted and hashed as those that their elements make.</summary>
    /// <param name="elements">The worker's taps of elements.</param>
    /// <param name="first">What says that a row begins.</param>
    /// <param name="taps">The worker's other taps.</param>
    /// <param name="header">The unit's stream.</param>
    /// <param name="output">Its output.</param>
    public static UnitProof OfElements(ElementTaps elements, string first, HashTaps taps, StreamHeader header, IUnitOutput output) =>
        new(taps, header, output, elements.Open(first), () => elements.Open(first, isOfKeys: true));

    /// <summary>What left the source and was handed to the writer, as text; null with <c>proof: counts</c>, and where that are buckets.</summary>
    public string? Hash { get; private set; }

    /// <summary>A SELECT with the taps that the writer reads.</summary>
    public string Over(string select)
    {
        if (_tap is not null) select = _tap.Over(select, _header.Columns.Select(static column => column.Name));
        return _readBackTap?.Over(select, _readBack) ?? select;
    }

    /// <summary>After the copy has ended well, while its connection is still the unit's: compares.</summary>
    /// <exception cref="Fault">The hashes differ, or what was written can't be read.</exception>
    public async Task CompareAsync(IUnitOutput output, DuckDbConnection connection, CancellationToken cancel)
    {
        if (_tap is null || _header.Proof == Proof.Counts) return;
        var handed = _tap.Hash;
        Take(handed);
        if (!_readsBack || handed.Rows == 0) return;
        await using var written = await output.ReadBackAsync(cancel).ConfigureAwait(false);
        var found = await ReadAsync(written, connection, cancel).ConfigureAwait(false);
        var expected = (_readBackTap ?? _tap).Hash;
        if (found.Rows != expected.Rows || (_readBack.Length > 0 && found != expected))
            throw Differs($"{expected} was handed to the writer and {found} was read back", written.Place);
    }

    /// <summary>The rows of a unit that is written element by element, every one of which was counted and written.</summary>
    /// <exception cref="Fault">Other numbers of elements were.</exception>
    public long RowsOfElements(IUnitOutput output, DuckDbResult answer)
    {
        var rows = _elements!.Hash.Rows;
        var written = output.AnsweredElements(answer, rows);
        return written == _elements.Elements ? rows : throw Differs($"{_elements.Elements} elements were handed to the writer and {written} were written", _header.Stream);
    }

    /// <summary>Takes the hash of what left the source and was handed to the writer.</summary>
    public void Take(ContentHash hash) => Hash = hash.ToString();

    /// <inheritdoc/>
    public void Dispose()
    {
        _tap?.Dispose();
        _readBackTap?.Dispose();
    }

    private async Task<ContentHash> ReadAsync(IWrittenRows written, DuckDbConnection connection, CancellationToken cancel)
    {
        using var tap = _taps.Open();
        var columns = _readBack.Length > 0 ? _readBack : [_header.Columns[0].Name];
        try
        {
            await connection.ExecuteAsync($"SELECT count(*) FROM ({tap.Over(written.Select, columns)})", cancel).ConfigureAwait(false);
            return tap.Hash;
        }
        catch (DuckDbException error)
        {
            cancel.ThrowIfCancellationRequested();
            throw new Fault(FaultKind.Data, $"what was written can't be read back: {error.Message}", error) { Side = FaultSide.Target, Where = written.Place };
        }
    }

    private static Fault Differs(string message, string where) => new(FaultKind.Data, message)
    {
        Side = FaultSide.Target,
        Where = where,
        Advice = "Nothing of this unit was kept. Check memory and disk of this machine; when they are sound, please report it.",
    };
}
