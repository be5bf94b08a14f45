using System.Buffers;
using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>Native memory of one block: as it is in the file, and unpacked.</summary>
internal sealed unsafe class BlockMemory(long bytes) : IDisposable
{
    /// <summary>Where it begins.</summary>
    public byte* Start { get; private set; } = (byte*)NativeMemory.Alloc((nuint)bytes);

    /// <summary>How many bytes there are.</summary>
    public long Bytes => bytes;

    /// <summary>Where a block's bytes lie as they are in the file.</summary>
    public Span<byte> Stored(BlockEntry block) => new(Start, block.Stored);

    /// <summary>Its first bytes, for what reads into memory while nobody else waits; they must not go before that has ended.</summary>
    public MemoryManager<byte> AsMemory(int length) => new Native(Start, length);

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.Free(Start);
        Start = null;
    }

    private sealed class Native(byte* start, int length) : MemoryManager<byte>
    {
        public override Span<byte> GetSpan() => new(start, length);

        public override MemoryHandle Pin(int elementIndex = 0) => new(start + elementIndex);

        public override void Unpin()
        {
            // It does not move.
        }

        protected override void Dispose(bool disposing)
        {
            // It is the block's.
        }
    }
}

/// <summary>
/// The memory of a reader's blocks. What DuckDB may still look at is put aside until the next chunk is asked for: it has copied what it wants by then.
/// Memory of usual blocks serves again; that of large rows goes back.
/// </summary>
/// <param name="spareBytesMax">Bytes that are kept for the next blocks.</param>
internal sealed class BlockPool(long spareBytesMax) : IDisposable
{
    /// <summary>Bytes of the blocks that one chunk's rows come from, together, from which on the chunk ends; at least one block.</summary>
    public const long ChunkBytesMax = 2 * 1024 * 1024;

    private const long StepBytes = 64 * 1024;

    private readonly List<BlockMemory> _aside = [];
    private readonly List<BlockMemory> _spare = [];
    private long _spareBytes;

    /// <summary>Bytes that are put aside.</summary>
    public long AsideBytes { get; private set; }

    /// <summary>What the memory of a block takes.</summary>
    public static long TakenBy(BlockEntry block)
    {
        // Blocks are of about the same size: a little more, and the memory fits most of those that come.
        var bytes = BytesOf(block);
        var step = Math.Min(StepBytes, (bytes / 4) + 1);
        return (bytes + step) / step * step;
    }

    /// <summary>Gives memory for a block.</summary>
    public BlockMemory Rent(BlockEntry block)
    {
        var bytes = BytesOf(block);
        for (var i = _spare.Count - 1; i >= 0; i--)
        {
            if (_spare[i].Bytes < bytes) continue;
            var found = _spare[i];
            _spare.RemoveAt(i);
            _spareBytes -= found.Bytes;
            return found;
        }

        return new BlockMemory(TakenBy(block));
    }

    private static long BytesOf(BlockEntry block) => (long)block.Stored + block.Raw + (2 * BlockCodec.SlackBytes);

    /// <summary>Takes memory back whose rows DuckDB may still look at.</summary>
    public void PutAside(BlockMemory memory)
    {
        _aside.Add(memory);
        AsideBytes += memory.Bytes;
    }

    /// <summary>DuckDB asks for the next chunk: what was put aside is free.</summary>
    public void Release()
    {
        foreach (var memory in _aside)
        {
            if (memory.Bytes > spareBytesMax - _spareBytes)
            {
                memory.Dispose();
                continue;
            }

            _spareBytes += memory.Bytes;
            _spare.Add(memory);
        }

        _aside.Clear();
        AsideBytes = 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Release();
        foreach (var memory in _spare) memory.Dispose();
        _spare.Clear();
    }
}
