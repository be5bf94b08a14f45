using System.Numerics;

namespace Millrace.DuckDb;

/// <summary>
/// Gives each key of a file that is written by value a slot of its own, in the order in which they come, as long as there are any; later keys share
/// the first slots. Used under a lock.
/// </summary>
internal sealed class KeySlots
{
    private readonly ulong[] _keys;
    private readonly ushort[] _slots;
    private readonly int[] _numbers;
    private readonly int _mask;
    private int _next = BucketSettings.SharedBuckets;
    private ulong _lastKey;
    private ushort _lastSlot;

    /// <summary>Slots without keys.</summary>
    /// <param name="slots">How many, the shared ones among them.</param>
    public KeySlots(int slots)
    {
        _numbers = new int[slots];
        for (var slot = 0; slot < BucketSettings.SharedBuckets; slot++) _numbers[slot] = slot;
        var places = (int)BitOperations.RoundUpToPowerOf2((uint)slots * 2);
        _keys = new ulong[places];
        _slots = new ushort[places];
        _mask = places - 1;
    }

    /// <summary>How many keys have a slot of their own.</summary>
    public int Keys => _next - BucketSettings.SharedBuckets;

    /// <summary>The bucket's number in the file: the same for the same key in every file, but for shared buckets.</summary>
    public int NumberOf(int slot) => _numbers[slot];

    /// <summary>The slot of a key, by its hash.</summary>
    public ushort Find(ulong key)
    {
        // No slot of a key is 0: that one is shared.
        if (_lastSlot != 0 && key == _lastKey) return _lastSlot;
        var place = (int)HashMixing.Mix(key) & _mask;
        while (_slots[place] != 0 && _keys[place] != key) place = (place + 1) & _mask;
        if (_slots[place] == 0)
        {
            if (_next == _numbers.Length) return (ushort)BucketKeys.BucketOf(key, BucketSettings.SharedBuckets);
            _keys[place] = key;
            _slots[place] = (ushort)_next;
            _numbers[_next++] = BucketSettings.SharedBuckets + BucketKeys.BucketOf(key, int.MaxValue - 1 - BucketSettings.SharedBuckets);
        }

        (_lastKey, _lastSlot) = (key, _slots[place]);
        return _lastSlot;
    }
}
