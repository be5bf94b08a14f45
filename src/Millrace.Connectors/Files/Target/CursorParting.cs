using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;

namespace Millrace.Connectors.Files.Target;

/// <summary>
/// How the rows of an incremental load are told apart while they are written: those at <see cref="From"/> or after go to files of their own,
/// which the next load replaces by what it reads from there on; those before are final.
/// </summary>
/// <param name="Column">The cursor, by its name in the target.</param>
/// <param name="Type">Its type in DuckDB.</param>
/// <param name="From">Where the next load begins to read; null: the stream has never had a row.</param>
internal sealed record CursorParting(string Column, string Type, string? From)
{
    /// <summary>The words with which a NULL is refused: no load would ever find such a row again.</summary>
    public const string NullError = "the cursor of an incremental stream is NULL in a row";

    private const string Mark = ".window";

    /// <summary>The parting of a stream; null unless its mode is incremental.</summary>
    /// <exception cref="Fault">The cursor's type has not the same order everywhere.</exception>
    public static CursorParting? Of(StreamPlan plan)
    {
        var stream = plan.Stream;
        if (stream.Mode != WriteMode.Incremental) return null;
        var column = plan.Columns.First(column => string.Equals(column.SourceName, stream.Cursor, StringComparison.Ordinal));
        var type = DuckDbType.Parse(column.Type);
        if (type.Kind is not ((>= DuckDbKind.TinyInt and <= DuckDbKind.UBigInt) or DuckDbKind.Decimal or DuckDbKind.Date or DuckDbKind.Timestamp or DuckDbKind.TimestampTz))
            throw Refused(stream, "cursor", $"found the cursor {Words.Quote(column.Name)} of type {column.Type}", "Name a column of whole numbers, decimals, dates or times: their order is the same in source and files.");
        return new CursorParting(column.Name, column.Type, plan.Window?.Next?.From);
    }

    /// <summary>Refuses what an incremental load into files can't keep.</summary>
    public static void Refuse(StreamJob stream)
    {
        if (stream.Mode != WriteMode.Incremental) return;
        if (!stream.Key.IsEmpty)
            throw Refused(stream, "key", "found a key with mode: incremental, and rows in files can't be found by a key", "Leave the key out: every version of a row is kept then; or write to PostgreSQL, where rows are merged.");
        if (stream.Write.MaxFileBytes is not null)
            throw Refused(stream, "write.max_file_bytes", "found max_file_bytes with mode: incremental, which can't be combined in this version", "Use max_rows_per_file.");
    }

    /// <summary>A SELECT whose rows all have a cursor.</summary>
    public string WithoutNulls(string select)
    {
        var name = SqlText.Name(Column);
        return $"SELECT * REPLACE (CASE WHEN {name} IS NULL THEN error({SqlText.Literal(NullError)}) ELSE {name} END AS {name}) FROM ({select})";
    }

    /// <summary>A SELECT with one more column: whether the next load may read the row again.</summary>
    public string WithFlag(string select, string name) => $"SELECT *, {SqlText.Name(Column)} >= CAST({SqlText.Literal(From!)} AS {Type}) AS {SqlText.Name(name)} FROM ({select})";

    /// <summary>A published file's name for rows that the next load replaces.</summary>
    /// <param name="stem">How the name begins.</param>
    /// <param name="ending">The format's ending.</param>
    public static string NameOf(string stem, string ending) => stem + Mark + ending;

    /// <summary>Whether a file has rows that a load of this run has left to be replaced.</summary>
    /// <param name="path">The file.</param>
    /// <param name="stem">How the names of the run's files begin.</param>
    public static bool IsReplaceable(string path, string stem)
    {
        var name = Path.GetFileName(path.AsSpan());
        if (!name.StartsWith(stem, StringComparison.Ordinal)) return false;
        // Behind the stem stand numbers, and at the end the format's ending, which begins with the first dot or right behind the mark.
        var rest = name[stem.Length..];
        var dot = rest.IndexOf('.');
        return dot >= 0 && rest[dot..].StartsWith(Mark + ".", StringComparison.Ordinal);
    }

    private static Fault Refused(StreamJob stream, string key, string message, string advice) => new(FaultKind.JobFile, message)
    {
        Side = FaultSide.Job, Where = stream.MarkOf(key).ToString(), Advice = advice,
    };
}
