using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>Structs and unions: no values of their own, a column of the same rows for each child vector; a union's tag is its first.</summary>
internal sealed unsafe class StructBucketColumn : BucketColumn
{
    private static readonly DuckDbType TagType = DuckDbType.Of(DuckDbKind.UTinyInt);

    private readonly bool _isUnion;
    private readonly DuckDbType[] _types;
    private readonly BucketColumn[] _children;
    private readonly int* _rows = (int*)NativeMemory.Alloc(ChunkHasher.StepRows, sizeof(int));

    public StructBucketColumn(DuckDbType type, PagePool pool, uint* rows)
        : base(pool, rows)
    {
        _isUnion = type.Kind == DuckDbKind.Union;
        _types = ChildrenOf(type);
        _children = [.. _types.Select(child => Of(child, pool, rows))];
        foreach (var child in _children)
        {
            RowBytes += child.RowBytes;
            Varies |= child.Varies;
        }
    }

    public override int RowBytes { get; }

    public override bool Varies { get; }

    /// <summary>The types of the child vectors.</summary>
    public static DuckDbType[] ChildrenOf(DuckDbType type) =>
        type.Kind == DuckDbKind.Union ? [TagType, .. type.Fields.Select(static f => f.Type)] : [.. type.Fields.Select(static f => f.Type)];

    public override void Add(in VectorReader column, in RowChoice rows)
    {
        // Beneath a NULL there may be anything, so rows that are NULL have no number further down.
        var inner = rows;
        if (AddValidity(column, rows))
        {
            for (var i = 0; i < rows.Count; i++) _rows[i] = IsValid(column, rows.Rows[i]) ? rows.Rows[i] : -1;
            inner = rows.WithGaps(_rows);
        }

        for (var i = 0; i < _children.Length; i++)
        {
            var child = Child(column, i);
            if (_isUnion && i > 0) AddMember(i, Child(column, 0), child, inner);
            else _children[i].Add(child, inner);
        }
    }

    public override void Encode(int bucket, int rows, BlockBuilder block)
    {
        EncodeValidity(bucket, rows, block);
        foreach (var child in _children) child.Encode(bucket, rows, block);
    }

    public override long VaryingBytes(in VectorReader column, int first, int count)
    {
        var bytes = 0L;
        for (var i = 0; i < _children.Length; i++)
        {
            if (_children[i].Varies) bytes += _children[i].VaryingBytes(Child(column, i), first, count);
        }

        return bytes;
    }

    public override void Dispose()
    {
        foreach (var child in _children) child.Dispose();
        NativeMemory.Free(_rows);
        base.Dispose();
    }

    private VectorReader Child(in VectorReader column, int index) =>
        new(NativeMethods.duckdb_struct_vector_get_child(column.Native, (ulong)index), _types[index], column.Rows);

    // A member has rows only where the tag names it.
    private void AddMember(int index, in VectorReader tags, in VectorReader member, in RowChoice rows)
    {
        var chosen = stackalloc int[ChunkHasher.StepRows];
        for (var i = 0; i < rows.Count; i++)
        {
            var row = rows.Rows[i];
            chosen[i] = row >= 0 && tags.Data[row] == index - 1 ? row : -1;
        }

        _children[index].Add(member, rows.WithGaps(chosen));
    }
}

/// <summary>What lists and arrays share: elements, handed to a column of their own in runs of a bounded length.</summary>
internal abstract unsafe class ElementsBucketColumn : BucketColumn
{
    private readonly PagePool _pool;
    private readonly int* _rows = (int*)NativeMemory.Alloc(ChunkHasher.StepRows, sizeof(int));
    private readonly ushort* _buckets = (ushort*)NativeMemory.Alloc(ChunkHasher.StepRows, sizeof(ushort));
    private readonly uint* _counts;
    private int _waiting;

    protected ElementsBucketColumn(DuckDbType element, PagePool pool, uint* rows)
        : base(pool, rows)
    {
        _pool = pool;
        _counts = (uint*)NativeMemory.AllocZeroed((nuint)pool.Buckets, sizeof(uint));
        Element = Of(element, pool, _counts);
    }

    protected BucketColumn Element { get; }

    public override void Dispose()
    {
        Element.Dispose();
        NativeMemory.Free(_rows);
        NativeMemory.Free(_buckets);
        NativeMemory.Free(_counts);
        base.Dispose();
    }

    /// <summary>Adds the elements of one row.</summary>
    protected void AddElements(in VectorReader elements, long first, int count, ushort bucket, bool areNull, bool hasGaps)
    {
        for (var i = 0; i < count; i++)
        {
            _rows[_waiting] = areNull ? -1 : (int)(first + i);
            _buckets[_waiting] = bucket;
            if (++_waiting == ChunkHasher.StepRows) Flush(elements, hasGaps);
        }
    }

    /// <summary>Hands on what waits.</summary>
    protected void Flush(in VectorReader elements, bool hasGaps)
    {
        if (_waiting == 0) return;
        Element.Add(elements, new RowChoice(_rows, _buckets, _waiting, hasGaps));
        for (var i = 0; i < _waiting; i++)
        {
            if (++_counts[_buckets[i]] == int.MaxValue) throw new IOException("a block of rows has more than 2,147,483,647 list elements");
        }

        _waiting = 0;
    }

    /// <summary>Writes the elements that a bucket has, and empties it.</summary>
    protected void EncodeElements(int bucket, BlockBuilder block)
    {
        var count = (int)_counts[bucket];
        _counts[bucket] = 0;
        Element.Encode(bucket, count, block);
    }
}

/// <summary>Lists and maps: the lengths, and all elements one after the other.</summary>
internal sealed unsafe class ListBucketColumn(DuckDbType type, PagePool pool, uint* rows) : ElementsBucketColumn(ElementOf(type), pool, rows)
{
    private readonly PageStream _lengths = new(pool);

    public override int RowBytes => sizeof(int);

    public override bool Varies => true;

    /// <summary>The type of the child vector.</summary>
    public static DuckDbType ElementOf(DuckDbType type) => type.Kind == DuckDbKind.Map ? VectorWriter.EntryOf(type) : type.Element;

    public override void Add(in VectorReader column, in RowChoice rows)
    {
        var elements = column.ListElements();
        AddValidity(column, rows);
        var cursors = _lengths.Cursors;
        for (var i = 0; i < rows.Count; i++)
        {
            var bucket = rows.Buckets[i];
            var (first, length) = IsValid(column, rows.Rows[i]) ? column.List(rows.Rows[i]) : (0, 0);
            var to = cursors[bucket];
            if (((nuint)to & _lengths.Mask) == 0) to = _lengths.NextPage(bucket);
            *(int*)to = length;
            cursors[bucket] = to + sizeof(int);
            AddElements(elements, first, length, bucket, areNull: false, hasGaps: false);
        }

        Flush(elements, hasGaps: false);
    }

    public override void Encode(int bucket, int rows, BlockBuilder block)
    {
        EncodeValidity(bucket, rows, block);
        block.Values<int>(_lengths, bucket, rows);
        _lengths.Clear(bucket);
        EncodeElements(bucket, block);
    }

    public override long VaryingBytes(in VectorReader column, int first, int count)
    {
        var elements = column.ListElements();
        var (bytes, start, end) = (0L, 0, 0);
        for (var i = first; i < first + count; i++)
        {
            if (column.IsNull(i)) continue;
            var (offset, length) = column.List(i);
            bytes += (long)length * Element.RowBytes;
            if (!Element.Varies || length == 0) continue;

            // Elements of rows that follow each other mostly do so too.
            if (offset != end)
            {
                if (end > start) bytes += Element.VaryingBytes(elements, start, end - start);
                start = offset;
            }

            end = offset + length;
        }

        return end > start ? bytes + Element.VaryingBytes(elements, start, end - start) : bytes;
    }

    public override void Dispose()
    {
        _lengths.Dispose();
        base.Dispose();
    }
}

/// <summary>Arrays: all elements one after the other, those of a NULL as NULLs.</summary>
internal sealed unsafe class ArrayBucketColumn(DuckDbType type, PagePool pool, uint* rows) : ElementsBucketColumn(type.Element, pool, rows)
{
    private readonly int _size = type.ArraySize;

    public override int RowBytes => checked(_size * Element.RowBytes);

    public override bool Varies => Element.Varies;

    public override void Add(in VectorReader column, in RowChoice rows)
    {
        var elements = column.ArrayElements();
        var mayBeNull = AddValidity(column, rows);
        for (var i = 0; i < rows.Count; i++)
        {
            var isNull = mayBeNull && !IsValid(column, rows.Rows[i]);
            AddElements(elements, (long)rows.Rows[i] * _size, _size, rows.Buckets[i], isNull, mayBeNull);
        }

        Flush(elements, mayBeNull);
    }

    public override void Encode(int bucket, int rows, BlockBuilder block)
    {
        EncodeValidity(bucket, rows, block);
        EncodeElements(bucket, block);
    }

    public override long VaryingBytes(in VectorReader column, int first, int count) =>
        Element.VaryingBytes(column.ArrayElements(), first * _size, count * _size);
}
