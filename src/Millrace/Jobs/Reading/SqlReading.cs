using Millrace.Jobs.Secrets;

namespace Millrace.Jobs.Reading;

/// <summary>Reads SQL of the job file: never blank, no secret in it, its parameters filled in.</summary>
internal static class SqlReading
{
    /// <summary>The SQL behind a key; null when it is not there.</summary>
    public static string? Read(MapReader reader, string key, JobScope scope) =>
        reader.Text(key) is { } text ? Checked(text, reader.MarkOf(key), scope) : null;

    /// <summary>SQL that was read as text.</summary>
    public static string Checked(string text, Mark mark, JobScope scope)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            scope.Faults.Add(mark, "found only blanks, expected SQL");
        }
        else if (TextTemplate.HasReference(text))
        {
            // SQL becomes part of the plan, which must hold no secret and must be the same when the run is resumed.
            scope.Faults.Add(mark, "found '${', which is resolved in source, target, state, shuffle, with and in only", "Name the value in params and write $name (--set params.name=...), or write $${ for a plain ${.");
        }

        return scope.Params.Fill(text.Replace("$${", "${", StringComparison.Ordinal), mark);
    }
}
