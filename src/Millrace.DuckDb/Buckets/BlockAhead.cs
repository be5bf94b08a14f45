using System.Buffers;

namespace Millrace.DuckDb;

/// <summary>A piece of a file that is asked for at once: blocks that lie side by side.</summary>
internal sealed class BlockChunk(string name, BlockEntry first)
{
    // What lies between two wanted blocks, and is cheaper to read than another request.
    private const int GapBytesMax = 16 * 1024;

    private byte[]? _bytes;
    private Task? _coming;
    private int _blocksLeft = 1;

    /// <summary>How many bytes it has.</summary>
    public int Length { get; private set; } = first.Stored;

    /// <summary>Whether it has been asked for.</summary>
    public bool IsStarted => _coming is not null;

    /// <summary>Whether it was made for one block.</summary>
    public bool IsOneBlock => Length == first.Stored;

    /// <summary>Bytes of memory that it takes.</summary>
    public long HeldBytes => _bytes?.Length ?? 0;

    /// <summary>Takes another block, where it lies close behind and the piece gets no larger than it may.</summary>
    public bool TryTake(BlockEntry block, int bytesMax)
    {
        var gap = block.Offset - first.Offset - Length;
        if (gap is < 0 or > GapBytesMax || Length + gap + block.Stored > bytesMax) return false;
        Length += (int)gap + block.Stored;
        _blocksLeft++;
        return true;
    }

    /// <summary>Asks for it.</summary>
    public void Start(IRemoteBlockFiles files, CancellationToken stop)
    {
        var bytes = _bytes = ArrayPool<byte>.Shared.Rent(Length);
        _coming = Task.Run(() => files.ReadAsync(name, first.Offset, bytes.AsMemory(0, Length), stop), CancellationToken.None);
    }

    /// <summary>Reads its only block, which is too large to be held twice, to where it is wanted.</summary>
    public void ReadAtOnce(IRemoteBlockFiles files, BlockMemory to, CancellationToken stop)
    {
        // Nobody goes on before it has ended: the memory stays until then.
        Waiting.For(files.ReadAsync(name, first.Offset, to.AsMemory(Length).Memory, stop));
    }

    /// <summary>Waits for it and gives a block's bytes; false when that was the last of its blocks.</summary>
    public bool Read(BlockEntry block, Span<byte> to)
    {
        Waiting.For(_coming!);
        _bytes.AsSpan((int)(block.Offset - first.Offset), block.Stored).CopyTo(to);
        return --_blocksLeft > 0;
    }

    /// <summary>Gives the memory back, when nobody writes into it any more.</summary>
    public void Free()
    {
        if (_bytes is not { } bytes) return;
        _bytes = null;
        if (_coming!.IsCompleted)
        {
            _ = _coming.Exception;
            ArrayPool<byte>.Shared.Return(bytes);
            return;
        }

        _ = _coming.ContinueWith(
            ended =>
            {
                _ = ended.Exception;
                ArrayPool<byte>.Shared.Return(bytes);
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }
}

/// <summary>What one reader has asked a store for before it wants it: no more bytes at once than it may, but for one piece.</summary>
internal sealed class BlockAhead : IDisposable
{
    private readonly IRemoteBlockFiles _files;
    private readonly CancellationTokenSource _stop;
    private readonly HashSet<BlockChunk> _started = [];
    private long _held;
    private bool _isDisposed;

    /// <summary>Nothing is asked for yet.</summary>
    public BlockAhead(IRemoteBlockFiles files, CancellationToken stop)
    {
        _files = files;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(stop);
    }

    /// <summary>How far it goes.</summary>
    public ReadAhead Rule => _files.Ahead;

    /// <summary>Asks for a piece, unless it was done; false when there is no room for it yet.</summary>
    public bool TryStart(BlockChunk chunk)
    {
        if (chunk.IsStarted || (chunk.Length > Rule.BytesMax && chunk.IsOneBlock)) return true;
        if (_held > 0 && _held + chunk.Length > Rule.BytesMax) return false;
        Start(chunk);
        return true;
    }

    /// <summary>A block's bytes, when they have come.</summary>
    public void Read(BlockChunk chunk, BlockEntry block, BlockMemory to)
    {
        if (chunk.Length > Rule.BytesMax && chunk.IsOneBlock)
        {
            chunk.ReadAtOnce(_files, to, _stop.Token);
            return;
        }

        if (!chunk.IsStarted) Start(chunk);
        if (chunk.Read(block, to.Stored(block))) return;
        _held -= chunk.HeldBytes;
        _started.Remove(chunk);
        chunk.Free();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        _stop.Cancel();
        foreach (var chunk in _started) chunk.Free();
        _started.Clear();
        _stop.Dispose();
    }

    private void Start(BlockChunk chunk)
    {
        chunk.Start(_files, _stop.Token);
        _started.Add(chunk);
        _held += chunk.HeldBytes;
    }
}
