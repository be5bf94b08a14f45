using System.Text;
using Millrace.Connectors.Postgres.Catalog;

namespace Millrace.Connectors.Postgres.Target;

/// <summary>Rows that went to quarantine, in a table beside the one that they were meant for: <c>events_rejects</c>.</summary>
internal static class PgRejectTable
{
    private const string Ending = "_rejects";

    /// <summary>A name that has room for the ending.</summary>
    private static string Cut(string name)
    {
        while (Encoding.UTF8.GetByteCount(name) + Ending.Length > Limits.PgNameBytesMax) name = name[..^(char.IsLowSurrogate(name[^1]) ? 2 : 1)];
        return name;
    }

    /// <summary>
    /// PostgreSQL stores JSON with a zero character, but looks into none: such a character becomes the six that stand for it.
    /// </summary>
    internal static string WithoutZeroes(string line)
    {
        const string zero = "\\u0000";
        var at = line.IndexOf(zero, StringComparison.Ordinal);
        if (at < 0) return line;
        var text = new StringBuilder(line.Length + 1);
        var from = 0;
        for (; at >= 0; at = line.IndexOf(zero, at + zero.Length, StringComparison.Ordinal))
        {
            // Behind an odd number of backslashes it is no escape: the last of them and this one are a backslash.
            var before = at;
            while (before > from && line[before - 1] == '\\') before--;
            if ((at - before) % 2 == 1) continue;
            text.Append(line, from, at - from).Append('\\').Append(zero);
            from = at + zero.Length;
        }

        return text.Append(line, from, line.Length - from).ToString();
    }

    /// <summary>Inside the transaction that publishes: adds them. The table is made when the first row comes.</summary>
    /// <param name="control">The connection.</param>
    /// <param name="place">The stream's place.</param>
    /// <param name="rejects">A JSON object for each row.</param>
    /// <param name="cancel">Stops it.</param>
    public static async Task AddAsync(PgControl control, PgStagingPlace place, IAsyncEnumerable<string> rejects, CancellationToken cancel)
    {
        var table = place.Table.Beside(Cut(place.Table.Name) + Ending);
        var lines = new List<string>();
        var characters = 0;
        var isThere = false;
        await foreach (var line in rejects.WithCancellation(cancel))
        {
            if (!isThere)
            {
                await control.ExecuteAsync(
                    $"CREATE TABLE IF NOT EXISTS {table.Sql} (run text NOT NULL, stream text NOT NULL, rejected_at timestamptz NOT NULL DEFAULT pg_catalog.now(), reject json NOT NULL)", cancel);
                isThere = true;
            }

            lines.Add(WithoutZeroes(line));
            characters += line.Length;
            if (lines.Count < Limits.PgNamesPerStatement && characters < Limits.RejectBufferBytes) continue;
            await SendAsync();
        }

        if (lines.Count > 0) await SendAsync();

        async Task SendAsync()
        {
            var array = string.Join(',', lines.Select(static line => $"\"{line.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\""));
            await control.QueryAsync($"INSERT INTO {table.Sql} (run, stream, reject) SELECT $1, $2, r::json FROM unnest($3::text[]) AS r", [place.Run, place.Stream, $"{{{array}}}"], cancel);
            lines.Clear();
            characters = 0;
        }
    }
}
