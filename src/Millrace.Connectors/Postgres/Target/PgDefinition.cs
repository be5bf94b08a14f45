using System.Collections.Immutable;
using Millrace.Connectors.Postgres.Catalog;

namespace Millrace.Connectors.Postgres.Target;

/// <summary>
/// All that a table is besides its rows and columns, as the catalogue tells it: what must be made again for a table that takes its place, or
/// what forbids that.
/// </summary>
internal sealed record PgDefinition
{
    /// <summary>Why another table can't take its place; null: it can.</summary>
    public string? WhyNotExchanged { get; init; }

    /// <summary>Changes when anything changes that <c>LIKE</c> copies.</summary>
    public string Fingerprint { get; init; } = "";

    /// <summary>Whether its rows are lost when the server crashes.</summary>
    public bool IsUnlogged { get; init; }

    /// <summary>The tablespace, quoted: its own or the database's, whatever the session's setting is.</summary>
    public string Tablespace { get; init; } = "";

    /// <summary>What is set for columns and LIKE does not copy, or a change of the type takes away.</summary>
    public ImmutableArray<PgColumnSetting> Settings { get; init; } = [];

    /// <summary>Owner, options and rights: what comes before and after the new table's name in each statement.</summary>
    public ImmutableArray<(string Head, string Tail)> Before { get; init; } = [];

    /// <summary>Indexes, constraints and statistics objects, made when the rows are there.</summary>
    public ImmutableArray<PgTablePart> Parts { get; init; } = [];

    /// <summary>Statements for the moment between: the new table has the name, the old one is still there.</summary>
    public ImmutableArray<string> Between { get; init; } = [];

    /// <summary>Statements for the new table when it has the name and the old one is gone.</summary>
    public ImmutableArray<string> After { get; init; } = [];

    /// <summary>Identity columns and their sequences.</summary>
    public ImmutableArray<PgIdentity> Identities { get; init; } = [];

    /// <summary>Statements that lock the views that read it and change nothing of them.</summary>
    public ImmutableArray<string> ViewLocks { get; init; } = [];

    /// <summary>All of it as one text: another one when anything has changed, rights and indexes, too.</summary>
    public string Text
    {
        get
        {
            IEnumerable<string> texts =
            [
                Fingerprint, Tablespace, .. Settings.Select(static setting => setting.ToString()), .. Before.Select(static one => one.Head + one.Tail),
                .. Parts.Select(static part => part.Text), .. Between, .. After, .. ViewLocks,
                .. Identities.SelectMany(static identity => identity.Statements.Select(static one => one.Head + one.Tail).Append(identity.Sequence)),
            ];
            return string.Join('\n', texts);
        }
    }

    /// <summary>Reads it. What forbids an exchange is all that is said of a table that can't be exchanged.</summary>
    /// <param name="control">The connection.</param>
    /// <param name="live">The table.</param>
    /// <param name="shape">What its columns become.</param>
    /// <param name="cancel">Stops it.</param>
    public static async Task<PgDefinition> ReadAsync(PgControl control, PgLiveTable live, PgTargetShape shape, CancellationToken cancel)
    {
        var reader = new PgDefinitionReader(control, live);
        return await reader.WhyNotAsync(shape, cancel) is { } why ? new PgDefinition { WhyNotExchanged = why } : await reader.ReadAsync(cancel);
    }
}

/// <summary>Something that is set for a column.</summary>
/// <param name="Column">The column.</param>
/// <param name="Setting">What ALTER COLUMN says after its name.</param>
/// <param name="IsOfType">Whether another type may not have it.</param>
internal sealed record PgColumnSetting(string Column, string Setting, bool IsOfType);

/// <summary>An identity column.</summary>
/// <param name="Column">The column.</param>
/// <param name="Sequence">The name of its sequence.</param>
/// <param name="IsDescending">Whether its numbers get smaller.</param>
/// <param name="Statements">Rights and comment: what comes before and after the new sequence's name in each statement.</param>
internal sealed record PgIdentity(string Column, string Sequence, bool IsDescending, ImmutableArray<(string Head, string Tail)> Statements);
