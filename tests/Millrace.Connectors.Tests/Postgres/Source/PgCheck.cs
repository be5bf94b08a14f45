using Millrace.Connectors.Tests.Postgres.Servers;

namespace Millrace.Connectors.Tests.Postgres.Source;

/// <summary>What the server says, through Npgsql: independent of our own protocol code.</summary>
internal static class PgCheck
{
    /// <summary>The rows of a query whose columns are all texts.</summary>
    internal static async Task<List<string?[]>> TextsAsync(PgServer server, string sql)
    {
        await using var connection = await server.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = "SET TimeZone = 'UTC'; SET IntervalStyle = 'postgres'";
        await command.ExecuteNonQueryAsync();
        command.CommandText = sql;
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string?[]>();
        while (await reader.ReadAsync())
        {
            var row = new string?[reader.FieldCount];
            for (var i = 0; i < row.Length; i++) row[i] = await reader.IsDBNullAsync(i) ? null : reader.GetString(i);
            rows.Add(row);
        }

        return rows;
    }
}
