using Millrace.DuckDb;

namespace Millrace.Transform;

/// <summary>What is known of the keys of one chunk. Kept from chunk to chunk; used by one thread.</summary>
internal sealed class LookupFound
{
    private const int Unknown = -1;
    private const int Missing = -2;

    private readonly ByteList _rows = new();
    private readonly int[] _starts;
    private readonly int[] _lengths;

    /// <summary>For so many keys at most.</summary>
    public LookupFound(int keys) => (_starts, _lengths) = (new int[keys], new int[keys]);

    /// <summary>Whether the rows have more bytes than those of one chunk may have.</summary>
    public bool IsTooLarge => _rows.Count > Limits.LookupChunkBytesMax;

    /// <summary>Whether a key was looked up.</summary>
    public bool IsKnown(int key) => _starts[key] != Unknown;

    /// <summary>Whether a key has a row.</summary>
    public bool IsFound(int key) => _starts[key] >= 0;

    /// <summary>A key's row; empty when it has none.</summary>
    public ReadOnlySpan<byte> RowOf(int key) => IsFound(key) ? _rows.Written.Slice(_starts[key], _lengths[key]) : [];

    /// <summary>Nothing is known of so many keys.</summary>
    public void Clear(int keys)
    {
        _rows.Clear(Limits.LookupBufferBytesKept);
        _starts.AsSpan(0, keys).Fill(Unknown);
    }

    /// <summary>A key has no row.</summary>
    public void SetMissing(int key) => _starts[key] = Missing;

    /// <summary>A key has this row.</summary>
    public void Set(int key, ReadOnlySpan<byte> row)
    {
        (_starts[key], _lengths[key]) = (_rows.Count, row.Length);
        _rows.Append(row);
    }

    /// <summary>A key has this row, whose first column is not part of it.</summary>
    public void Set(int key, ReadOnlySpan<VectorReader> columns, int row)
    {
        _starts[key] = _rows.Count;
        foreach (ref readonly var column in columns[1..]) ValueBytes.Append(_rows, column, row);
        _lengths[key] = _rows.Count - _starts[key];
    }
}
