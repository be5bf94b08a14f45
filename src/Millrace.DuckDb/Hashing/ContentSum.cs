namespace Millrace.DuckDb;

/// <summary>Adds up the hashes of chunks that several threads see. Thread safe.</summary>
/// <param name="added">Hears the rows of each chunk that was added, on the thread that adds.</param>
public sealed class ContentSum(Action<long>? added = null)
{
    private long _rows;
    private ulong _low;
    private ulong _high;

    /// <summary>The sum. Exact when nobody adds any more.</summary>
    public ContentHash Value => new(Interlocked.Read(ref _rows), Interlocked.Read(ref _low), Interlocked.Read(ref _high));

    /// <summary>Adds a chunk's hash.</summary>
    public void Add(ContentHash hash)
    {
        Interlocked.Add(ref _rows, hash.Rows);
        Interlocked.Add(ref _low, hash.Low);
        Interlocked.Add(ref _high, hash.High);
        added?.Invoke(hash.Rows);
    }
}
