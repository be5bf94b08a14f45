using System.Runtime.CompilerServices;

namespace Millrace.DuckDb;

/// <summary>
/// <c>row_random(key, …)</c>: a DOUBLE from 0 up to but not 1 that looks random and is a hash of its arguments: the same row gets the same
/// number in every try, on every machine. NULL is a value like others, the order of the arguments counts.
/// </summary>
public static class RowRandom
{
    /// <summary>The function's name in SQL.</summary>
    public const string Name = "row_random";

    /// <summary>Makes the function known to a connection's database; once for each database.</summary>
    /// <exception cref="DuckDbException">DuckDB refuses it.</exception>
    public static void Attach(DuckDbConnection connection) =>
        connection.RegisterStableFunction(Name, DuckDbType.Double, static types => new Drawing(RowFunction.HasherOf(types, firstVector: 0)));

    private sealed class Drawing(ChunkHasher arguments) : IRowFunction
    {
        // Another word than those of the content hash, so that what is drawn says nothing of a row's bucket.
        private const ulong Apart = 0xA24B_AED4_963E_E407;
        private const int MantissaBits = 53;

        [SkipLocalsInit]
        public unsafe void Run(nint chunk, int rows, nint output)
        {
            var hashes = stackalloc ulong[ChunkHasher.StepRows];
            var drawn = (double*)output;
            for (var first = 0; first < rows; first += ChunkHasher.StepRows)
            {
                var count = Math.Min(ChunkHasher.StepRows, rows - first);
                arguments.Rows(chunk, rows, first, count, hashes);
                for (var i = 0; i < count; i++)
                    drawn[first + i] = (HashMixing.MixAgain(HashMixing.Mix(hashes[i] ^ Apart)) >> (64 - MantissaBits)) * (1.0 / (1L << MantissaBits));
            }
        }
    }
}
