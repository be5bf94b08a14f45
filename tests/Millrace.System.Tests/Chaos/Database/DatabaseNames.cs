namespace Millrace.SystemTests.Chaos.Database;

/// <summary>The names of all that is in a database: what a run has left behind is among them.</summary>
internal static class DatabaseNames
{
    /// <summary>A line for each, temporary ones too.</summary>
    public const string Sql =
        """
        WITH schema AS (SELECT oid, nspname FROM pg_namespace WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND nspname !~ '^pg_toast_temp')
        SELECT string_agg(name, E'\n') FROM (
            SELECT 'schema ' || nspname FROM schema WHERE nspname !~ '^pg_temp'
            UNION ALL SELECT concat_ws(' ', 'relation', relkind, relpersistence, nspname, relname) FROM pg_class JOIN schema ON schema.oid = relnamespace
            UNION ALL SELECT concat_ws(' ', 'constraint', nspname, conname) FROM pg_constraint JOIN schema ON schema.oid = connamespace
            UNION ALL SELECT concat_ws(' ', 'type', nspname, typname) FROM pg_type JOIN schema ON schema.oid = typnamespace WHERE typtype IN ('e', 'd', 'r') OR typname ~ 'millrace'
            UNION ALL SELECT concat_ws(' ', 'function', nspname, proname) FROM pg_proc JOIN schema ON schema.oid = pronamespace
            UNION ALL SELECT concat_ws(' ', 'comment', description) FROM pg_description WHERE description ~ 'stages rows'
        ) AS names (name)
        """;

    /// <summary>What is there after a run, and need not be before.</summary>
    public static IEnumerable<string> Gained(DatabasePlan plan, string schema)
    {
        yield return $"schema {schema}";
        yield return $"relation r p {schema} _millrace_commits";
        yield return $"relation i p {schema} _millrace_commits_pkey";
        yield return $"constraint {schema} _millrace_commits_pkey";
        yield return $"type {schema} _millrace_commits";
        yield return $"type {schema} __millrace_commits";
        if (!plan.IsNew) yield break;
        foreach (var table in plan.Rows.Select(static (_, table) => ChaosTables.Name(table)))
        {
            yield return $"relation r p {schema} {table}";
            if (plan.Mode is not (DatabaseMode.Merge or DatabaseMode.Incremental)) continue;
            yield return $"relation i p {schema} {table}_pkey";
            yield return $"constraint {schema} {table}_pkey";
        }
    }
}
