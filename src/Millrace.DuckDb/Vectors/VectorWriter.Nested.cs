namespace Millrace.DuckDb;

/// <summary>Lists, maps, structs, arrays and unions.</summary>
public unsafe partial struct VectorWriter
{
    /// <summary>
    /// Gives a row of a LIST or MAP <paramref name="length"/> new elements at the end of the child vector, which the caller writes
    /// through the returned writer at <paramref name="offset"/> and after. Earlier child writers of this list are invalid then,
    /// because the child may have moved. Rows may be written in any order, each once.
    /// </summary>
    /// <param name="row">The row.</param>
    /// <param name="length">The number of elements; 0 makes an empty list.</param>
    /// <param name="offset">The child's row of the first element.</param>
    /// <exception cref="InvalidOperationException">The column is no list or map.</exception>
    /// <exception cref="DuckDbException">The system has no memory for so many elements.</exception>
    public readonly VectorWriter AppendList(int row, int length, out int offset)
    {
        if (_type.Kind is not (DuckDbKind.List or DuckDbKind.Map)) throw WrongKind("list or map");
        Check(row);
        var start = NativeMethods.duckdb_list_vector_get_size(_vector);
        var end = checked((int)start + length);
        Reserve(end);
        _ = NativeMethods.duckdb_list_vector_set_size(_vector, (ulong)end);
        ((NativeListEntry*)_data)[row] = new NativeListEntry { Offset = start, Length = (ulong)length };
        offset = (int)start;
        return ListChild(end);
    }

    /// <summary>
    /// The bulk form of <see cref="AppendList"/>, for a decoder that knows all lengths: makes room for so many elements in all.
    /// Follow it with <see cref="SetListEntry"/> for each row.
    /// </summary>
    /// <exception cref="InvalidOperationException">The column is no list or map.</exception>
    /// <exception cref="DuckDbException">The system has no memory for so many elements.</exception>
    public readonly VectorWriter ResizeList(int elements)
    {
        if (_type.Kind is not (DuckDbKind.List or DuckDbKind.Map)) throw WrongKind("list or map");
        Reserve(elements);
        _ = NativeMethods.duckdb_list_vector_set_size(_vector, (ulong)elements);
        return ListChild(elements);
    }

    /// <summary>Says where a row's elements lie in the child that <see cref="ResizeList"/> made room in.</summary>
    public readonly void SetListEntry(int row, int offset, int length)
    {
        Check(row);
        ((NativeListEntry*)_data)[row] = new NativeListEntry { Offset = (ulong)offset, Length = (ulong)length };
    }

    /// <summary>
    /// Forgets list elements that rows from this one on have been given, at every level: such rows were begun and are not written. Rows before
    /// it are complete. Plain columns have nothing to forget.
    /// </summary>
    /// <param name="rows">Rows that stay.</param>
    public readonly void Truncate(int rows)
    {
        switch (_type.Kind)
        {
            case DuckDbKind.List or DuckDbKind.Map:
                var end = 0;
                for (var i = 0; i < rows; i++) end = Math.Max(end, checked((int)(((NativeListEntry*)_data)[i].Offset + ((NativeListEntry*)_data)[i].Length)));
                _ = NativeMethods.duckdb_list_vector_set_size(_vector, (ulong)end);
                ListChild(end).Truncate(end);
                break;
            case DuckDbKind.Array:
                ArrayElements().Truncate(rows * _type.ArraySize);
                break;
            case DuckDbKind.Struct or DuckDbKind.Union:
                for (var i = 0; i < _type.Fields.Length; i++) Field(i).Truncate(rows);
                break;
        }
    }

    /// <summary>A struct's field or a union's member; its rows are the struct's rows. A union's tag is written by <see cref="SetTag"/>.</summary>
    /// <exception cref="InvalidOperationException">The column is no struct or union.</exception>
    public readonly VectorWriter Field(int index)
    {
        // A union's first child is its tag. Fields get no text heap: the column has one, and it serves one vector only.
        var tags = _type.Kind switch
        {
            DuckDbKind.Struct => 0,
            DuckDbKind.Union => 1,
            _ => throw WrongKind("struct or union"),
        };
        return new VectorWriter(NativeMethods.duckdb_struct_vector_get_child(_vector, (ulong)(index + tags)), _type.Fields[index].Type, _capacity, _heap);
    }

    /// <summary>Says which member a union's row holds. The other members' rows are set to NULL by this call.</summary>
    /// <exception cref="InvalidOperationException">The column is no union.</exception>
    public readonly void SetTag(int row, int member)
    {
        if (_type.Kind != DuckDbKind.Union) throw WrongKind("union");
        Check(row);
        ((byte*)NativeMethods.duckdb_vector_get_data(NativeMethods.duckdb_struct_vector_get_child(_vector, 0)))[row] = (byte)member;
        for (var i = 0; i < _type.Fields.Length; i++)
        {
            if (i != member) Field(i).SetNull(row);
        }
    }

    /// <summary>An ARRAY's elements: those of a row lie at row × size and after.</summary>
    /// <exception cref="InvalidOperationException">The column is no array.</exception>
    public readonly VectorWriter ArrayElements()
    {
        if (_type.Kind != DuckDbKind.Array) throw WrongKind("array");
        return new VectorWriter(NativeMethods.duckdb_array_vector_get_child(_vector), _type.Element, checked(_capacity * _type.ArraySize), _heap);
    }

    /// <summary>
    /// Gives a row, which was not written yet, the value of an earlier one. Long texts and the elements of lists are shared, not copied.
    /// </summary>
    public void CopyRow(int from, int to)
    {
        Check(from);
        Check(to);
        _validity = NativeMethods.duckdb_vector_get_validity(_vector);
        if (_validity != null && (_validity[from >> 6] & (1UL << from)) == 0)
        {
            SetNull(to);
            return;
        }

        var bytes = _type.ValueBytes;
        Buffer.MemoryCopy(_data + ((long)from * bytes), _data + ((long)to * bytes), bytes, bytes);
        switch (_type.Kind)
        {
            case DuckDbKind.Array:
                var elements = ArrayElements();
                for (var i = 0; i < _type.ArraySize; i++) elements.CopyRow((from * _type.ArraySize) + i, (to * _type.ArraySize) + i);
                break;
            case DuckDbKind.Struct:
                for (var i = 0; i < _type.Fields.Length; i++) Field(i).CopyRow(from, to);
                break;
            case DuckDbKind.Union:
                var tags = (byte*)NativeMethods.duckdb_vector_get_data(NativeMethods.duckdb_struct_vector_get_child(_vector, 0));
                tags[to] = tags[from];
                for (var i = 0; i < _type.Fields.Length; i++) Field(i).CopyRow(from, to);
                break;
        }
    }

    private readonly VectorWriter ListChild(int capacity) =>
        new(NativeMethods.duckdb_list_vector_get_child(_vector), ListElement(), capacity, _heap);

    // A map's child is a struct of key and value.
    private readonly DuckDbType ListElement() => _type.Kind == DuckDbKind.Map ? EntryOf(_type) : _type.Element;

    private readonly void Reserve(int elements) => ListRoom.Reserve(_vector, ListElement(), elements);

    private readonly void SetChildrenNull(int row)
    {
        switch (_type.Kind)
        {
            case DuckDbKind.List or DuckDbKind.Map:
                ((NativeListEntry*)_data)[row] = default;
                break;
            case DuckDbKind.Array:
                var elements = ArrayElements();
                for (var i = 0; i < _type.ArraySize; i++) elements.SetNull((row * _type.ArraySize) + i);
                break;
            default:
                for (var i = 0; i < _type.Fields.Length; i++) Field(i).SetNull(row);
                if (_type.Kind == DuckDbKind.Union) SetTagNull(row);
                break;
        }
    }

    private readonly void SetTagNull(int row)
    {
        var tag = new VectorWriter(NativeMethods.duckdb_struct_vector_get_child(_vector, 0), DuckDbType.Of(DuckDbKind.UTinyInt), _capacity, _heap);
        tag.SetNull(row);
    }

    internal static DuckDbType EntryOf(DuckDbType map) => MapEntries.GetValue(map, static m => DuckDbType.Struct([.. m.Fields]));

    private static readonly System.Runtime.CompilerServices.ConditionalWeakTable<DuckDbType, DuckDbType> MapEntries = [];

    private readonly InvalidOperationException WrongKind(string wanted) => new($"A column of type {_type.ToSql()} is no {wanted}.");
}
