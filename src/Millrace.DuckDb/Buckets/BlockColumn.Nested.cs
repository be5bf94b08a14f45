namespace Millrace.DuckDb;

/// <summary>Structs and unions: their children, with the same rows.</summary>
internal sealed class StructBlockColumn(DuckDbType type, BlockScratch scratch) : BlockColumn
{
    private readonly BlockColumn[] _children = [.. StructBucketColumn.ChildrenOf(type).Select(child => Of(child, scratch))];

    protected override void LoadValues(ref BlockCursor cursor, int rows)
    {
        foreach (var child in _children) child.Load(ref cursor, rows);
    }

    protected override void SkipValues(int count)
    {
        foreach (var child in _children) child.Skip(count);
    }

    protected override void ReadValues(nint vector, int at, int count)
    {
        for (var i = 0; i < _children.Length; i++) _children[i].Read(NativeMethods.duckdb_struct_vector_get_child(vector, (ulong)i), at, count);
    }

    protected override void ScatterValues(nint vector, ReadOnlySpan<int> at)
    {
        for (var i = 0; i < _children.Length; i++) _children[i].Scatter(NativeMethods.duckdb_struct_vector_get_child(vector, (ulong)i), at);
    }
}

/// <summary>Lists and maps: elements behind those that the vector has already.</summary>
internal sealed unsafe class ListBlockColumn(DuckDbType type, BlockScratch scratch) : BlockColumn
{
    private readonly DuckDbType _elementType = ListBucketColumn.ElementOf(type);
    private readonly BlockColumn _elements = Of(ListBucketColumn.ElementOf(type), scratch);

    // Of its own, as lists lie in lists, and short: where files are put together each has its columns.
    private readonly uint[] _lengths = new uint[64];
    private PackedValues _packed;

    protected override void LoadValues(ref BlockCursor cursor, int rows)
    {
        _packed = cursor.Values(rows, sizeof(int));
        var elements = 0L;
        for (var done = 0; done < rows;)
        {
            var step = Math.Min(rows - done, _lengths.Length);
            Unpack(done, step);
            for (var i = 0; i < step; i++) elements += _lengths[i];
            done += step;
        }

        if (elements > int.MaxValue) throw BlockCursor.Damaged("lists have more elements than a block can hold");
        _elements.Load(ref cursor, (int)elements);
    }

    protected override void SkipValues(int count)
    {
        for (var done = 0; done < count;)
        {
            var step = Math.Min(count - done, _lengths.Length);
            Unpack(Next + done, step);
            for (var i = 0; i < step; i++) _elements.Skip((int)_lengths[i]);
            done += step;
        }
    }

    protected override void ReadValues(nint vector, int at, int count) => Lay(vector, at, [], count);

    protected override void ScatterValues(nint vector, ReadOnlySpan<int> at) => Lay(vector, 0, at, at.Length);

    // The elements come one list after the other, wherever the lists' rows are: from a row on, or where it says.
    private void Lay(nint vector, int from, ReadOnlySpan<int> at, int count)
    {
        var first = NativeMethods.duckdb_list_vector_get_size(vector);
        var end = first;
        var entries = (NativeListEntry*)NativeMethods.duckdb_vector_get_data(vector);
        for (var done = 0; done < count;)
        {
            var step = Math.Min(count - done, _lengths.Length);
            Unpack(Next + done, step);
            for (var i = done; i < done + step; i++)
            {
                var length = _lengths[i - done];
                entries[at.IsEmpty ? from + i : at[i]] = new NativeListEntry { Offset = end, Length = length };
                end += length;
            }

            done += step;
        }

        ListRoom.Reserve(vector, _elementType, checked((int)end));
        _ = NativeMethods.duckdb_list_vector_set_size(vector, end);
        _elements.Read(NativeMethods.duckdb_list_vector_get_child(vector), (int)first, (int)(end - first));
    }

    private void Unpack(int row, int count)
    {
        fixed (uint* lengths = _lengths) _packed.Read(row, count, lengths);
    }
}

/// <summary>Arrays: as many elements for each row.</summary>
internal sealed class ArrayBlockColumn(DuckDbType type, BlockScratch scratch) : BlockColumn
{
    private readonly BlockColumn _elements = Of(type.Element, scratch);
    private readonly int _size = type.ArraySize;

    protected override void LoadValues(ref BlockCursor cursor, int rows)
    {
        var elements = (long)rows * _size;
        if (elements > int.MaxValue) throw BlockCursor.Damaged("arrays have more elements than a block can hold");
        _elements.Load(ref cursor, (int)elements);
    }

    protected override void SkipValues(int count) => _elements.Skip(count * _size);

    protected override void ReadValues(nint vector, int at, int count) =>
        _elements.Read(NativeMethods.duckdb_array_vector_get_child(vector), at * _size, count * _size);

    protected override void ScatterValues(nint vector, ReadOnlySpan<int> at)
    {
        var child = NativeMethods.duckdb_array_vector_get_child(vector);
        foreach (var row in at) _elements.Read(child, row * _size, _size);
    }
}
