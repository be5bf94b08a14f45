using System.Collections.Immutable;

namespace Millrace.Jobs;

/// <summary>
/// One rule that a stream's rows must keep, checked on the rows that go to the target. NULL keeps every rule but
/// <see cref="ExpectKind.NotNull"/>: a condition that is NULL is not false.
/// </summary>
public sealed record ExpectRule
{
    /// <summary>Where the rule stands.</summary>
    public required Mark Mark { get; init; }

    /// <summary>What is checked.</summary>
    public required ExpectKind Kind { get; init; }

    /// <summary>NotNull: each of these; Unique: these together; Accepted, Between, Matches: one. Empty otherwise.</summary>
    public ImmutableArray<string> Columns { get; init; } = [];

    /// <summary>Accepted: the values, as text; at least one.</summary>
    public ImmutableArray<string> Values { get; init; } = [];

    /// <summary>Between: the least value, included; RowCount: the fewest rows. Null: no bound.</summary>
    public string? Min { get; init; }

    /// <summary>Between: the greatest value, included; RowCount: the most rows. Null: no bound.</summary>
    public string? Max { get; init; }

    /// <summary>Matches: a regular expression (RE2) that a part of the text must match.</summary>
    public string? Pattern { get; init; }

    /// <summary>Sql: a condition that no row may make false.</summary>
    public string? Condition { get; init; }

    /// <summary>What happens when the rule is broken. Never quarantine for Unique and RowCount, which are about the whole table.</summary>
    public ExpectAction Action { get; init; } = ExpectAction.Fail;
}

/// <summary>What a rule checks.</summary>
public enum ExpectKind
{
    /// <summary>No value of the columns is NULL.</summary>
    NotNull = 0,

    /// <summary>No two rows of the table have the same values in all the columns; rows with a NULL among them are not compared.</summary>
    Unique = 1,

    /// <summary>Every value is one of a list.</summary>
    Accepted = 2,

    /// <summary>Every value lies between two bounds, both included.</summary>
    Between = 3,

    /// <summary>Every text matches a regular expression.</summary>
    Matches = 4,

    /// <summary>The table has so many rows.</summary>
    RowCount = 5,

    /// <summary>A condition is false for no row.</summary>
    Sql = 6,
}

/// <summary>What happens when a rule is broken.</summary>
public enum ExpectAction
{
    /// <summary>Nothing of the stream is published.</summary>
    Fail = 0,

    /// <summary>The rows that break it go to quarantine, the others to the target.</summary>
    Quarantine = 1,

    /// <summary>The rows are counted and reported, and published.</summary>
    Warn = 2,
}
