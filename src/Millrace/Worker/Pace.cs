using Millrace.Extract;
using Millrace.DuckDb;

namespace Millrace.Worker;

/// <summary>
/// How fast a worker reads: no more rows and bytes a second than it may, over all of its lanes together. What was read ahead of its time is
/// waited for afterwards; time in which nothing was read is not made up for. Thread safe.
/// </summary>
/// <param name="rowsPerSecond">Rows a second; null: as many as can be.</param>
/// <param name="bytesPerSecond">Bytes a second; null: as many as can be.</param>
/// <param name="clock">The clock.</param>
internal sealed class Pace(long? rowsPerSecond, long? bytesPerSecond, TimeProvider clock)
{
    private readonly Lock _lock = new();
    private readonly long _began = clock.GetTimestamp();
    private TimeSpan _rowsPaid;
    private TimeSpan _bytesPaid;

    /// <summary>The pace that a worker's settings ask for; null when they ask for none.</summary>
    public static Pace? Of(WorkerSettings settings, TimeProvider clock) =>
        settings.RowsPerSecond is null && settings.BytesPerSecond is null ? null : new Pace(settings.RowsPerSecond, settings.BytesPerSecond, clock);

    /// <summary>
    /// Counts what was read; says how long whoever read it waits before it reads on. At most
    /// <see cref="Limits.PaceWaitSecondsMax"/>: the rest is waited for after the next rows.
    /// </summary>
    public TimeSpan Take(long rows, long bytes)
    {
        lock (_lock)
        {
            var now = clock.GetElapsedTime(_began);
            _rowsPaid = Paid(_rowsPaid, now, rows, rowsPerSecond);
            _bytesPaid = Paid(_bytesPaid, now, bytes, bytesPerSecond);
            var wait = (_rowsPaid > _bytesPaid ? _rowsPaid : _bytesPaid) - now;
            return TimeSpan.FromSeconds(Math.Clamp(wait.TotalSeconds, 0, Limits.PaceWaitSecondsMax));
        }
    }

    // The moment when all that was read so far has had its time.
    private static TimeSpan Paid(TimeSpan paid, TimeSpan now, long amount, long? perSecond) =>
        perSecond is { } most ? (paid > now ? paid : now) + TimeSpan.FromSeconds((double)amount / most) : now;
}

/// <summary>One unit's rows at its worker's pace: a tap in which DuckDB's thread waits. The reading behind it waits with it.</summary>
internal sealed class PacedInput : IDisposable
{
    private readonly Pace _pace;
    private readonly IUnitInput _input;
    private readonly CancellationToken _cancel;
    private readonly HashTap _tap;
    private long _bytes;

    /// <summary>Opens the tap.</summary>
    /// <param name="pace">The worker's pace.</param>
    /// <param name="taps">The worker's taps.</param>
    /// <param name="input">The unit.</param>
    /// <param name="cancel">Ends the waiting.</param>
    public PacedInput(Pace pace, HashTaps taps, IUnitInput input, CancellationToken cancel)
    {
        _pace = pace;
        _input = input;
        _cancel = cancel;
        _tap = taps.Open(Passed);
    }

    /// <summary>A SELECT whose rows pass at that pace.</summary>
    /// <param name="select">A complete SELECT.</param>
    /// <param name="column">One of its columns, any.</param>
    public string Over(string select, string column) => _tap.Over(select, [column]);

    /// <inheritdoc/>
    public void Dispose() => _tap.Dispose();

    private void Passed(long rows)
    {
        var bytes = _input.BytesRead;
        var wait = _pace.Take(rows, Math.Max(0, bytes - Interlocked.Exchange(ref _bytes, bytes)));
        if (wait > TimeSpan.Zero) _cancel.WaitHandle.WaitOne(wait);
    }
}
