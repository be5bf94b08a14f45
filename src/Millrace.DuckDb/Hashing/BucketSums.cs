namespace Millrace.DuckDb;

/// <summary>
/// The content hash of rows, added up by the bucket that their key falls into: two tables that differ in a few keys differ in as few buckets.
/// Of a fixed size, however many rows there are. Several threads may add at once.
/// </summary>
public sealed class BucketSums
{
    private readonly long[] _rows;
    private readonly ulong[] _lows;
    private readonly ulong[] _highs;

    /// <summary>Empty sums.</summary>
    /// <param name="buckets">How many buckets; a power of two.</param>
    public BucketSums(int buckets)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(int.PopCount(buckets), 1);
        _rows = new long[buckets];
        _lows = new ulong[buckets];
        _highs = new ulong[buckets];
    }

    /// <summary>The content hash of all rows. Exact when nobody adds any more.</summary>
    public ContentHash Total
    {
        get
        {
            var total = default(ContentHash);
            for (var i = 0; i < _rows.Length; i++) total += new ContentHash(_rows[i], _lows[i], _highs[i]);
            return total;
        }
    }

    /// <summary>Adds what others have collected.</summary>
    public void Add(BucketSums other)
    {
        for (var i = 0; i < _rows.Length; i++)
        {
            if (other._rows[i] == 0) continue;
            Interlocked.Add(ref _rows[i], other._rows[i]);
            Interlocked.Add(ref _lows[i], other._lows[i]);
            Interlocked.Add(ref _highs[i], other._highs[i]);
        }
    }

    /// <summary>Nothing is added up any more.</summary>
    public void Clear()
    {
        Array.Clear(_rows);
        Array.Clear(_lows);
        Array.Clear(_highs);
    }

    /// <summary>The buckets in which two sums differ, the first ones that have no more than <paramref name="rowsMax"/> rows together; at least one if any differs.</summary>
    public BucketChoice Differing(BucketSums other, long rowsMax)
    {
        var chosen = new bool[_rows.Length];
        int count = 0, left = 0;
        long rows = 0;
        for (var i = 0; i < chosen.Length; i++)
        {
            if (_rows[i] == other._rows[i] && _lows[i] == other._lows[i] && _highs[i] == other._highs[i]) continue;
            rows += _rows[i] + other._rows[i];
            if (count > 0 && rows > rowsMax)
            {
                left++;
                continue;
            }

            chosen[i] = true;
            count++;
        }

        return new BucketChoice(chosen, count, left);
    }

    internal void Add(ulong key, ulong row)
    {
        var bucket = BucketOf(key, _rows.Length);
        Interlocked.Increment(ref _rows[bucket]);
        Interlocked.Add(ref _lows[bucket], HashMixing.Low(row));
        Interlocked.Add(ref _highs[bucket], HashMixing.High(row));
    }

    internal static int BucketOf(ulong key, int buckets) => (int)(HashMixing.Mix(key) & (ulong)(buckets - 1));
}

/// <summary>Some of the buckets that keys fall into.</summary>
public sealed class BucketChoice
{
    private readonly bool[] _chosen;

    internal BucketChoice(bool[] chosen, int count, int left)
    {
        _chosen = chosen;
        Count = count;
        Left = left;
    }

    /// <summary>How many are chosen.</summary>
    public int Count { get; }

    /// <summary>How many more would have been, had there been no bound.</summary>
    public int Left { get; }

    internal bool Has(ulong key) => _chosen[BucketSums.BucketOf(key, _chosen.Length)];
}
