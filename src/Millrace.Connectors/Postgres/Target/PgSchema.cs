using Millrace.Connectors.Postgres.Catalog;
using Millrace.Faults;

namespace Millrace.Connectors.Postgres.Target;

/// <summary>Schemas that a target's tables and types lie in.</summary>
internal static class PgSchema
{
    /// <summary>Makes a schema that is not there. Who may not make schemas may still use one that is.</summary>
    public static async Task EnsureAsync(PgControl control, string schema, CancellationToken cancel)
    {
        if (await IsThereAsync(control, schema, cancel)) return;
        try
        {
            await control.ExecuteAsync($"CREATE SCHEMA IF NOT EXISTS {PgName.Quote(schema)}", cancel);
        }
        catch (Fault fault) when (fault.Code is "23505" or "42P06")
        {
            // IF NOT EXISTS does not keep two sessions from creating it at the same moment: one of them gets an error, and the schema is there.
            if (!await IsThereAsync(control, schema, cancel)) throw;
        }
    }

    private static async Task<bool> IsThereAsync(PgControl control, string schema, CancellationToken cancel) =>
        (await control.QueryAsync("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", [schema], cancel))[0][0] == "t";
}
