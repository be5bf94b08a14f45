using System.Collections.Immutable;
using System.Text.Json.Serialization;

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

    /// <summary>
    /// What a target of the source's own kind can have instead of <see cref="Type"/>; null when the source is no database, when it has a type
    /// that no other can have, and when the job asks for another one.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public NativeType? Native { get; init; }

    /// <summary>Said in the plan when the type is not the obvious one, such as "as text: a numeric without precision".</summary>
    public string? Remark { get; init; }
}

/// <summary>A type in the language of the system that rows come from. Immutable, compared by content.</summary>
/// <param name="System">The kind of system: the source connector's name.</param>
/// <param name="Sql">The type in its SQL, names quoted and with their schema.</param>
public sealed record NativeType(string System, string Sql)
{
    /// <summary>The types that it is made of, itself among them, each after those that it needs; empty for the system's own types.</summary>
    public ImmutableArray<NativeDefinition> Definitions { get; init; } = [];

    /// <summary>Compares by content.</summary>
    public bool Equals(NativeType? other) =>
        other is not null && System == other.System && Sql == other.Sql && Definitions.AsSpan().SequenceEqual(other.Definitions.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(System, Sql, Definitions.Length);
}

/// <summary>How a type is made where it is not there.</summary>
/// <param name="Schema">Its schema, unquoted.</param>
/// <param name="Name">Its name, unquoted.</param>
/// <param name="Sql">The statement that makes it.</param>
public sealed record NativeDefinition(string Schema, string Name, string Sql);
