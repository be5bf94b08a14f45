using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>The rows that are wanted of many, file by file: what is cut from it next follows what was cut before.</summary>
[StructLayout(LayoutKind.Auto)]
internal struct RowWindow(RowRange range)
{
    private long _skip = range.First;
    private long _left = range.Count;

    /// <summary>Whether no row is wanted any more.</summary>
    public readonly bool IsOver => _left == 0;

    /// <summary>The wanted ones of blocks that follow each other.</summary>
    public BlockRun Cut(int file, ReadOnlySpan<BlockEntry> blocks)
    {
        var first = 0;
        while (first < blocks.Length && (_left == 0 || _skip >= blocks[first].Rows)) _skip = Math.Max(0, _skip - blocks[first++].Rows);
        var (end, rows) = (first, first < blocks.Length ? -_skip : 0);
        while (end < blocks.Length && rows < _left) rows += blocks[end++].Rows;
        rows = Math.Min(rows, _left);
        var run = new BlockRun(file, blocks[first..end].ToArray(), (int)(end > first ? _skip : 0), rows);
        if (end > first) _skip = 0;
        _left -= rows;
        return run;
    }
}

/// <summary>Blocks of a file, from the first wanted row to the last, one behind the other.</summary>
/// <param name="file">The file's number.</param>
/// <param name="blocks">The blocks.</param>
/// <param name="skip">Rows of the first one that are not wanted.</param>
/// <param name="rows">How many rows are wanted.</param>
internal sealed class BlockRun(int file, BlockEntry[] blocks, int skip, long rows)
{
    private BlockChunk[] _chunks = [];
    private int _next;
    private int _skip = skip;
    private long _left = rows;

    /// <summary>The file's number.</summary>
    public int File => file;

    /// <summary>The first block's bucket; there must be one.</summary>
    public int Bucket => blocks[0].Bucket;

    /// <summary>Whether it has no block.</summary>
    public bool IsEmpty => blocks.Length == 0;

    /// <summary>Whether there is another block.</summary>
    public bool HasNext => _next < blocks.Length;

    /// <summary>What its largest block takes in memory.</summary>
    public long BlockBytesMax => blocks.Max(static block => BlockPool.TakenBy(block));

    /// <summary>What the next block comes in; null: it is read when it is wanted, or there is none.</summary>
    public BlockChunk? NextChunk => _next < _chunks.Length ? _chunks[_next] : null;

    /// <summary>Goes to the next block.</summary>
    /// <param name="skip">Rows of it that are not wanted.</param>
    /// <param name="rows">How many are, behind them.</param>
    public BlockEntry Next(out int skip, out int rows)
    {
        var block = blocks[_next++];
        skip = _skip;
        rows = (int)Math.Min(block.Rows - skip, _left);
        _skip = 0;
        _left -= rows;
        return block;
    }

    /// <summary>Says in which pieces its blocks come.</summary>
    /// <param name="name">The file's name.</param>
    /// <param name="bytesMax">Bytes that one piece has, unless a block has more.</param>
    /// <param name="before">The piece before them, which may take some as well; null: there is none.</param>
    /// <returns>The last piece.</returns>
    public BlockChunk? Chunk(string name, int bytesMax, BlockChunk? before)
    {
        _chunks = new BlockChunk[blocks.Length];
        for (var i = 0; i < blocks.Length; i++)
        {
            if (before?.TryTake(blocks[i], bytesMax) is not true) before = new BlockChunk(name, blocks[i]);
            _chunks[i] = before;
        }

        return before;
    }

    /// <summary>The pieces, each once.</summary>
    public IEnumerable<BlockChunk> Chunks()
    {
        for (var i = 0; i < _chunks.Length; i++)
        {
            if (i == 0 || _chunks[i] != _chunks[i - 1]) yield return _chunks[i];
        }
    }
}
