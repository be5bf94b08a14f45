using System.Text;

namespace Millrace.DuckDb;

/// <summary>
/// What a query returned, read forward: row by row with the typed getters, for the few rows of control queries, or chunk by chunk.
/// Don't mix the two. Used by one thread.
/// </summary>
public sealed unsafe class DuckDbResult : IDisposable
{
    private readonly ResultHandle _handle;
    private readonly DuckDbType[] _types;
    private readonly TableColumn[] _columns;
    private ChunkHandle? _chunk;
    private VectorReader[] _vectors = [];
    private int _rows;
    private int _row = -1;

    internal DuckDbResult(ResultHandle handle)
    {
        _handle = handle;
        var count = NativeMethods.duckdb_column_count(handle.Pointer);
        _columns = new TableColumn[count];
        for (var i = 0UL; i < count; i++)
        {
            var name = NativeMethods.Borrowed(NativeMethods.duckdb_column_name(handle.Pointer, i));
            _columns[i] = new TableColumn(name, LogicalTypes.Take(NativeMethods.duckdb_column_logical_type(handle.Pointer, i)));
        }

        _types = Array.ConvertAll(_columns, c => c.Type);
    }

    /// <summary>Names and types of the columns.</summary>
    public IReadOnlyList<TableColumn> Columns => _columns;

    /// <summary>Rows that an INSERT, UPDATE, DELETE or COPY … TO changed or wrote; 0 for others.</summary>
    public long RowsChanged => (long)NativeMethods.duckdb_rows_changed(_handle.Pointer);

    /// <summary>The current chunk, after <see cref="NextChunk"/> returned true.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public ChunkReader Chunk => _chunk is { IsClosed: false } chunk
        ? new ChunkReader(chunk.Pointer, _types)
        : throw new InvalidOperationException("There is no chunk: call NextChunk, or Read, first.");

    /// <summary>Goes to the next chunk, which ends the current one. False at the end.</summary>
    /// <exception cref="ObjectDisposedException">The result is disposed.</exception>
    public bool NextChunk()
    {
        ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
        _chunk?.Dispose();
        _vectors = [];
        _rows = 0;
        _row = -1;
        var pointer = NativeMethods.duckdb_fetch_chunk(*_handle.Pointer);
        _chunk = pointer == 0 ? null : new ChunkHandle(pointer);
        if (_chunk is null) return false;
        var reader = Chunk;
        _rows = reader.Rows;
        return _rows > 0 || NextChunk();
    }

    /// <summary>Goes to the next row. False at the end.</summary>
    /// <exception cref="ObjectDisposedException">The result is disposed.</exception>
    public bool Read()
    {
        if (++_row < _rows) return true;
        if (!NextChunk()) return false;
        var reader = Chunk;
        _vectors = new VectorReader[_types.Length];
        for (var i = 0; i < _vectors.Length; i++) _vectors[i] = reader.Column(i);
        _row = 0;
        return true;
    }

    /// <summary>Whether the current row's value is NULL.</summary>
    public bool IsNull(int column) => Vector(column).IsNull(_row);

    /// <summary>A VARCHAR or JSON, or an ENUM's label; null for NULL. Cast other types to text in the query.</summary>
    /// <exception cref="InvalidOperationException">The column has another type.</exception>
    public string? GetText(int column)
    {
        var vector = Vector(column);
        if (vector.IsNull(_row)) return null;
        return vector.Type.Kind switch
        {
            DuckDbKind.Varchar => Encoding.UTF8.GetString(vector.Bytes(_row)),
            DuckDbKind.Enum => vector.Type.Labels[(int)Integer(vector)],
            _ => throw Wrong(column, "text; cast it with ::text in the query"),
        };
    }

    /// <summary>An integer of any width.</summary>
    /// <exception cref="InvalidOperationException">The column has another type, or the value is NULL.</exception>
    /// <exception cref="OverflowException">The value does not fit into 64 bits.</exception>
    public long GetInt64(int column)
    {
        var vector = Value(column);
        return vector.Type.Kind switch
        {
            DuckDbKind.TinyInt or DuckDbKind.SmallInt or DuckDbKind.Integer or DuckDbKind.BigInt or DuckDbKind.HugeInt
                or DuckDbKind.UTinyInt or DuckDbKind.USmallInt or DuckDbKind.UInteger or DuckDbKind.UBigInt or DuckDbKind.UHugeInt
                => Integer(vector),
            _ => throw Wrong(column, "an integer; cast it with ::bigint in the query"),
        };
    }

    /// <summary>A FLOAT or DOUBLE.</summary>
    /// <exception cref="InvalidOperationException">The column has another type, or the value is NULL.</exception>
    public double GetDouble(int column)
    {
        var vector = Value(column);
        return vector.Type.Kind switch
        {
            DuckDbKind.Double => vector.Get<double>(_row),
            DuckDbKind.Float => vector.Get<float>(_row),
            _ => throw Wrong(column, "a double; cast it with ::double in the query"),
        };
    }

    /// <summary>A BOOLEAN.</summary>
    /// <exception cref="InvalidOperationException">The column has another type, or the value is NULL.</exception>
    public bool GetBoolean(int column)
    {
        var vector = Value(column);
        return vector.Type.Kind == DuckDbKind.Boolean ? vector.Get<byte>(_row) != 0 : throw Wrong(column, "a boolean");
    }

    /// <summary>A list of VARCHAR, whose elements may be null; null for NULL.</summary>
    /// <exception cref="InvalidOperationException">The column has another type.</exception>
    public IReadOnlyList<string?>? GetTextList(int column)
    {
        var vector = Vector(column);
        if (vector.Type.Kind != DuckDbKind.List || vector.Type.Element.Kind != DuckDbKind.Varchar) throw Wrong(column, "a list of text");
        if (vector.IsNull(_row)) return null;
        var (offset, length) = vector.List(_row);
        var elements = vector.ListElements();
        var texts = new string?[length];
        for (var i = 0; i < length; i++)
            texts[i] = elements.IsNull(offset + i) ? null : Encoding.UTF8.GetString(elements.Bytes(offset + i));
        return texts;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _chunk?.Dispose();
        _vectors = [];
        _rows = 0;
        _handle.Dispose();
    }

    private long Integer(VectorReader vector) => (vector.Type.Kind, vector.Type.ValueBytes) switch
    {
        (DuckDbKind.TinyInt, _) => vector.Get<sbyte>(_row),
        (DuckDbKind.SmallInt, _) => vector.Get<short>(_row),
        (DuckDbKind.Integer, _) => vector.Get<int>(_row),
        (DuckDbKind.BigInt, _) => vector.Get<long>(_row),
        (DuckDbKind.HugeInt, _) => checked((long)vector.Get<Int128>(_row)),
        (DuckDbKind.UHugeInt, _) => checked((long)vector.Get<UInt128>(_row)),
        (_, 1) => vector.Get<byte>(_row),
        (_, 2) => vector.Get<ushort>(_row),
        (_, 4) => vector.Get<uint>(_row),
        _ => checked((long)vector.Get<ulong>(_row)),
    };

    private VectorReader Vector(int column) => _row >= 0 && _row < _rows && _vectors.Length > 0
        ? _vectors[column]
        : throw new InvalidOperationException("There is no row: Read must have returned true.");

    private VectorReader Value(int column)
    {
        var vector = Vector(column);
        return vector.IsNull(_row) ? throw Wrong(column, "a value; it is NULL") : vector;
    }

    private InvalidOperationException Wrong(int column, string wanted) =>
        new($"Column {_columns[column].Name} of type {_columns[column].Type.ToSql()} is not {wanted}.");
}
