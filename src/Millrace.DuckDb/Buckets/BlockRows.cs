namespace Millrace.DuckDb;

/// <summary>The rows of one block at a time: those of its columns that are asked for, from the first row to the last.</summary>
internal sealed unsafe class BlockRows
{
    private readonly BucketRows _source;
    private readonly BucketProjection _projection;
    private readonly (BlockColumn Column, int Stored)[] _columns;
    private string _path = "";
    private long _offset;

    /// <summary>Rows of no block yet.</summary>
    /// <param name="source">What is read.</param>
    /// <param name="projection">Which of the columns.</param>
    /// <param name="scratch">What all columns of a reader share.</param>
    /// <param name="order">The reader of a column that is unpacked in any case, and its number; null: none.</param>
    public BlockRows(BucketRows source, BucketProjection projection, BlockScratch scratch, (BlockColumn Column, int Stored)? order = null)
    {
        _source = source;
        _projection = projection;
        _columns = [.. projection.Unpacked.Where(stored => stored != order?.Stored).Select(stored => (BlockColumn.Of(source.Columns[stored].Type, scratch), stored))];
        if (order is { } beside) _columns = [.. _columns, beside];
    }

    /// <summary>Unpacks a block.</summary>
    /// <param name="path">The file as people name it.</param>
    /// <param name="block">Its place.</param>
    /// <param name="memory">Where it lies, as it is in the file; it must stay until the rows are not looked at any more.</param>
    /// <param name="skip">How many rows are passed over.</param>
    /// <exception cref="BucketFileException">The block is damaged.</exception>
    public void Load(string path, BlockEntry block, BlockMemory memory, int skip)
    {
        (_path, _offset) = (path, block.Offset);
        if (BucketFormat.Checksum(memory.Stored(block), (ulong)block.Offset) != block.Checksum)
            throw new BucketFileException(path, block.Offset, "the block is damaged: its checksum differs");
        _source.CountReadBytes(block.Stored);
        try
        {
            Load(block, memory.Start);
            foreach (var (column, _) in _columns) column.Skip(skip);
        }
        catch (InvalidDataException e)
        {
            throw Damaged(e);
        }
    }

    /// <summary>Writes the next rows into a chunk.</summary>
    /// <param name="chunk">The chunk.</param>
    /// <param name="at">The first row there.</param>
    /// <param name="count">How many.</param>
    /// <exception cref="BucketFileException">The block is damaged.</exception>
    public void Read(in ChunkWriter chunk, int at, int count)
    {
        try
        {
            foreach (var (column, stored) in _columns)
            {
                if (VectorOf(chunk, stored) is not 0 and var vector) column.Read(vector, at, count);
                else column.Skip(count);
            }
        }
        catch (InvalidDataException e)
        {
            throw Damaged(e);
        }
    }

    /// <summary>Writes the next rows into rows of a chunk that lie anywhere.</summary>
    /// <param name="chunk">The chunk.</param>
    /// <param name="at">Which rows there, ascending.</param>
    /// <exception cref="BucketFileException">The block is damaged.</exception>
    public void Scatter(in ChunkWriter chunk, ReadOnlySpan<int> at)
    {
        try
        {
            foreach (var (column, stored) in _columns)
            {
                if (VectorOf(chunk, stored) is not 0 and var vector) column.Scatter(vector, at);
                else column.Skip(at.Length);
            }
        }
        catch (InvalidDataException e)
        {
            throw Damaged(e);
        }
    }

    private nint VectorOf(in ChunkWriter chunk, int column) =>
        _projection.VectorOf(column) is >= 0 and var vector ? NativeMethods.duckdb_data_chunk_get_vector(chunk.Native, (ulong)vector) : 0;

    private BucketFileException Damaged(InvalidDataException found) => new(_path, _offset, $"the block is damaged: {found.Message}", found);

    private void Load(BlockEntry block, byte* start)
    {
        var all = _source.Columns.Count;
        if (block.Stored < all * sizeof(uint)) throw BlockCursor.Damaged("it is too short for its columns");
        var ends = (uint*)start;
        var cursor = new BlockCursor(start + block.Stored + BlockCodec.SlackBytes, block.Raw);
        foreach (var (column, stored) in _columns)
        {
            var from = stored == 0 ? (uint)(all * sizeof(uint)) : ends[stored - 1];
            var to = ends[stored];
            if (from > to || to > (uint)block.Stored) throw BlockCursor.Damaged("a column lies outside of it");
            cursor.Enter(start + from, start + to);
            column.Load(ref cursor, block.Rows);
            cursor.Leave();
        }
    }
}
