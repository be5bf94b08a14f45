using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Millrace.DuckDb;

/// <summary>
/// Reads one column of a chunk, straight from DuckDB's memory. A plain struct of pointers that can be held in an array over a row
/// loop; valid as long as its <see cref="ChunkReader"/>. Rows are not checked in release builds, except by <see cref="Values{T}"/>.
/// </summary>
public readonly unsafe struct VectorReader
{
    private const int InlineBytesMax = 12;

    private readonly byte* _data;
    private readonly ulong* _validity;
    private readonly nint _vector;

    internal VectorReader(nint vector, DuckDbType type, int rows)
    {
        _vector = vector;
        Type = type;
        Rows = rows;
        _data = (byte*)NativeMethods.duckdb_vector_get_data(vector);
        _validity = NativeMethods.duckdb_vector_get_validity(vector);
    }

    /// <summary>The column's type.</summary>
    public DuckDbType Type { get; }

    /// <summary>The number of rows; in a list's child the number of all elements.</summary>
    public int Rows { get; }

    /// <summary>Where the values lie.</summary>
    internal byte* Data => _data;

    /// <summary>DuckDB's vector.</summary>
    internal nint Native => _vector;

    /// <summary>A bit for each row that is not NULL; null when none is.</summary>
    internal ulong* Validity => _validity;

    /// <summary>Whether no row is NULL, as far as is known without looking at each.</summary>
    public bool AllValid => _validity == null;

    /// <summary>All values as a span; what a NULL row holds means nothing.</summary>
    /// <typeparam name="T">What <see cref="DuckDbKind"/> says of the column's kind.</typeparam>
    public ReadOnlySpan<T> Values<T>()
        where T : unmanaged
    {
        Debug.Assert(sizeof(T) == Type.ValueBytes, "the value has the column's size");
        return new ReadOnlySpan<T>(_data, Rows);
    }

    /// <summary>A value; that of a NULL row means nothing.</summary>
    /// <typeparam name="T">What <see cref="DuckDbKind"/> says of the column's kind.</typeparam>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Get<T>(int row)
        where T : unmanaged
    {
        Check(row);
        Debug.Assert(sizeof(T) == Type.ValueBytes, "the value has the column's size");
        return ((T*)_data)[row];
    }

    /// <summary>Whether a row is NULL.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsNull(int row)
    {
        Check(row);
        return _validity != null && (_validity[row >> 6] & (1UL << row)) == 0;
    }

    /// <summary>Whether a row and the three after it are not NULL, in the lowest four bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ulong ValidityOf(int row)
    {
        Check(row + 3);
        if (_validity == null) return 15;
        var bits = _validity[row >> 6] >> row;
        return (row & 63) <= 60 ? bits : bits | (_validity[(row >> 6) + 1] << (64 - (row & 63)));
    }

    /// <summary>The bytes of a text (UTF-8), blob or bit string that is not NULL.</summary>
    public ReadOnlySpan<byte> Bytes(int row)
    {
        Check(row);
        Debug.Assert(Type.ValueBytes == 16 && !Type.IsNested, "the column holds bytes");
        var text = _data + (16L * row);
        var length = *(int*)text;
        return length <= InlineBytesMax ? new ReadOnlySpan<byte>(text + 4, length) : new ReadOnlySpan<byte>(*(byte**)(text + 8), length);
    }

    /// <summary>A UUID's 16 bytes in the order of its text form.</summary>
    public void Uuid(int row, Span<byte> bigEndian) =>
        System.Buffers.Binary.BinaryPrimitives.WriteInt128BigEndian(bigEndian, Get<Int128>(row) ^ Int128.MinValue);

    /// <summary>A TIME WITH TIME ZONE: local time in microseconds since midnight, and seconds east of UTC.</summary>
    public (long Micros, int OffsetSeconds) TimeTz(int row)
    {
        // As in VectorWriter.SetTimeTz.
        const int OffsetMax = (16 * 60 * 60) - 1;
        var packed = Get<ulong>(row);
        return ((long)(packed >> 24), OffsetMax - (int)(packed & 0xFFFFFF));
    }

    /// <summary>Where the elements of a list's or map's row, which is not NULL, lie in <see cref="ListElements"/>.</summary>
    public (int Offset, int Length) List(int row)
    {
        Check(row);
        var entry = ((NativeListEntry*)_data)[row];
        return ((int)entry.Offset, (int)entry.Length);
    }

    /// <summary>The elements of all rows of a LIST, the (key, value) structs of a MAP.</summary>
    /// <exception cref="InvalidOperationException">The column is no list or map.</exception>
    public VectorReader ListElements()
    {
        var child = Type.Kind switch
        {
            DuckDbKind.List => Type.Element,
            DuckDbKind.Map => VectorWriter.EntryOf(Type),
            _ => throw WrongKind("list or map"),
        };
        return new VectorReader(NativeMethods.duckdb_list_vector_get_child(_vector), child, (int)NativeMethods.duckdb_list_vector_get_size(_vector));
    }

    /// <summary>The elements of an ARRAY: those of a row lie at row × size and after.</summary>
    /// <exception cref="InvalidOperationException">The column is no array.</exception>
    public VectorReader ArrayElements() => Type.Kind == DuckDbKind.Array
        ? new VectorReader(NativeMethods.duckdb_array_vector_get_child(_vector), Type.Element, checked(Rows * Type.ArraySize))
        : throw WrongKind("array");

    /// <summary>A struct's field or a union's member; its rows are the struct's rows.</summary>
    /// <exception cref="InvalidOperationException">The column is no struct or union.</exception>
    public VectorReader Field(int index)
    {
        // A union's first child is its tag.
        var tags = Type.Kind switch
        {
            DuckDbKind.Struct => 0,
            DuckDbKind.Union => 1,
            _ => throw WrongKind("struct or union"),
        };
        return new VectorReader(NativeMethods.duckdb_struct_vector_get_child(_vector, (ulong)(index + tags)), Type.Fields[index].Type, Rows);
    }

    /// <summary>Which member a union's row holds.</summary>
    /// <exception cref="InvalidOperationException">The column is no union.</exception>
    public int Tag(int row)
    {
        if (Type.Kind != DuckDbKind.Union) throw WrongKind("union");
        Check(row);
        return ((byte*)NativeMethods.duckdb_vector_get_data(NativeMethods.duckdb_struct_vector_get_child(_vector, 0)))[row];
    }

    private InvalidOperationException WrongKind(string wanted) => new($"A column of type {Type.ToSql()} is no {wanted}.");

    [Conditional("DEBUG")]
    private void Check(int row) => Debug.Assert((uint)row < (uint)Rows, "the row lies in the vector");
}
