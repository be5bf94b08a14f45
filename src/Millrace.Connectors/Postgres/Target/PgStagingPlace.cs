using System.Security.Cryptography;
using System.Text;

namespace Millrace.Connectors.Postgres.Target;

/// <summary>
/// Where a stream is staged: tables beside the one that the rows are for, with names that no other run and no other stream has. What lies
/// there is nobody's business but the run's, which a comment on the table names.
/// </summary>
/// <param name="Table">The table that the rows are for.</param>
/// <param name="Run">The run.</param>
/// <param name="Stream">The stream.</param>
internal sealed record PgStagingPlace(PgTable Table, string Run, string Stream)
{
    /// <summary>What every table of Millrace's own is called at the beginning; a wildcard of a source does not mean them.</summary>
    public const string Prefix = "_millrace_";

    /// <summary>What comments on staging tables begin with; the run's id follows.</summary>
    public const string Mark = "Millrace stages rows of run ";

    private readonly string _id = Hash($"{Run}\n{Stream}\n{Table.Schema}\n{Table.Name}");

    /// <summary>The rows.</summary>
    public PgTable Rows => Table.Beside($"{Prefix}{_id}_rows");

    /// <summary>The attempts that have committed rows there.</summary>
    public PgTable Attempts => Table.Beside($"{Prefix}{_id}_attempts");

    /// <summary>The table that takes the place of the live one, where that is not <see cref="Rows"/> itself.</summary>
    public PgTable Next => Table.Beside($"{Prefix}{_id}_next");

    /// <summary>What the live table is called between its end and its removal.</summary>
    public PgTable Old => Table.Beside($"{Prefix}{_id}_old");

    /// <summary>The number of the advisory lock that is held while these tables are made.</summary>
    public long Turn => Convert.ToInt64(_id, 16);

    /// <summary>The comment that names the run.</summary>
    public string Comment => Mark + Run;

    /// <summary>The comment on rows whose table was made to become the live one, from a definition with this fingerprint.</summary>
    public string CommentLike(string fingerprint) => $"{Comment}, to become the table: {fingerprint}";

    /// <summary>What names of things begin with that belong to the new table until they get their own.</summary>
    public string Names => $"{Prefix}{_id}_p";

    /// <summary>A name for something that belongs to the new table until it gets its own: another one when it is anything else.</summary>
    public string NameOf(string thing) => Names + Hash(thing);

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 8));
}
