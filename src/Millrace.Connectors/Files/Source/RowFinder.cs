using System.Globalization;
using Millrace.DuckDb;
using Millrace.Faults;

namespace Millrace.Connectors.Files.Source;

/// <summary>
/// Finds the row of a value that failed a unit, by reading the unit's files again in order with one thread. Slow by nature; used once,
/// for an error's text.
/// </summary>
internal static class RowFinder
{
    /// <summary>A row.</summary>
    /// <param name="Path">Its file.</param>
    /// <param name="Row">Its number among the file's data rows, from 1.</param>
    /// <param name="Text">What was found there.</param>
    public sealed record Place(string Path, long Row, string Text);

    /// <summary>The first row that has the value; null when it is not found again.</summary>
    public static Place? Find(FileLayout layout, FileSlice slice, CsvBuffer buffer, BadValue bad)
    {
        var value = SqlText.Literal(bad.Value);
        if (bad.Reason is BadValue.Why.UnknownKey or BadValue.Why.KeyTwice)
            return Search(layout, slice, buffer, bad, $"json_valid(j) AND len(list_filter(json_keys(j), lambda k: k = {value})) > {(bad.Reason == BadValue.Why.KeyTwice ? 1 : 0)}");
        if (bad.Reason == BadValue.Why.NoObject) return Search(layout, slice, buffer, bad, "json_valid(j) AND json_type(j) <> 'OBJECT'");
        return Search(layout, slice, buffer, bad, $"left(v, {BadValue.ValueCharsMax}) = {value}");
    }

    /// <summary>The first row that is no valid JSON.</summary>
    public static Place? FindMalformed(FileLayout layout, FileSlice slice, CsvBuffer buffer) =>
        Search(layout, slice, buffer, null, "NOT json_valid(j)");

    private static Place? Search(FileLayout layout, FileSlice slice, CsvBuffer buffer, BadValue? bad, string condition)
    {
        using var probe = new Probe();
        var rows = slice.Range is { ByRow: true } piece ? string.Create(CultureInfo.InvariantCulture, $"n > {piece.Start} AND n <= {piece.End} AND ") : "";
        foreach (var file in slice.Files)
        {
            if (file.Bytes == 0) continue;
            var opening = new UnitOpening(layout, new FileSlice([file], layout.Format == SourceFormat.Parquet ? slice.Range : slice.Bytes), buffer, probe);
            try
            {
                // The caller turns an error into a fault and can't wait any other way.
                var source = opening.SearchAsync(bad, CancellationToken.None).GetAwaiter().GetResult();
                using var result = probe.Query(
                    $"SELECT n, left(v::VARCHAR, {BadValue.ValueCharsMax}) FROM (SELECT row_number() OVER () AS n, * FROM {source}) WHERE {rows}({condition}) LIMIT 1");
                if (result.Read()) return new Place(file.Path, result.GetInt64(0) + FirstRow(layout, slice), result.GetText(1) ?? "");
            }
            catch (Exception error) when (error is DuckDbException or Fault or IOException)
            {
                // A file that can't be read a second time: the message goes without the row.
            }
            finally
            {
                foreach (var pipe in opening.Pipes) pipe.DisposeAsync().AsTask().GetAwaiter().GetResult();
            }
        }

        return null;
    }

    private static long FirstRow(FileLayout layout, FileSlice slice) => layout.Format == SourceFormat.Parquet ? slice.Range?.Start ?? 0 : slice.Bytes?.FirstRow ?? 0;
}
