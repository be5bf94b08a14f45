namespace Millrace.DuckDb;

/// <summary>Adds up the hashes of rows as bytes, in the form in which one system sends them to another. Used by one thread.</summary>
public sealed class WireSum
{
    // Any number would do; it is part of the formula.
    private const ulong Seed = 0x57_31;

    private long _rows;
    private ulong _low;
    private ulong _high;

    /// <summary>The sum so far.</summary>
    public ContentHash Value => new(_rows, _low, _high) { IsOfWire = true };

    /// <summary>Adds a row.</summary>
    public unsafe void Add(ReadOnlySpan<byte> row)
    {
        ulong hash;
        if (row.Length < 16)
        {
            var padded = stackalloc byte[16];
            new Span<byte>(padded, 16).Clear();
            row.CopyTo(new Span<byte>(padded, 16));
            hash = HashMixing.LongText(Seed + (ulong)row.Length, padded, 16);
        }
        else
        {
            fixed (byte* start = row) hash = HashMixing.LongText(Seed, start, (uint)row.Length);
        }

        _rows++;
        _low += HashMixing.Low(hash);
        _high += HashMixing.High(hash);
    }
}
