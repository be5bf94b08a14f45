namespace Millrace.Planning;

/// <summary>One column of a stream: how the source spells it and what the target gets.</summary>
public sealed record Column
{
    /// <summary>The name in the target, after <c>rename</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The name in the source.</summary>
    public required string SourceName { get; init; }

    /// <summary>The type in the source's own spelling, such as <c>numeric(12,2)</c>.</summary>
    public required string SourceType { get; init; }

    /// <summary>The type between source and target, in DuckDB's spelling, such as <c>DECIMAL(12,2)</c>: no value changes on its way into it.</summary>
    public required string Type { get; init; }

    /// <summary>False when the source guarantees that no value is NULL.</summary>
    public bool Nullable { get; init; } = true;

    /// <summary>Said in the plan when the type is not the obvious one, such as "as text: a numeric without precision".</summary>
    public string? Remark { get; init; }
}
