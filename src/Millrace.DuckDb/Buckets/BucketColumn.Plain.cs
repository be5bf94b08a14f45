using System.Runtime.CompilerServices;

namespace Millrace.DuckDb;

/// <summary>Values of a fixed size, as they lie in the vector.</summary>
internal sealed unsafe class FixedBucketColumn<T>(PagePool pool, uint* rows) : BucketColumn(pool, rows)
    where T : unmanaged
{
    private readonly PageStream _values = new(pool);
    private T _last;

    public override int RowBytes => sizeof(T);

    public override bool Varies => false;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Add(in VectorReader column, in RowChoice rows)
    {
        var data = (T*)column.Data;
        var mayBeNull = AddValidity(column, rows);
        var stream = _values;
        var cursors = stream.Cursors;
        var mask = stream.Mask;
        var numbers = rows.Rows;
        var buckets = rows.Buckets;
        var count = rows.Count;
        if (!mayBeNull)
        {
            for (var i = 0; i < count; i++)
            {
                var bucket = buckets[i];
                var to = cursors[bucket];
                if (((nuint)to & mask) == 0) to = stream.NextPage(bucket);
                *(T*)to = data[numbers[i]];
                cursors[bucket] = to + sizeof(T);
            }

            return;
        }

        // What lies in the place of a NULL means nothing. The value before it is likely to be near the others.
        var last = _last;
        for (var i = 0; i < count; i++)
        {
            var bucket = buckets[i];
            if (IsValid(column, numbers[i])) last = data[numbers[i]];
            var to = cursors[bucket];
            if (((nuint)to & mask) == 0) to = stream.NextPage(bucket);
            *(T*)to = last;
            cursors[bucket] = to + sizeof(T);
        }

        _last = last;
    }

    public override void Encode(int bucket, int rows, BlockBuilder block)
    {
        EncodeValidity(bucket, rows, block);
        block.Values<T>(_values, bucket, rows);
        _values.Clear(bucket);
    }

    public override long VaryingBytes(in VectorReader column, int first, int count) => 0;

    public override void Dispose()
    {
        _values.Dispose();
        base.Dispose();
    }
}

/// <summary>Texts and bytes: their lengths, and all their bytes one after the other.</summary>
internal sealed unsafe class TextBucketColumn(PagePool pool, uint* rows) : BucketColumn(pool, rows)
{
    // As in VectorWriter: up to here the bytes lie inside of DuckDB's 16-byte string_t.
    private const int InlineBytesMax = 12;

    private readonly PageStream _lengths = new(pool);
    private readonly PageStream _bytes = new(pool);

    public override int RowBytes => sizeof(int);

    public override bool Varies => true;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Add(in VectorReader column, in RowChoice rows)
    {
        var data = column.Data;
        var mayBeNull = AddValidity(column, rows);
        var lengths = _lengths;
        var lengthCursors = lengths.Cursors;
        var byteCursors = _bytes.Cursors;
        var mask = lengths.Mask;
        for (var i = 0; i < rows.Count; i++)
        {
            var bucket = rows.Buckets[i];
            var row = rows.Rows[i];
            var text = data + (16L * row);
            var length = mayBeNull && !IsValid(column, row) ? 0 : *(int*)text;
            var to = lengthCursors[bucket];
            if (((nuint)to & mask) == 0) to = lengths.NextPage(bucket);
            *(int*)to = length;
            lengthCursors[bucket] = to + sizeof(int);
            if (length == 0) continue;

            // Room in the page, 0 when there is none.
            to = byteCursors[bucket];
            var room = (int)((nuint)(-(nint)to) & mask);
            if (length <= InlineBytesMax)
            {
                if (room >= InlineBytesMax)
                {
                    *(ulong*)to = *(ulong*)(text + 4);
                    *(uint*)(to + 8) = *(uint*)(text + 12);
                    byteCursors[bucket] = to + length;
                }
                else
                {
                    _bytes.Append(bucket, text + 4, length);
                }
            }
            else if (room >= length)
            {
                Unsafe.CopyBlockUnaligned(to, *(byte**)(text + 8), (uint)length);
                byteCursors[bucket] = to + length;
            }
            else
            {
                _bytes.Append(bucket, *(byte**)(text + 8), length);
            }
        }
    }

    public override void Encode(int bucket, int rows, BlockBuilder block)
    {
        EncodeValidity(bucket, rows, block);
        block.Values<int>(_lengths, bucket, rows);
        block.Bytes(_bytes, bucket);
        _lengths.Clear(bucket);
        _bytes.Clear(bucket);
    }

    public override long VaryingBytes(in VectorReader column, int first, int count)
    {
        var bytes = 0L;
        var data = column.Data;
        if (column.AllValid)
        {
            for (var i = first; i < first + count; i++) bytes += *(uint*)(data + (16L * i));
            return bytes;
        }

        for (var i = first; i < first + count; i++)
        {
            if (!column.IsNull(i)) bytes += *(uint*)(data + (16L * i));
        }

        return bytes;
    }

    public override void Dispose()
    {
        _lengths.Dispose();
        _bytes.Dispose();
        base.Dispose();
    }
}
