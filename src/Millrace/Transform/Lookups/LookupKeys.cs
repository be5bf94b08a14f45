using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using Millrace.DuckDb;

namespace Millrace.Transform;

/// <summary>Keys that a store is asked for, each with a text for each column of the key. None is NULL.</summary>
public readonly ref struct LookupKeys
{
    private readonly ReadOnlySpan<byte> _bytes;
    private readonly ReadOnlySpan<int> _starts;

    internal LookupKeys(ReadOnlySpan<byte> bytes, ReadOnlySpan<int> starts, int columns)
    {
        _bytes = bytes;
        _starts = starts;
        Columns = columns;
    }

    /// <summary>How many keys.</summary>
    public int Count => _starts.Length;

    /// <summary>How many columns a key has.</summary>
    public int Columns { get; }

    /// <summary>The text of one column of one key, in DuckDB's notation and UTF-8.</summary>
    public ReadOnlySpan<byte> Text(int key, int column)
    {
        var rest = _bytes[_starts[key]..];
        for (var i = 0; i < column; i++) rest = rest[(sizeof(int) + BinaryPrimitives.ReadInt32LittleEndian(rest))..];
        return rest.Slice(sizeof(int), BinaryPrimitives.ReadInt32LittleEndian(rest));
    }

    /// <summary>One key for people.</summary>
    internal string Describe(int key)
    {
        var texts = new string[Columns];
        for (var i = 0; i < Columns; i++)
        {
            var text = Encoding.UTF8.GetString(Text(key, i));
            texts[i] = text.Length > Limits.RejectValueCharsMax ? string.Concat(text.AsSpan(0, Limits.RejectValueCharsMax), "…") : text;
        }

        return string.Join(", ", texts);
    }
}

/// <summary>The keys of one chunk, equal ones once. Kept from chunk to chunk; used by one thread.</summary>
internal sealed class LookupKeySet
{
    private readonly ByteList _bytes = new();
    private readonly int[] _slots;
    private readonly int[] _ends;
    private readonly ulong[] _hashes;

    /// <summary>A set for so many rows at most.</summary>
    public LookupKeySet(int rows)
    {
        _slots = new int[checked((int)BitOperations.RoundUpToPowerOf2((uint)rows * 2))];
        (_ends, _hashes) = (new int[rows], new ulong[rows]);
    }

    /// <summary>How many different keys there are.</summary>
    public int Count { get; private set; }

    /// <summary>A key's bytes.</summary>
    public ReadOnlySpan<byte> this[int key] => _bytes.Written[StartOf(key).._ends[key]];

    /// <summary>A key's hash.</summary>
    public ulong HashOf(int key) => _hashes[key];

    /// <summary>Some of the keys, for a store.</summary>
    /// <param name="keys">Their numbers.</param>
    /// <param name="starts">Room for as many.</param>
    /// <param name="columns">Columns of a key.</param>
    public LookupKeys Of(ReadOnlySpan<int> keys, Span<int> starts, int columns)
    {
        for (var i = 0; i < keys.Length; i++) starts[i] = StartOf(keys[i]);
        return new LookupKeys(_bytes.Written, starts[..keys.Length], columns);
    }

    /// <summary>Takes all keys out.</summary>
    public void Clear()
    {
        _bytes.Clear(Limits.LookupBufferBytesKept);
        Array.Clear(_slots);
        Count = 0;
    }

    /// <summary>Takes a row's key in; gives its number, -1 when a column of it is NULL.</summary>
    public int Add(ReadOnlySpan<VectorReader> columns, int row)
    {
        var start = _bytes.Count;
        foreach (ref readonly var column in columns)
        {
            if (column.IsNull(row))
            {
                _bytes.Truncate(start);
                return -1;
            }

            var text = column.Bytes(row);
            BinaryPrimitives.WriteInt32LittleEndian(_bytes.Extend(sizeof(int)), text.Length);
            _bytes.Append(text);
        }

        return Added(start);
    }

    /// <summary>Takes a key in by its bytes; gives its number.</summary>
    public int Add(ReadOnlySpan<byte> key)
    {
        var start = _bytes.Count;
        _bytes.Append(key);
        return Added(start);
    }

    /// <summary>The number of the key that begins there; an equal one's, when there is one.</summary>
    private int Added(int start)
    {
        var key = _bytes.Written[start..];
        var hash = LookupCache.HashOf(key);
        var slot = (int)hash & (_slots.Length - 1);
        while (_slots[slot] != 0)
        {
            var known = _slots[slot] - 1;
            if (_hashes[known] == hash && this[known].SequenceEqual(key))
            {
                _bytes.Truncate(start);
                return known;
            }

            slot = (slot + 1) & (_slots.Length - 1);
        }

        _slots[slot] = Count + 1;
        (_ends[Count], _hashes[Count]) = (_bytes.Count, hash);
        return Count++;
    }

    private int StartOf(int key) => key == 0 ? 0 : _ends[key - 1];
}
