using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;

namespace Millrace.Connectors.Files.Source;

/// <summary>
/// Checks that a stream's <c>where</c> is one expression over its columns. It is bound, never run, in a DuckDB that can read no file; the
/// worker's own can read only the run's folders.
/// </summary>
internal static class WhereCheck
{
    /// <summary>Checks the condition.</summary>
    /// <exception cref="Fault">It is no condition, or names what there is not.</exception>
    public static async Task AssertAsync(StreamJob stream, FileLayout layout, CancellationToken cancel)
    {
        if (layout.Where is not { } where) return;
        using var probe = new Probe(filesAllowed: false);
        var columns = string.Join(", ", layout.Columns.Select(column => $"NULL::{column.Type} AS {SqlText.Name(column.Name)}"));
        try
        {
            // Text that closes the parenthesis and goes on can't fit into both of these. The line ends keep comments inside.
            await ExplainAsync($"EXPLAIN SELECT CASE WHEN ({where}\n) THEN 1 END FROM (SELECT {columns}) AS input").ConfigureAwait(false);
            await ExplainAsync($"EXPLAIN SELECT 1 FROM (SELECT {columns}) AS input WHERE ({where}\n)").ConfigureAwait(false);
        }
        catch (DuckDbException error) when (error.Type != DuckDbErrorType.Interrupt)
        {
            throw SourceFaults.Job(
                stream.MarkOf("where"), $"found a condition that DuckDB does not take: {error.Message.Split('\n')[0]}",
                "Expected one SQL condition over the files' columns, such as \"amount > 0 and country = 'CZ'\".", error);
        }

        async Task ExplainAsync(string sql)
        {
            using var result = await probe.QueryAsync(sql, cancel).ConfigureAwait(false);
        }
    }
}
