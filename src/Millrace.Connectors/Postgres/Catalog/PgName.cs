using System.Text;
using System.Text.RegularExpressions;
using Millrace.Faults;
using Millrace.Jobs;

namespace Millrace.Connectors.Postgres.Catalog;

/// <summary>
/// The name of a table as a user writes it: <c>events</c>, <c>public.events</c>, <c>"Odd Name"."t.x"</c>. Letters outside of double
/// quotes are folded to lower case, as PostgreSQL does. As a pattern, <c>*</c> and <c>?</c> outside of quotes are wildcards.
/// </summary>
internal sealed record PgName
{
    /// <summary>The schema; null when the search path decides.</summary>
    public string? Schema { get; private init; }

    /// <summary>The table.</summary>
    public required string Table { get; init; }

    /// <summary>Matches the schema when it has wildcards.</summary>
    private Regex? SchemaPattern { get; init; }

    /// <summary>Matches the table when it has wildcards.</summary>
    private Regex? TablePattern { get; init; }

    /// <summary>Whether it stands for as many tables as match.</summary>
    public bool IsPattern => SchemaPattern is not null || TablePattern is not null;

    /// <summary>Every table of every schema.</summary>
    public static PgName Everything { get; } = new() { Schema = "*", Table = "*", SchemaPattern = Compile("^.*$"), TablePattern = Compile("^.*$") };

    /// <summary>Reads a name or pattern; a malformed one is a fault with the stream's mark.</summary>
    public static PgName Parse(string text, Mark mark)
    {
        var parts = Split(text, mark);
        if (parts.Count > 2)
        {
            throw Malformed(text, mark, "it has more than two parts");
        }

        var table = parts[^1];
        (string Text, string? Pattern)? schema = parts.Count == 2 ? parts[0] : null;
        return new PgName
        {
            Schema = schema?.Text,
            Table = table.Text,
            SchemaPattern = schema?.Pattern is { } s ? Compile(s) : null,
            TablePattern = table.Pattern is { } t ? Compile(t) : null,
        };
    }

    /// <summary>Whether a relation is meant; without a schema any schema of the search path is.</summary>
    public bool Matches(string schema, string table, IReadOnlyList<string> searchPath) =>
        (TablePattern?.IsMatch(table) ?? table == Table)
        && (Schema is null ? searchPath.Contains(schema) : SchemaPattern?.IsMatch(schema) ?? schema == Schema);

    /// <summary>An identifier in double quotes: right for every name.</summary>
    public static string Quote(string identifier) => $"\"{identifier.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    /// <summary>A text in single quotes, for standard_conforming_strings, which every supported server has on.</summary>
    public static string Literal(string text) =>
        text.Contains('\\', StringComparison.Ordinal)
            ? $" E'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal)}'"
            : $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    /// <summary>A name as a job file needs it: quoted only where folding, a dot or a wildcard would make it another one.</summary>
    public static string Written(string schema, string table) => $"{Written(schema)}.{Written(table)}";

    private static string Written(string identifier) =>
        identifier.Length > 0 && !char.IsAsciiDigit(identifier[0]) && identifier.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '_' or '$')
            ? identifier
            : Quote(identifier);

    /// <summary>Splits at dots outside of quotes; each part with its wildcard pattern when it has one.</summary>
    private static List<(string Text, string? Pattern)> Split(string text, Mark mark)
    {
        var parts = new List<(string, string?)>();
        var part = new StringBuilder();
        var pattern = new StringBuilder("^");
        var hasWildcard = false;
        var quoted = false;
        for (var i = 0; i <= text.Length; i++)
        {
            if (i == text.Length || (text[i] == '.' && !quoted))
            {
                if (part.Length == 0) throw Malformed(text, mark, "a part of it is empty");
                parts.Add((part.ToString(), hasWildcard ? pattern.Append('$').ToString() : null));
                part.Clear();
                pattern.Clear().Append('^');
                hasWildcard = false;
                continue;
            }

            var c = text[i];
            if (c == '"' && !(quoted && i + 1 < text.Length && text[i + 1] == '"'))
            {
                quoted = !quoted;
                continue;
            }

            if (c == '"') i++;
            var isWildcard = !quoted && c is '*' or '?' && !quoted;
            var folded = quoted ? c : char.ToLowerInvariant(c);
            part.Append(folded);
            pattern.Append(isWildcard ? (c == '*' ? ".*" : ".") : Regex.Escape(folded.ToString()));
            hasWildcard |= isWildcard;
        }

        return quoted ? throw Malformed(text, mark, "a quote is not closed") : parts;
    }

    private static Regex Compile(string pattern) => new(pattern, RegexOptions.Singleline | RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);

    private static Fault Malformed(string text, Mark mark, string what) => new(FaultKind.JobFile, $"'{text}' is no name of a PostgreSQL table: {what}")
    {
        Side = FaultSide.Job,
        Where = mark.ToString(),
        Advice = "Write table, schema.table or \"Quoted Schema\".\"quoted.table\".",
    };
}
