using System.Runtime.CompilerServices;

namespace Millrace.DuckDb;

/// <summary>
/// What a row's key columns say of where it belongs, in two ways that know nothing of each other: its bucket, and a number by which the rows of
/// one bucket are read in parts. Both come from the content hash's sum over the key's columns, taken so that values that DuckDB calls equal are
/// alike.
/// </summary>
internal static class BucketKeys
{
    /// <summary>The hasher of key columns whose vectors follow each other in a chunk.</summary>
    public static ChunkHasher HasherOf(ReadOnlySpan<DuckDbType> types, int firstVector) => RowFunction.HasherOf(types, firstVector, asKeys: true);

    /// <summary>The bucket of a key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int BucketOf(ulong key, int buckets) => (int)Math.BigMul(HashMixing.Mix(key), (ulong)buckets, out _);

    /// <summary>The key's number within its bucket.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong PartOf(ulong key) => HashMixing.High(key);

    /// <summary>The row function that gives <see cref="PartOf"/>.</summary>
    internal sealed class Parts(ChunkHasher keys) : IRowFunction
    {
        public unsafe void Run(nint chunk, int rows, nint output)
        {
            var parts = (ulong*)output;
            for (var first = 0; first < rows; first += ChunkHasher.StepRows)
            {
                var count = Math.Min(ChunkHasher.StepRows, rows - first);
                keys.Rows(chunk, rows, first, count, parts + first);
                for (var i = first; i < first + count; i++) parts[i] = PartOf(parts[i]);
            }
        }
    }
}
