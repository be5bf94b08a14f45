namespace Millrace.Planning;

/// <summary>What an incremental load reads: rows whose cursor is at <see cref="From"/> or after.</summary>
/// <param name="Watermark">The cursor's value that the target is loaded up to, as the target writes it; null: it was never loaded by a cursor.</param>
/// <param name="From">The watermark less the lag; null: every row is read.</param>
public sealed record CursorWindow(string? Watermark = null, string? From = null);
