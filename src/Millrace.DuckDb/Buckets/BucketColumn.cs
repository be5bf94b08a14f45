using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>Rows of a vector in the order in which they are spread, at most <see cref="ChunkHasher.StepRows"/>, and each one's bucket.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly unsafe struct RowChoice(int* rows, ushort* buckets, int count, bool hasGaps)
{
    /// <summary>Their numbers in the vector; -1 is a row that is NULL because of what it lies in.</summary>
    public readonly int* Rows = rows;

    /// <summary>Their buckets.</summary>
    public readonly ushort* Buckets = buckets;

    /// <summary>How many.</summary>
    public readonly int Count = count;

    /// <summary>Whether a number may be -1.</summary>
    public readonly bool HasGaps = hasGaps;

    /// <summary>The same rows, of which some are no longer there.</summary>
    public RowChoice WithGaps(int* rows) => new(rows, Buckets, Count, hasGaps: true);
}

/// <summary>
/// Spreads one column, or the elements or fields of one, over the buckets, a loop for each column; nothing is allocated for a row. Each kind
/// of column says in its <see cref="Encode"/> what it looks like in a block; its <see cref="BlockColumn"/> reads the same.
/// </summary>
internal abstract unsafe class BucketColumn : IDisposable
{
    private readonly PagePool _pool;
    private PageStream? _validity;
    private uint* _validities;

    /// <summary>An empty column.</summary>
    /// <param name="pool">Where its pages come from.</param>
    /// <param name="rows">For each bucket the rows that were there before those that are being added.</param>
    protected BucketColumn(PagePool pool, uint* rows)
    {
        _pool = pool;
        RowsBefore = rows;
    }

    /// <summary>Bytes of a row whose size does not depend on what it holds.</summary>
    public abstract int RowBytes { get; }

    /// <summary>Whether some rows take more.</summary>
    public abstract bool Varies { get; }

    protected uint* RowsBefore { get; }

    /// <summary>A column of a type.</summary>
    public static BucketColumn Of(DuckDbType type, PagePool pool, uint* rows) => type.Kind switch
    {
        DuckDbKind.List or DuckDbKind.Map => new ListBucketColumn(type, pool, rows),
        DuckDbKind.Array => new ArrayBucketColumn(type, pool, rows),
        DuckDbKind.Struct or DuckDbKind.Union => new StructBucketColumn(type, pool, rows),
        DuckDbKind.Varchar or DuckDbKind.Blob or DuckDbKind.Bit or DuckDbKind.BigNum or DuckDbKind.Geometry => new TextBucketColumn(pool, rows),
        _ => type.ValueBytes switch
        {
            1 => new FixedBucketColumn<byte>(pool, rows),
            2 => new FixedBucketColumn<short>(pool, rows),
            4 => new FixedBucketColumn<int>(pool, rows),
            8 => new FixedBucketColumn<long>(pool, rows),
            _ => new FixedBucketColumn<UInt128>(pool, rows),
        },
    };

    /// <summary>Streams that a column of a type has in each bucket.</summary>
    /// <exception cref="ArgumentException">Values of the type can't be written (VARIANT).</exception>
    public static int StreamsOf(DuckDbType type)
    {
        var streams = type.Kind switch
        {
            DuckDbKind.Variant => throw new ArgumentException($"Values of the type {type.ToSql()} can't be put into buckets.", nameof(type)),
            DuckDbKind.Struct or DuckDbKind.Array => 0,
            DuckDbKind.Varchar or DuckDbKind.Blob or DuckDbKind.Bit or DuckDbKind.BigNum or DuckDbKind.Geometry => 2,
            _ => 1,
        };
        foreach (var field in type.Fields) streams += StreamsOf(field.Type);
        return streams;
    }

    /// <summary>Adds rows to their buckets.</summary>
    public abstract void Add(in VectorReader column, in RowChoice rows);

    /// <summary>Writes what a bucket has into a block, and empties the bucket.</summary>
    public abstract void Encode(int bucket, int rows, BlockBuilder block);

    /// <summary>Bytes of <paramref name="count"/> rows from <paramref name="first"/> on beyond <see cref="RowBytes"/> each.</summary>
    public abstract long VaryingBytes(in VectorReader column, int first, int count);

    /// <inheritdoc/>
    public virtual void Dispose()
    {
        _validity?.Dispose();
        NativeMemory.Free(_validities);
        _validities = null;
        GC.SuppressFinalize(this);
    }

    /// <summary>Adds which rows are NULL.</summary>
    /// <returns>Whether any may be.</returns>
    protected bool AddValidity(in VectorReader column, in RowChoice rows)
    {
        if (!rows.HasGaps && IsAllValid(column)) return false;
        if (_validity is null)
        {
            _validity = new PageStream(_pool);
            _validities = (uint*)NativeMemory.AllocZeroed((nuint)_pool.Buckets, sizeof(uint));
        }

        var stream = _validity;
        var cursors = stream.Cursors;
        for (var i = 0; i < rows.Count; i++)
        {
            var bucket = rows.Buckets[i];
            if (_validities[bucket] < RowsBefore[bucket]) AddValid(bucket, RowsBefore[bucket]);
            var to = cursors[bucket];
            if (((nuint)to & stream.Mask) == 0) to = stream.NextPage(bucket);
            *to = IsValid(column, rows.Rows[i]) ? (byte)1 : (byte)0;
            cursors[bucket] = to + 1;
            _validities[bucket]++;
        }

        return true;
    }

    /// <summary>Writes which rows are NULL.</summary>
    protected void EncodeValidity(int bucket, int rows, BlockBuilder block)
    {
        if (_validity is null || _validities[bucket] == 0)
        {
            block.AllValid(rows);
            return;
        }

        AddValid(bucket, (uint)rows);
        block.Validity(_validity, bucket, rows);
        _validity.Clear(bucket);
        _validities[bucket] = 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected static bool IsValid(in VectorReader column, int row) => row >= 0 && !column.IsNull(row);

    // Rows that came in chunks without a NULL are made up for when one comes that may have some.
    private void AddValid(int bucket, uint rows)
    {
        var cursors = _validity!.Cursors;
        while (_validities[bucket] < rows)
        {
            var to = cursors[bucket];
            if (((nuint)to & _validity.Mask) == 0) to = _validity.NextPage(bucket);
            var room = (uint)(_validity.Mask + 1 - ((nuint)to & _validity.Mask));
            var step = Math.Min(room, rows - _validities[bucket]);
            Unsafe.InitBlockUnaligned(to, 1, step);
            cursors[bucket] = to + step;
            _validities[bucket] += step;
        }
    }

    // DuckDB often has a mask of ones.
    private static bool IsAllValid(in VectorReader column)
    {
        if (column.AllValid) return true;
        if (column.Rows > ChunkHasher.StepRows) return false;
        var mask = column.Validity;
        for (var i = 0; i < column.Rows >> 6; i++)
        {
            if (mask[i] != ulong.MaxValue) return false;
        }

        var rest = (1UL << (column.Rows & 63)) - 1;
        return rest == 0 || (mask[column.Rows >> 6] & rest) == rest;
    }
}
