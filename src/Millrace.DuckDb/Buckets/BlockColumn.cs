using System.Runtime.CompilerServices;

namespace Millrace.DuckDb;

/// <summary>Reads what a <see cref="BucketColumn"/> wrote: a column of one block after the other, each from its first row to its last.</summary>
internal abstract unsafe class BlockColumn
{
    /// <summary>Fewer rows than these are faster unpacked one by one.</summary>
    protected const int FewRows = 12;

    private byte* _validity;

    /// <summary>The row that comes next.</summary>
    protected int Next { get; private set; }

    /// <summary>Rows of the block.</summary>
    protected int Rows { get; private set; }

    /// <summary>A reader of a column of a type.</summary>
    /// <param name="type">The type.</param>
    /// <param name="scratch">What the columns of one reader share.</param>
    public static BlockColumn Of(DuckDbType type, BlockScratch scratch) => type.Kind switch
    {
        DuckDbKind.List or DuckDbKind.Map => new ListBlockColumn(type, scratch),
        DuckDbKind.Array => new ArrayBlockColumn(type, scratch),
        DuckDbKind.Struct or DuckDbKind.Union => new StructBlockColumn(type, scratch),
        DuckDbKind.Varchar or DuckDbKind.Blob or DuckDbKind.Bit or DuckDbKind.BigNum or DuckDbKind.Geometry => new TextBlockColumn(scratch),
        _ => new FixedBlockColumn(type.ValueBytes, scratch),
    };

    /// <summary>Takes a block's streams from where the cursor is.</summary>
    /// <exception cref="InvalidDataException">The block is damaged.</exception>
    public void Load(ref BlockCursor cursor, int rows)
    {
        Rows = rows;
        Next = 0;
        _validity = cursor.Validity(rows);
        LoadValues(ref cursor, rows);
    }

    /// <summary>Writes the next rows of the block into rows of a vector.</summary>
    /// <param name="vector">The vector; it has room.</param>
    /// <param name="at">The first row there.</param>
    /// <param name="count">How many.</param>
    /// <exception cref="InvalidDataException">The block has not as many.</exception>
    public void Read(nint vector, int at, int count)
    {
        if (count > Rows - Next) throw BlockCursor.Damaged("a column has fewer rows than its block");
        if (_validity != null && count > 0) ReadValidity(vector, at, count);
        ReadValues(vector, at, count);
        Next += count;
    }

    /// <summary>Writes the next rows of the block into rows of a vector that lie anywhere.</summary>
    /// <param name="vector">The vector; it has room.</param>
    /// <param name="at">Which rows there, ascending, at most <see cref="ChunkHasher.StepRows"/>.</param>
    /// <exception cref="InvalidDataException">The block has not as many.</exception>
    public void Scatter(nint vector, ReadOnlySpan<int> at)
    {
        if (at.Length > Rows - Next) throw BlockCursor.Damaged("a column has fewer rows than its block");
        if (_validity != null && at.Length > 0)
        {
            NativeMethods.duckdb_vector_ensure_validity_writable(vector);
            var mask = NativeMethods.duckdb_vector_get_validity(vector);
            for (var i = 0; i < at.Length; i++)
            {
                var bit = 1UL << (at[i] & 63);
                if (Bits(Next + i, 1) % 2 == 0) mask[at[i] >> 6] &= ~bit;
                else mask[at[i] >> 6] |= bit;
            }
        }

        ScatterValues(vector, at);
        Next += at.Length;
    }

    /// <summary>Passes over the next rows of the block.</summary>
    /// <exception cref="InvalidDataException">The block has not as many.</exception>
    public void Skip(int count)
    {
        if (count > Rows - Next) throw BlockCursor.Damaged("a column has fewer rows than its block");
        SkipValues(count);
        Next += count;
    }

    /// <summary>Passes over values from <see cref="Next"/> on; nothing to do where that is all that tells them.</summary>
    protected abstract void SkipValues(int count);

    protected abstract void LoadValues(ref BlockCursor cursor, int rows);

    protected abstract void ReadValues(nint vector, int at, int count);

    protected abstract void ScatterValues(nint vector, ReadOnlySpan<int> at);

    private void ReadValidity(nint vector, int at, int count)
    {
        NativeMethods.duckdb_vector_ensure_validity_writable(vector);
        var mask = NativeMethods.duckdb_vector_get_validity(vector);
        for (var done = 0; done < count;)
        {
            // As many bits as the mask's word still takes.
            var (word, shift) = ((at + done) >> 6, (at + done) & 63);
            var step = Math.Min(64 - shift, count - done);
            var taken = step == 64 ? ulong.MaxValue : (1UL << step) - 1;
            mask[word] = (mask[word] & ~(taken << shift)) | ((Bits(Next + done, step) & taken) << shift);
            done += step;
        }
    }

    private ulong Bits(int row, int count)
    {
        var (bits, have) = ((ulong)_validity[row >> 3] >> (row & 7), 8 - (row & 7));
        for (var next = (row >> 3) + 1; have < count; next++, have += 8) bits |= (ulong)_validity[next] << have;
        return bits;
    }
}

/// <summary>What the columns of one reader need for a moment only, each in turn.</summary>
internal sealed class BlockScratch
{
    /// <summary>Values of a chunk's rows.</summary>
    public UInt128[] Values { get; } = new UInt128[ChunkHasher.StepRows];

    /// <summary>Lengths of a chunk's rows.</summary>
    public uint[] Lengths { get; } = new uint[ChunkHasher.StepRows];
}

/// <summary>Values of a fixed size.</summary>
internal unsafe class FixedBlockColumn(int size, BlockScratch scratch) : BlockColumn
{
    private PackedValues _values;

    /// <summary>Unpacks values without passing over them.</summary>
    protected void Unpack(int first, int count, void* to) => _values.Read(first, count, to);

    protected override void LoadValues(ref BlockCursor cursor, int rows) => _values = cursor.Values(rows, size);

    protected override void SkipValues(int count)
    {
        // A value's place is its number.
    }

    protected override void ReadValues(nint vector, int at, int count)
    {
        var to = (byte*)NativeMethods.duckdb_vector_get_data(vector) + ((long)at * size);
        _values.Read(Next, count, to);
    }

    protected override void ScatterValues(nint vector, ReadOnlySpan<int> at)
    {
        var to = NativeMethods.duckdb_vector_get_data(vector);
        if (at.Length < FewRows && size <= sizeof(ulong))
        {
            for (var i = 0; i < at.Length; i++)
            {
                var value = _values.One(Next + i);
                switch (size)
                {
                    case 1: ((byte*)to)[at[i]] = (byte)value; break;
                    case 2: ((ushort*)to)[at[i]] = (ushort)value; break;
                    case 4: ((uint*)to)[at[i]] = (uint)value; break;
                    default: ((ulong*)to)[at[i]] = value; break;
                }
            }

            return;
        }

        fixed (UInt128* values = scratch.Values)
        {
            _values.Read(Next, at.Length, values);
            switch (size)
            {
                case 1: Scatter((byte*)values, (byte*)to, at); break;
                case 2: Scatter((ushort*)values, (ushort*)to, at); break;
                case 4: Scatter((uint*)values, (uint*)to, at); break;
                case 8: Scatter((ulong*)values, (ulong*)to, at); break;
                default: Scatter(values, (UInt128*)to, at); break;
            }
        }
    }

    private static void Scatter<T>(T* values, T* to, ReadOnlySpan<int> at)
        where T : unmanaged
    {
        for (var i = 0; i < at.Length; i++) to[at[i]] = values[i];
    }
}

/// <summary>The numbers by which rows are put together (BIGINT), which are looked at one by one as well.</summary>
internal sealed unsafe class OrderBlockColumn(BlockScratch scratch) : FixedBlockColumn(sizeof(long), scratch)
{
    private readonly long[] _numbers = new long[128];
    private int _at;
    private int _first;
    private int _end;

    /// <summary>The number of the row that was not passed over.</summary>
    public long Peek()
    {
        if (_at == _end)
        {
            _first = _at;
            _end = Math.Min(Rows, _first + _numbers.Length);
            fixed (long* numbers = _numbers) Unpack(_first, _end - _first, numbers);
        }

        return _numbers[_at - _first];
    }

    /// <summary>Passes over the number, not over the row that a vector may still take.</summary>
    public void Pass() => _at++;

    /// <summary>The number of the block's last row.</summary>
    public long Last()
    {
        long last;
        Unpack(Rows - 1, 1, &last);
        return last;
    }

    /// <summary>Begins a block at a row.</summary>
    public void Begin(int row) => _at = _end = row;
}

/// <summary>Texts and bytes: DuckDB is handed the address of the long ones, which stay in the block.</summary>
internal sealed unsafe class TextBlockColumn(BlockScratch scratch) : BlockColumn
{
    private const int InlineBytesMax = 12;

    private readonly uint[] _lengths = scratch.Lengths;
    private PackedValues _packed;
    private byte* _next;
    private byte* _end;

    // The two words of a string_t with so many bytes inside, as masks of what is theirs.
    private static ReadOnlySpan<ulong> InlineMasks =>
    [
        0x0000_0000_FFFF_FFFF, 0, 0x0000_00FF_FFFF_FFFF, 0, 0x0000_FFFF_FFFF_FFFF, 0, 0x00FF_FFFF_FFFF_FFFF, 0, ulong.MaxValue, 0,
        ulong.MaxValue, 0xFF, ulong.MaxValue, 0xFFFF, ulong.MaxValue, 0xFF_FFFF, ulong.MaxValue, 0xFFFF_FFFF, ulong.MaxValue, 0xFF_FFFF_FFFF,
        ulong.MaxValue, 0xFFFF_FFFF_FFFF, ulong.MaxValue, 0xFF_FFFF_FFFF_FFFF, ulong.MaxValue, ulong.MaxValue,
    ];

    protected override void LoadValues(ref BlockCursor cursor, int rows)
    {
        _packed = cursor.Values(rows, sizeof(int));
        _next = cursor.Bytes(out _end);
    }

    protected override void SkipValues(int count)
    {
        for (var done = 0; done < count;)
        {
            var step = Math.Min(count - done, _lengths.Length);
            fixed (uint* lengths = _lengths) _packed.Read(Next + done, step, lengths);
            for (var i = 0; i < step; i++)
            {
                if (_lengths[i] > _end - _next) throw BlockCursor.Damaged("texts are longer than their bytes");
                _next += _lengths[i];
            }

            done += step;
        }
    }

    protected override void ReadValues(nint vector, int at, int count)
    {
        var to = (ulong*)NativeMethods.duckdb_vector_get_data(vector) + (2L * at);
        for (var done = 0; done < count;)
        {
            var step = Math.Min(count - done, _lengths.Length);
            fixed (uint* lengths = _lengths)
            {
                _packed.Read(Next + done, step, lengths);
                ReadTexts(lengths, step, to);
            }

            to += 2L * step;
            done += step;
        }
    }

    protected override void ScatterValues(nint vector, ReadOnlySpan<int> at)
    {
        var to = (UInt128*)NativeMethods.duckdb_vector_get_data(vector);
        fixed (uint* lengths = _lengths)
        fixed (UInt128* texts = scratch.Values)
        {
            if (at.Length < FewRows)
            {
                for (var i = 0; i < at.Length; i++) lengths[i] = (uint)_packed.One(Next + i);
            }
            else
            {
                _packed.Read(Next, at.Length, lengths);
            }

            ReadTexts(lengths, at.Length, (ulong*)texts);
            for (var i = 0; i < at.Length; i++) to[at[i]] = texts[i];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ReadTexts(uint* lengths, int count, ulong* to)
    {
        var text = _next;
        var end = _end;
        fixed (ulong* masks = InlineMasks)
        {
            for (var i = 0; i < count; i++, to += 2)
            {
                var length = lengths[i];
                if (length > end - text) throw BlockCursor.Damaged("texts are longer than their bytes");
                var first = length | ((ulong)*(uint*)text << 32);
                if (length <= InlineBytesMax)
                {
                    to[0] = first & masks[2 * length];
                    to[1] = *(ulong*)(text + 4) & masks[(2 * length) + 1];
                }
                else
                {
                    to[0] = first;
                    to[1] = (ulong)text;
                }

                text += length;
            }
        }

        _next = text;
    }
}
