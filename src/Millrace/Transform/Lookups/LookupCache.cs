using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Millrace.Transform;

/// <summary>
/// Rows that were found, and keys that were not, in bounded memory: a young and an old generation, each an array of bytes with an index. What is
/// new, and what the old one is asked for, goes to the young one; when that is full, the old one goes and the young one is old. Thread safe.
/// </summary>
internal sealed class LookupCache
{
    private readonly Lock _lock = new();
    private readonly long _generationBytes;
    private Generation _young;
    private Generation _old;

    /// <summary>A cache of so many bytes at most; 0: it keeps nothing.</summary>
    public LookupCache(long bytes)
    {
        _generationBytes = Math.Min(bytes, Limits.LookupCacheBytesMax) / 2;
        (_young, _old) = (new Generation(_generationBytes), new Generation(_generationBytes));
    }

    /// <summary>Bytes that it has taken.</summary>
    public long Bytes
    {
        get
        {
            lock (_lock) return _young.TakenBytes + _old.TakenBytes;
        }
    }

    /// <summary>The hash that keys go by.</summary>
    public static ulong HashOf(ReadOnlySpan<byte> key)
    {
        var hash = 0x9E37_79B9_7F4A_7C15 ^ (ulong)key.Length;
        for (; key.Length >= sizeof(ulong); key = key[sizeof(ulong)..]) hash = Mixed(hash, BinaryPrimitives.ReadUInt64LittleEndian(key));
        ulong rest = 0;
        foreach (var one in key) rest = (rest << 8) | one;
        return Mixed(hash, rest);
    }

    /// <summary>Takes what it knows of keys out of it.</summary>
    public void Find(LookupKeySet keys, LookupFound found)
    {
        if (_generationBytes == 0) return;
        lock (_lock)
        {
            for (var key = 0; key < keys.Count && !found.IsTooLarge; key++)
            {
                if (_young.Find(keys[key], keys.HashOf(key), found, key)) continue;
                if (_old.Find(keys[key], keys.HashOf(key), found, key)) Keep(keys, key, found);
            }
        }
    }

    /// <summary>Keeps what is known of some keys.</summary>
    public void Keep(LookupKeySet keys, ReadOnlySpan<int> some, LookupFound found)
    {
        if (_generationBytes == 0) return;
        lock (_lock)
        {
            foreach (var key in some) Keep(keys, key, found);
        }
    }

    private void Keep(LookupKeySet keys, int key, LookupFound found)
    {
        var row = found.RowOf(key);
        if (!_young.CanTake(keys[key].Length + row.Length))
        {
            // What does not fit into a quarter of an empty one would push out too much.
            if (Generation.BytesOf(keys[key].Length + row.Length) > _generationBytes / 4) return;
            (_old, _young) = (_young, _old);
            _young.Clear();
            if (!_young.CanTake(keys[key].Length + row.Length)) return;
        }

        _young.Add(keys[key], keys.HashOf(key), found.IsFound(key), row);
    }

    private static ulong Mixed(ulong hash, ulong word)
    {
        var high = Math.BigMul(hash ^ word, 0xD6E8_FEB8_6659_FD93, out var low);
        return BitOperations.RotateLeft(high ^ low, 23) + word;
    }

    /// <summary>Entries that are only ever added, in so many bytes at most, the index among them.</summary>
    private sealed class Generation(long most)
    {
        private const int SlotsMin = 64;
        private const int BytesMin = 4 * 1024;
        private const int IndexParts = 4;

        private byte[] _bytes = [];
        private int[] _slots = [];
        private int _used;
        private int _entries;

        /// <summary>What is not the index's.</summary>
        private long BytesMost => most - (most / IndexParts);

        public long TakenBytes => _bytes.Length + ((long)_slots.Length * sizeof(int));

        /// <summary>What an entry takes, without its place in the index.</summary>
        public static long BytesOf(int bytes) => Aligned(Entry.Bytes + (long)bytes);

        /// <summary>Whether an entry fits, after whatever must grow has grown.</summary>
        public bool CanTake(int bytes)
        {
            var end = _used + Aligned(Entry.Bytes + (long)bytes);
            var slots = (_entries + 1) * 2L > _slots.Length ? Math.Max(SlotsMin, _slots.Length * 2L) : _slots.Length;
            return end <= BytesMost && slots * sizeof(int) <= most / IndexParts;
        }

        public bool Find(ReadOnlySpan<byte> key, ulong hash, LookupFound found, int number)
        {
            if (_entries == 0) return false;
            for (var slot = (int)hash & (_slots.Length - 1); _slots[slot] != 0; slot = (slot + 1) & (_slots.Length - 1))
            {
                var at = _slots[slot] - 1;
                ref readonly var entry = ref MemoryMarshal.AsRef<Entry>(_bytes.AsSpan(at));
                if (entry.Hash != hash || !_bytes.AsSpan(at + Entry.Bytes, entry.KeyBytes).SequenceEqual(key)) continue;
                if (entry.RowBytes < 0) found.SetMissing(number);
                else found.Set(number, _bytes.AsSpan(at + Entry.Bytes + entry.KeyBytes, entry.RowBytes));
                return true;
            }

            return false;
        }

        public void Add(ReadOnlySpan<byte> key, ulong hash, bool isFound, ReadOnlySpan<byte> row)
        {
            var end = (int)(_used + Aligned(Entry.Bytes + (long)key.Length + row.Length));
            if (end > _bytes.Length) Array.Resize(ref _bytes, (int)Math.Max(end, Math.Min(BytesMin + (_bytes.Length * 2L), BytesMost)));
            if ((_entries + 1) * 2L > _slots.Length) GrowIndex();
            MemoryMarshal.Write(_bytes.AsSpan(_used), new Entry { Hash = hash, KeyBytes = key.Length, RowBytes = isFound ? row.Length : -1 });
            key.CopyTo(_bytes.AsSpan(_used + Entry.Bytes));
            row.CopyTo(_bytes.AsSpan(_used + Entry.Bytes + key.Length));
            _slots[FreeSlot(hash)] = _used + 1;
            _used = end;
            _entries++;
        }

        public void Clear()
        {
            Array.Clear(_slots);
            (_used, _entries) = (0, 0);
        }

        private int FreeSlot(ulong hash)
        {
            var slot = (int)hash & (_slots.Length - 1);
            while (_slots[slot] != 0) slot = (slot + 1) & (_slots.Length - 1);
            return slot;
        }

        private void GrowIndex()
        {
            var old = _slots;
            _slots = new int[Math.Max(SlotsMin, old.Length * 2)];
            foreach (var at in old)
            {
                if (at != 0) _slots[FreeSlot(MemoryMarshal.AsRef<Entry>(_bytes.AsSpan(at - 1)).Hash)] = at;
            }
        }

        private static long Aligned(long bytes) => (bytes + 7) & ~7L;
    }

    /// <summary>What stands before a key and its row.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Entry
    {
        public const int Bytes = 16;

        public ulong Hash;
        public int KeyBytes;
        public int RowBytes;
    }
}
