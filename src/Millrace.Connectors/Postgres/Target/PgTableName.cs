using Millrace.Connectors.Postgres.Catalog;
using Millrace.Faults;

namespace Millrace.Connectors.Postgres.Target;

/// <summary>
/// A table of the target, as the job names it: <c>events</c>, <c>sales.events</c>, <c>"odd.name"</c>. Letters stay as they are written: a
/// table that Millrace makes has the name that the user sees in the job.
/// </summary>
/// <param name="Schema">The schema; null: the first of the user's search path.</param>
/// <param name="Name">The table.</param>
internal sealed record PgTableName(string? Schema, string Name)
{
    /// <summary>Reads a name; a malformed one is a fault that quotes it.</summary>
    public static PgTableName Parse(string text)
    {
        var parts = new List<string>();
        for (var at = 0; at <= text.Length;)
        {
            var part = at < text.Length && text[at] == '"' ? Quoted(text, ref at) : Plain(text, ref at);
            if (part.Length == 0 || (at < text.Length && text[at] != '.')) throw Malformed(text);
            parts.Add(part);
            at++;
            if (at == text.Length) throw Malformed(text);
        }

        return parts switch
        {
            [var name] => new PgTableName(null, name),
            [var schema, var name] => new PgTableName(schema, name),
            _ => throw Malformed(text),
        };
    }

    private static string Plain(string text, ref int at)
    {
        var from = at;
        while (at < text.Length && text[at] is not ('.' or '"')) at++;
        return text[from..at];
    }

    private static string Quoted(string text, ref int at)
    {
        var part = new System.Text.StringBuilder();
        for (at++; at < text.Length; at++)
        {
            if (text[at] != '"')
            {
                part.Append(text[at]);
                continue;
            }

            if (at + 1 == text.Length || text[at + 1] != '"')
            {
                at++;
                return part.ToString();
            }

            part.Append('"');
            at++;
        }

        throw Malformed(text);
    }

    private static Fault Malformed(string text) => new(FaultKind.JobFile, $"{Words.Quote(text)} is no name of a PostgreSQL table")
    {
        Side = FaultSide.Job,
        Advice = "Write table, schema.table or \"quoted.schema\".\"quoted.table\" with `to:`.",
    };
}

/// <summary>A table of the target, its schema known. Immutable.</summary>
/// <param name="Schema">The schema.</param>
/// <param name="Name">The table.</param>
internal sealed record PgTable(string Schema, string Name)
{
    /// <summary>Quoted, with its schema: right for every name.</summary>
    public string Sql => $"{PgName.Quote(Schema)}.{PgName.Quote(Name)}";

    /// <summary>The name as a job file needs it.</summary>
    public string Written => PgName.Written(Schema, Name);

    /// <summary>Its pg_class.oid; null when it is not there.</summary>
    public async Task<uint?> FindAsync(PgControl control, CancellationToken cancel) =>
        (await control.QueryAsync("SELECT to_regclass($1)::oid", [Sql], cancel))[0][0] is { } oid ? PgCatalog.Oid(oid) : null;

    /// <summary>Another table beside this one.</summary>
    public PgTable Beside(string name) => this with { Name = name };
}
