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
    private readonly HashTap? _tap;
    private readonly HashTap? _readBackTap;

    /// <summary>Opens the taps that the stream's proof needs.</summary>
    /// <param name="taps">The worker's taps.</param>
    /// <param name="header">The unit's stream.</param>
    /// <param name="output">Its output.</param>
    public UnitProof(HashTaps taps, StreamHeader header, IUnitOutput output)
    {
        _taps = taps;
        _header = header;
        _readBack = header.Proof == Proof.Readback ? output.ReadBackColumns : [];
        if (header.Proof == Proof.Counts || header.IsPassed) return;
        _tap = taps.Open();
        // Columns that don't come back as they were written leave the others to be compared: they get a sum of their own.
        if (_readBack.Length > 0 && _readBack.Length < header.Columns.Length) _readBackTap = taps.Open();
    }

    /// <summary>What left the source and was handed to the writer, as text; null with <c>proof: counts</c>.</summary>
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
        if (_tap is null) return;
        var handed = _tap.Hash;
        Take(handed);
        if (_header.Proof != Proof.Readback || handed.Rows == 0) return;
        await using var written = await output.ReadBackAsync(cancel).ConfigureAwait(false);
        var found = await ReadAsync(written, connection, cancel).ConfigureAwait(false);
        var expected = (_readBackTap ?? _tap).Hash;
        if (found.Rows != expected.Rows || (_readBack.Length > 0 && found != expected))
            throw Differs($"{expected} was handed to the writer and {found} was read back", written.Place);
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
