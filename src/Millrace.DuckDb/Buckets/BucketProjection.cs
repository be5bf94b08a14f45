namespace Millrace.DuckDb;

/// <summary>
/// Which columns of bucket files are unpacked, and into which vectors of a chunk they go: a reader that hands over its rows in several portions has all
/// of them, and the scan of each portion says what it wants.
/// </summary>
internal sealed class BucketProjection
{
    private readonly int[] _vectors;

    /// <summary>A projection.</summary>
    /// <param name="columns">How many columns the files have.</param>
    /// <param name="projected">Those of the first scan, in the order of its vectors; -1 is one that the files do not have.</param>
    /// <param name="all">Whether other scans may want others.</param>
    public BucketProjection(int columns, ReadOnlySpan<int> projected, bool all)
    {
        _vectors = new int[columns];
        Turn(projected);
        Unpacked = [.. Enumerable.Range(0, columns).Where(column => all || _vectors[column] >= 0)];
    }

    /// <summary>The columns that are unpacked, by their numbers.</summary>
    public IReadOnlyList<int> Unpacked { get; }

    /// <summary>Turns to another scan.</summary>
    public void Turn(ReadOnlySpan<int> projected)
    {
        Array.Fill(_vectors, -1);
        for (var i = 0; i < projected.Length; i++)
        {
            if (projected[i] >= 0) _vectors[projected[i]] = i;
        }
    }

    /// <summary>The vector of a column; -1 when the scan does not want it.</summary>
    public int VectorOf(int column) => _vectors[column];
}
