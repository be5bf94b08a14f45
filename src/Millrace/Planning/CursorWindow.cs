using Millrace.DuckDb;
using Millrace.Jobs;

namespace Millrace.Planning;

/// <summary>What an incremental load reads: rows whose cursor is at <see cref="From"/> or after.</summary>
/// <param name="Watermark">The cursor's value that the target is loaded up to, as the target writes it; null: it was never loaded by a cursor.</param>
/// <param name="From">Where reading begins: the watermark less the lag, or where the target says; null: every row is read.</param>
public sealed record CursorWindow(string? Watermark = null, string? From = null)
{
    /// <summary>
    /// Where this load will end, for targets that must know before the first row (<see cref="Load.ITarget.PartsAtCursor"/>). Null: they need not, or
    /// there has never been a row.
    /// </summary>
    public CursorEnd? Next { get; init; }

    /// <summary>A stream that is read from where the window begins.</summary>
    /// <param name="stream">The stream, with its cursor.</param>
    internal StreamJob Over(StreamJob stream)
    {
        if (From is null) return stream;
        var since = $"{SqlText.Name(stream.Cursor!)} >= {SqlText.Literal(From)}";
        return stream with { Where = stream.Where is { } own ? $"({own}\n) AND {since}" : since };
    }
}

/// <summary>Where an incremental load ends, found at the moment that it reads. Values as the source writes them.</summary>
/// <param name="Watermark">The greatest value of the cursor that is loaded then, now or before.</param>
/// <param name="From">Where the next load begins to read: the watermark less the lag, never before where this load has begun.</param>
public sealed record CursorEnd(string Watermark, string From);
