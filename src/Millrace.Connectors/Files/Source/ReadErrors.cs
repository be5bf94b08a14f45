using System.Globalization;
using Millrace.DuckDb;
using Millrace.Faults;

namespace Millrace.Connectors.Files.Source;

/// <summary>
/// Turns what DuckDB says about a unit's files into faults that name file, row, column and value. For a value the file is read once
/// more up to that row, which only a failed unit pays for. A row's number counts the data rows of the file from 1, the header is none.
/// </summary>
internal sealed class ReadErrors(FileLayout layout, FileSlice slice, CsvBuffer buffer)
{
    private const int LineCharsMax = 200;

    // DuckDB shows the line, cut at 10,000 characters.
    private const int LongMessageChars = 9_000;

    /// <summary>
    /// Whether the reason can be a record that did not fit into the CSV reader's buffers: DuckDB then says one of many things, never
    /// nothing. Whether it is so, <see cref="LongestRecord"/> tells.
    /// </summary>
    public static bool CanBeLongRecord(string message) =>
        message.Contains("CSV", StringComparison.Ordinal)
        || message.Contains("maximum_object_size", StringComparison.Ordinal)
        || message.Contains("Malformed JSON", StringComparison.Ordinal);

    /// <summary>Whether a sample's records do not fit, as far as the message tells.</summary>
    public static bool IsLineTooLong(string message) =>
        message.Contains("Maximum line size", StringComparison.OrdinalIgnoreCase)
        || message.Contains("does not support a full read", StringComparison.Ordinal)
        || message.Contains("maximum_object_size", StringComparison.Ordinal)
        || (message.Contains("CSV Error on Line", StringComparison.Ordinal) && message.Length > LongMessageChars);

    /// <summary>The fault; null when the error is not about the files.</summary>
    public Fault? Explain(DuckDbException error)
    {
        var message = error.Message;
        if (BadValue.Find(message) is { } bad) return OfValue(bad, error);
        if (long.TryParse(Behind(message, "CSV Error on Line: ", line: false), CultureInfo.InvariantCulture, out var line)) return OfCsvLine(line, error);
        if (layout.Format == SourceFormat.Csv && message.Contains("CSV", StringComparison.Ordinal)) return Csv(error);
        if (layout.Format is SourceFormat.Ndjson or SourceFormat.Json && message.Contains("Malformed JSON", StringComparison.Ordinal)) return Malformed(error);
        if (layout.Format == SourceFormat.Parquet && error.Type is DuckDbErrorType.IO or DuckDbErrorType.InvalidInput or DuckDbErrorType.Serialization
            or DuckDbErrorType.Invalid or DuckDbErrorType.OutOfRange or DuckDbErrorType.NotImplemented)
            return ParquetInspector.Damaged(FileOf(message) ?? slice.Files[0].Path, error);
        if (error.Type == DuckDbErrorType.IO && FileOf(message) is { } path) return SourceFaults.Refused(path, FirstLine(message), inner: error);
        return null;
    }

    private Fault OfValue(BadValue bad, DuckDbException error)
    {
        var place = RowFinder.Find(layout, slice, buffer, bad);
        var path = place?.Path ?? slice.Files[0].Path;
        var row = place is null ? "" : $", row {place.Row.ToString("N0", CultureInfo.InvariantCulture)}";
        switch (bad.Reason)
        {
            case BadValue.Why.UnknownKey:
                return SourceFaults.Data(
                    path + row, $"has the key \"{bad.Value}\", which none of the rows has that were looked into",
                    $"Say its type, so that it becomes a column: `types: {{{bad.Value}: text}}`.", error);
            case BadValue.Why.KeyTwice:
                return SourceFaults.Data(path + row, $"has the key \"{bad.Value}\" twice", "Each key of an object can have one value.", error);
            case BadValue.Why.NoObject:
                return SourceFaults.Data(path + row, $"found {Shown(bad.Value)}, expected a JSON object", "Check `read.format`.", error);
        }

        var column = layout.Columns[bad.Column];
        var where = $"{path}{row}, column {column.Name}";
        return bad.Reason == BadValue.Why.NotForTarget
            ? SourceFaults.Data(where, $"found {Shown(bad.Value)}, which the target can't hold as {column.Type}", $"Write it as text: `types: {{{column.Name}: text}}`, leave such rows out with `where`, or put them aside with `on_reject: quarantine`.", error)
            : SourceFaults.Data(where, $"found {Shown(bad.Value)}, expected {Expected(column)}", $"`types: {{{column.Name}: text}}` takes every value as it is; a word that means NULL goes into `read.null`; `on_reject: quarantine` puts such rows aside.", error);
    }

    /// <summary>What a column's values must be, for messages.</summary>
    public static string Expected(FileColumn column) => column.Type switch
    {
        "BIGINT" => "BIGINT, a whole number as it would be printed",
        "DOUBLE" => "DOUBLE, a number that 64-bit floating point holds",
        "DATE" or "TIMESTAMP" => $"{column.Type} in ISO 8601 or in the format that the job says",
        _ => column.Type,
    };

    private Fault OfCsvLine(long line, DuckDbException error)
    {
        var message = error.Message;
        var path = FileOf(message) ?? slice.Files[0].Path;
        var row = slice.Range is { } range ? range.FirstRow + line : line - layout.Csv!.Skip - (layout.Csv.Header ? 1 : 0);
        row -= BlankLines.Before(layout, slice.Files.First(file => file.Path == path), slice.Bytes, line);
        var where = $"{path}, row {row.ToString("N0", CultureInfo.InvariantCulture)}";
        var shown = Behind(message, "Original Line: ", line: true) is { } original ? Shown(original) : "a row";
        if (Behind(message, "Expected Number of Columns: ", line: false) is { } expected && Behind(message, " Found: ", line: false) is { } found)
        {
            return SourceFaults.Data(
                where, $"found {found} fields in {shown}, expected {expected}",
                "`read.ragged: pad` takes rows with too few fields; for too many check `read.delimiter` and `read.quote`.", error);
        }

        if (message.Contains("unterminated quote", StringComparison.Ordinal))
            return SourceFaults.Data(where, $"found a quote that does not end, or text behind its end, in {shown}", "Say `read.quote` and `read.escape`; an empty quote takes quotes as text.", error);
        if (message.Contains("Invalid unicode", StringComparison.Ordinal))
            return SourceFaults.Data(where, "found bytes that are no UTF-8", "Say the file's encoding: `read.encoding: windows-1252`.", error);
        return SourceFaults.Data(where, $"{shown} can't be read: {FirstLine(message)}", inner: error);
    }

    private Fault Csv(DuckDbException error) => SourceFaults.Data(
        FileOf(error.Message) ?? slice.Files[0].Path,
        "can't be read as the CSV that its first rows are: " + FirstLine(error.Message),
        "Lines may end in different ways in it; say `read.quote`, `read.escape` and `read.delimiter`.", error);

    private Fault Malformed(DuckDbException error)
    {
        var place = RowFinder.FindMalformed(layout, slice, buffer);
        var path = place?.Path ?? slice.Files[0].Path;
        var row = place is null ? "" : $", row {place.Row.ToString("N0", CultureInfo.InvariantCulture)}";
        var shown = place is null ? "" : $": {Shown(place.Text)}";
        return SourceFaults.Data(path + row, $"is no valid JSON{shown}", "In NDJSON each line holds one whole object; say `read.format: json` for other forms.", error);
    }

    private string? FileOf(string message)
    {
        foreach (var file in slice.Files)
        {
            if (message.Contains(file.Path, StringComparison.Ordinal)) return file.Path;
        }

        return null;
    }

    private static string Shown(string value)
    {
        var cut = value.Length > LineCharsMax ? value[..LineCharsMax] + "…" : value;
        return $"'{cut.Replace("\n", "\\n", StringComparison.Ordinal).Replace("\r", "\\r", StringComparison.Ordinal)}'";
    }

    private static string FirstLine(string message) => message.Split('\n')[0];

    // What stands behind a sign, up to the line's end or a space.
    private static string? Behind(string message, string sign, bool line)
    {
        var at = message.IndexOf(sign, StringComparison.Ordinal);
        if (at < 0) return null;
        var rest = message.AsSpan(at + sign.Length);
        var end = line ? rest.IndexOf('\n') : rest.IndexOfAnyExceptInRange('0', '9');
        return (end < 0 ? rest : rest[..end]).ToString();
    }
}
