using System.Collections.Immutable;
using Millrace.Connectors.Postgres.Catalog;
using Millrace.Connectors.Postgres.Types;
using Millrace.Faults;
using Millrace.Planning;

namespace Millrace.Connectors.Postgres.Target;

/// <summary>Makes the enums, domains and composites that a source's columns have and the target's database lacks.</summary>
internal sealed class PgTypeMaking(PgControl control)
{
    private const string AlreadyThere = "42710";

    /// <summary>Makes what is not there under its name; what is stays as it is.</summary>
    /// <param name="columns">Columns that are made with their source's types.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="Fault">A type can't be made: no right, or a check of a domain calls what is not there.</exception>
    public async Task MakeAsync(ImmutableArray<Column> columns, CancellationToken cancel)
    {
        var definitions = columns.Where(static column => column.Native is { System: PgTargetTypes.System }).SelectMany(static column => column.Native!.Definitions).Distinct();
        foreach (var definition in definitions)
        {
            var name = $"{PgName.Quote(definition.Schema)}.{PgName.Quote(definition.Name)}";
            if ((await control.QueryAsync("SELECT to_regtype($1) IS NOT NULL", [name], cancel))[0][0] == "t") continue;
            await PgSchema.EnsureAsync(control, definition.Schema, cancel);
            try
            {
                await control.ExecuteAsync(definition.Sql, cancel);
            }
            catch (Fault fault) when (fault.Code == AlreadyThere)
            {
                // Somebody else was quicker.
            }
        }
    }
}
