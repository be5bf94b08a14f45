using Millrace.Planning;

namespace Millrace.Connectors.Postgres.Types;

/// <summary>What a PostgreSQL target holds without changing a value.</summary>
internal static class PostgresTraits
{
    /// <summary>The traits.</summary>
    internal static TargetTraits Target { get; } = new()
    {
        Nested = true, // arrays, composites, jsonb
        Bytes = true,
        InfiniteDates = true,
        NonFiniteFloats = true,
        EndOfDay = true,
        HugeIntegers = true, // numeric
        Intervals = true,
        TimeOffsets = true,
        Batches = false, // 64 KB a thread, whatever the rows
    };
}
