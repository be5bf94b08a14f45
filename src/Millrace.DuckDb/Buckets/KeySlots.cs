using System.Numerics;

namespace Millrace.DuckDb;

/// <summary>Gives each key of a file that is written by value a slot of its own, in the order in which they come. Used under a lock.</summary>
internal sealed class KeySlots
{
    private readonly ulong[] _keys;
    private readonly ushort[] _slots;
    private readonly ulong[] _hashes;
    private readonly int[] _numbers;
    private readonly int _mask;
    private ulong _lastKey;
    private ushort _lastSlot;

    /// <summary>Slots without keys.</summary>
    /// <param name="slots">How many; the first one is never given.</param>
    public KeySlots(int slots)
    {
        _numbers = new int[slots];
        _hashes = new ulong[slots];
        var places = (int)BitOperations.RoundUpToPowerOf2((uint)slots * 2);
        _keys = new ulong[places];
        _slots = new ushort[places];
        _mask = places - 1;
    }

    /// <summary>How many keys have a slot.</summary>
    public int Keys { get; private set; }

    /// <summary>The bucket's number in the file: the same for the same key in every file.</summary>
    public int NumberOf(int slot) => _numbers[slot];

    /// <summary>The hash of a slot's key.</summary>
    public ulong KeyOf(int slot) => _hashes[slot];

    /// <summary>The slot of a key, by its hash; 0 when all are taken.</summary>
    public ushort Find(ulong key)
    {
        if (_lastSlot != 0 && key == _lastKey) return _lastSlot;
        var place = (int)HashMixing.Mix(key) & _mask;
        while (_slots[place] != 0 && _keys[place] != key) place = (place + 1) & _mask;
        if (_slots[place] == 0)
        {
            if (Keys == _numbers.Length - 1) return 0;
            _keys[place] = key;
            _slots[place] = (ushort)++Keys;
            _hashes[Keys] = key;
            _numbers[Keys] = BucketKeys.BucketOf(key, int.MaxValue - 1);
        }

        (_lastKey, _lastSlot) = (key, _slots[place]);
        return _lastSlot;
    }

    /// <summary>Takes all slots back.</summary>
    public void Clear()
    {
        Array.Clear(_slots);
        _lastSlot = 0;
        Keys = 0;
    }
}
