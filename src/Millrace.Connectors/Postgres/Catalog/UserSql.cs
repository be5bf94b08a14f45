using System.Text.Json;
using Millrace.Connectors.Postgres.Types;
using Millrace.Faults;
using Millrace.Jobs;

namespace Millrace.Connectors.Postgres.Catalog;

/// <summary>
/// Looks at the SQL that the user wrote (<c>where</c>, <c>query</c>) before it becomes part of ours: PostgreSQL itself says whether it
/// is a whole condition or a whole query, and about how many rows it gives. Nothing of it is run.
/// </summary>
internal sealed class UserSql
{
    private readonly PgControl _control;
    private readonly string _searchPath;

    internal UserSql(PgControl control, PgSearchPath searchPath)
    {
        _control = control;
        _searchPath = searchPath.Sql;
    }

    /// <summary>PostgreSQL's estimate of the rows and bytes that a relation gives under the stream's condition.</summary>
    internal async Task<(long Rows, long Bytes)> EstimateAsync(StreamJob stream, string from, CancellationToken cancel)
    {
        try
        {
            return await _control.TryAsync(
                _searchPath,
                moment: null,
                async () =>
                {
                    // A condition that closes our parenthesis, such as "a) or (b", is no condition by itself; one that ends in ORDER BY
                    // or LIMIT is none in parentheses. Only what is right both ways can be ANDed with a unit's range.
                    if (stream.Where is not null) await ExplainAsync($"SELECT FROM {from} WHERE {stream.Where}\n", cancel);
                    return await ExplainAsync($"SELECT * FROM {from}{(stream.Where is null ? "" : $" WHERE ({stream.Where}\n)")}", cancel);
                },
                cancel);
        }
        catch (Fault fault) when (fault.Code is not null)
        {
            throw Refused(stream, stream.Query is null ? "where" : "query", fault);
        }
    }

    /// <summary>The columns of the stream's query.</summary>
    internal async Task<System.Collections.Immutable.ImmutableArray<PgAttribute>> DescribeAsync(StreamJob stream, PgTypeCatalog types, CancellationToken cancel)
    {
        try
        {
            return await _control.TryAsync(
                _searchPath,
                moment: null,
                async () =>
                {
                    await ExplainAsync($"{stream.Query}", cancel);
                    return await types.DescribeAsync($"SELECT * FROM {FromOf(stream)}", cancel);
                },
                cancel);
        }
        catch (Fault fault) when (fault.Code is not null)
        {
            throw Refused(stream, "query", fault);
        }
    }

    /// <summary>The stream's query as something to select from, with its alias.</summary>
    internal static string FromOf(StreamJob stream) => $"{Parenthesised(stream)} AS {PgName.Quote(AliasOf(stream))}";

    /// <summary>The stream's query in parentheses; a semicolon at its end goes.</summary>
    internal static string Parenthesised(StreamJob stream) => $"(\n{stream.Query!.Trim().TrimEnd(';')}\n)";

    /// <summary>The name that a query's rows have in its condition.</summary>
    internal static string AliasOf(StreamJob stream) => stream.Name;

    private async Task<(long Rows, long Bytes)> ExplainAsync(string sql, CancellationToken cancel)
    {
        var rows = await _control.QueryAsync($"EXPLAIN (FORMAT JSON) {sql}", [], cancel);
        using var json = JsonDocument.Parse(rows[0][0]!);
        var plan = json.RootElement[0].GetProperty("Plan");
        var count = plan.GetProperty("Plan Rows").GetDouble();
        return ((long)count, (long)(count * plan.GetProperty("Plan Width").GetDouble()));
    }

    private static Fault Refused(StreamJob stream, string key, Fault fault) => new(fault.Kind, $"PostgreSQL does not take the stream's {key}: {fault.Message}", fault)
    {
        Side = FaultSide.Source,
        Code = fault.Code,
        Where = stream.MarkOf(key).ToString(),
        Advice = $"Try it in psql. {(key == "where" ? "It must be one condition" : "It must be one SELECT")}; your own search_path applies to it.",
    };
}
