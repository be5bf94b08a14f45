using System.Text.Json.Serialization;

namespace Millrace.Jobs;

/// <summary>A parameter of a job: a value that SQL of the job file names as <c>$name</c>. Typed by how it is written in YAML.</summary>
/// <param name="Kind">Its type.</param>
/// <param name="Text">Its value: a number as SQL writes it, <c>true</c> or <c>false</c>, or the text itself.</param>
public sealed record JobParam(JobParamKind Kind, string Text)
{
    /// <summary>
    /// The value as an SQL literal. A negative number stands in parentheses: <c>a-$b</c> must not begin a comment.
    /// </summary>
    [JsonIgnore]
    public string Literal => Kind switch
    {
        JobParamKind.Text => $"'{Text.Replace("'", "''", StringComparison.Ordinal)}'",
        JobParamKind.Number when Text.StartsWith('-') => $"({Text})",
        _ => Text,
    };
}

/// <summary>The types that a parameter can have.</summary>
public enum JobParamKind
{
    /// <summary>Text; dates and times, too, which SQL takes from text.</summary>
    Text = 0,

    /// <summary>A number.</summary>
    Number = 1,

    /// <summary>True or false.</summary>
    Truth = 2,
}
