using Millrace.Faults;
using Millrace.Planning;

namespace Millrace.Connectors.Files.Target;

/// <summary>What a table of files remembers of its latest incremental load; it appears with the load's rows, in the same step.</summary>
internal sealed record TableWindow
{
    /// <summary>The run whose files the next load may replace.</summary>
    public required string Run { get; init; }

    /// <summary>The stream that is loaded; another one has another cursor's values.</summary>
    public required string Stream { get; init; }

    /// <summary>The cursor, by its name in the target.</summary>
    public required string Cursor { get; init; }

    /// <summary>The greatest value of the cursor that was loaded; null: there has never been a row.</summary>
    public string? Watermark { get; init; }

    /// <summary>Rows at this value of the cursor or after it are in files of their own: the next load reads from here. Null: every row is.</summary>
    public string? From { get; init; }

    /// <summary>What the next load of a stream has to read.</summary>
    /// <param name="marker">What the table says about itself; null: there is none, or none of ours.</param>
    /// <param name="live">The table's folder.</param>
    /// <param name="stream">The stream that is to be loaded.</param>
    /// <param name="cursor">Its cursor, by its name in the target.</param>
    /// <param name="where">The place in the user's input.</param>
    /// <exception cref="Fault">The table has rows that no load of this stream by this cursor has brought.</exception>
    public static CursorWindow Of(TableMarker? marker, string live, string stream, string cursor, string where)
    {
        if (marker?.Window is not { } window)
        {
            if (!HasRows(marker, live)) return new CursorWindow();
            throw Refused($"{live} has rows, and no watermark says up to where they were loaded", "Write to another folder with `to:`, or move this one away.");
        }

        if (window.Stream != stream) throw Refused($"{live} is loaded from {Words.Quote(window.Stream)}, up to {window.Watermark}", "Write each stream to a folder of its own.");
        if (window.Cursor != cursor)
            throw Refused($"{live} is loaded up to {window.Watermark} by {Words.Quote(window.Cursor)}, and the cursor is {Words.Quote(cursor)} now", "Keep the cursor, or write to another folder with `to:`.");
        return new CursorWindow(window.Watermark, window.From);

        Fault Refused(string message, string advice) => new(FaultKind.Refused, message) { Side = FaultSide.Target, Where = where, Advice = advice };
    }

    private static bool HasRows(TableMarker? marker, string live) => marker is null
        ? Directory.Exists(live) && FolderTree.Files(live).Any()
        : marker.Commits.Length >= Limits.TableCommitsMax || marker.Commits.Any(static commit => commit.Rows > 0);
}
