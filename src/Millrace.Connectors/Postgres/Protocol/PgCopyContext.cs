namespace Millrace.Connectors.Postgres.Protocol;

/// <summary>Where in a COPY the server found an error: its context says <c>COPY t, line 5, column c</c>, the line being the row.</summary>
internal static class PgCopyContext
{
    private const string Line = ", line ";
    private const string Column = ", column ";

    /// <summary>Row and column, for people; null when the error is not a row's.</summary>
    internal static string? Where(string context)
    {
        foreach (var text in context.AsSpan().EnumerateLines())
        {
            var line = text.StartsWith("COPY ") ? text.IndexOf(Line) : -1;
            if (line < 0) continue;
            var rest = text[(line + Line.Length)..];
            var row = rest[..Leading(rest)];
            if (!rest[row.Length..].StartsWith(Column)) return $"row {row}";
            // Behind the column's name there may be the value.
            var column = rest[(row.Length + Column.Length)..];
            return column.IndexOf(':') is >= 0 and var end ? $"row {row}, column {column[..end]}" : $"row {row}, column {column}";
        }

        return null;
    }

    private static int Leading(ReadOnlySpan<char> text)
    {
        var digits = text.IndexOfAnyExceptInRange('0', '9');
        return digits < 0 ? text.Length : digits;
    }
}
