using System.Collections.Immutable;

namespace Millrace.Jobs;

/// <summary>What kind of system a source or target text names, by its scheme.</summary>
public static class EndpointScheme
{
    private static readonly ImmutableArray<string> Postgres = ["postgres", "postgresql"];

    /// <summary>Schemes that Millrace knows of, and this version can't do.</summary>
    private static readonly ImmutableArray<string> Planned =
    [
        "s3", "gs", "az", "abfs", "abfss", "http", "https", "bigquery", "duckdb", "mysql", "mariadb", "sqlserver", "mssql", "oracle", "odbc", "sqlite",
        "snowflake", "redshift", "clickhouse", "mongodb", "kafka", "ftp", "sftp", "hdfs",
    ];

    /// <summary>The scheme in lower case without its colon; null for a path and for <c>-</c>. A drive letter is no scheme.</summary>
    public static string? Of(string text)
    {
        var colon = text.IndexOf(':');
        if (colon < 2 || !char.IsAsciiLetter(text[0]) || !text.AsSpan(0, colon).ContainsOnlySchemeCharacters())
        {
            return null;
        }

        var scheme = text[..colon].ToLowerInvariant();
        return text.AsSpan(colon).StartsWith("://") || Planned.Contains(scheme) || Postgres.Contains(scheme) ? scheme : null;
    }

    /// <summary>True for PostgreSQL's URLs.</summary>
    public static bool IsPostgres(string text) => Of(text) is { } scheme && Postgres.Contains(scheme);

    /// <summary>True for standard input or output.</summary>
    public static bool IsStandardStream(string text) => text == "-";

    /// <summary>True when the scheme belongs to a system that a later version will have.</summary>
    public static bool IsPlanned(string scheme) => Planned.Contains(scheme);

    private static bool ContainsOnlySchemeCharacters(this ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('+' or '-' or '.'))
            {
                return false;
            }
        }

        return true;
    }
}
