using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Millrace.Jobs;

namespace Millrace.Commit;

/// <summary>What a rule of <c>expect</c> came to.</summary>
public sealed record RuleOutcome
{
    /// <summary>Where it stands in its stream: <c>expect[2].between.score</c>.</summary>
    public required string Rule { get; init; }

    /// <summary>What it is, for people: <c>score: between [0, 1]</c>.</summary>
    public required string Text { get; init; }

    /// <summary>What happens when it is broken.</summary>
    public required ExpectAction Action { get; init; }

    /// <summary>Whether it is.</summary>
    [JsonPropertyName("broken")]
    public required bool IsBroken { get; init; }

    /// <summary>How many rows break it; of <c>row_count</c>: how many rows there are.</summary>
    public required long Rows { get; init; }

    /// <summary>Some of them, as JSON that may be cut: whole rows, or the values that several rows have.</summary>
    public ImmutableArray<string> Samples { get => field.IsDefault ? [] : field; init; } = [];
}
