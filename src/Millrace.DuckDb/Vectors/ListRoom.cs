using System.Numerics;
using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>
/// Makes room for more elements in a list's child vector. DuckDB's own call for it takes the memory from what its limit allows, and where
/// that is not enough it throws, which ends the whole process from inside a call from C#. Here the child is replaced by a larger vector whose
/// memory, as that of long texts (<see cref="TextHeap"/>), is the system's and not counted under the limit; what DuckDB then copies of it is.
/// </summary>
internal static unsafe class ListRoom
{
    /// <summary>Makes room where there is not enough. Writers of the child are invalid then.</summary>
    /// <param name="list">The vector of a LIST or MAP that is written, so that no other vector shares it.</param>
    /// <param name="element">The type of its child vector.</param>
    /// <param name="elements">Elements in all.</param>
    /// <exception cref="DuckDbException">The system has no memory for it.</exception>
    public static void Reserve(nint list, DuckDbType element, int elements)
    {
        var used = NativeMethods.duckdb_list_vector_get_size(list);
        var capacity = CapacityOf((ulong)elements);
        if (capacity <= CapacityOf(used)) return;
        using var type = LogicalTypes.Create(element);
        var larger = NativeMethods.duckdb_create_vector(type.Pointer, capacity);
        if (larger == 0) throw new DuckDbException(DuckDbErrorType.OutOfMemory, $"there is no memory for a list of {elements} elements.");
        try
        {
            var child = NativeMethods.duckdb_list_vector_get_child(list);
            Move(child, larger, element, used);
            NativeMethods.duckdb_vector_reference_vector(child, larger);
        }
        finally
        {
            // The child shares its memory now, and keeps it.
            NativeMethods.duckdb_destroy_vector(&larger);
        }
    }

    // What a child has room for that was filled so far: DuckDB does not tell it. A new one holds as many as a chunk has rows.
    private static ulong CapacityOf(ulong elements) => Math.Max(BitOperations.RoundUpToPowerOf2(elements), NativeMethods.duckdb_vector_size());

    /// <summary>Moves the first rows of a vector to another one of the same type: texts and inner lists stay where they are.</summary>
    private static void Move(nint from, nint to, DuckDbType type, ulong rows)
    {
        var bytes = (nuint)rows * (nuint)type.ValueBytes;
        if (bytes > 0) NativeMemory.Copy(NativeMethods.duckdb_vector_get_data(from), NativeMethods.duckdb_vector_get_data(to), bytes);
        var validity = NativeMethods.duckdb_vector_get_validity(from);
        if (validity != null && rows > 0)
        {
            NativeMethods.duckdb_vector_ensure_validity_writable(to);
            NativeMemory.Copy(validity, NativeMethods.duckdb_vector_get_validity(to), (nuint)((rows + 63) / 64 * sizeof(ulong)));
        }

        switch (type.Kind)
        {
            case DuckDbKind.List or DuckDbKind.Map:
                NativeMethods.duckdb_vector_reference_vector(NativeMethods.duckdb_list_vector_get_child(to), NativeMethods.duckdb_list_vector_get_child(from));
                _ = NativeMethods.duckdb_list_vector_set_size(to, NativeMethods.duckdb_list_vector_get_size(from));
                break;
            case DuckDbKind.Array:
                Move(NativeMethods.duckdb_array_vector_get_child(from), NativeMethods.duckdb_array_vector_get_child(to), type.Element, rows * (ulong)type.ArraySize);
                break;
            case DuckDbKind.Struct:
                MoveFields(from, to, type, rows, first: 0);
                break;
            case DuckDbKind.Union:
                Move(NativeMethods.duckdb_struct_vector_get_child(from, 0), NativeMethods.duckdb_struct_vector_get_child(to, 0), DuckDbType.Of(DuckDbKind.UTinyInt), rows);
                MoveFields(from, to, type, rows, first: 1);
                break;
        }
    }

    private static void MoveFields(nint from, nint to, DuckDbType type, ulong rows, int first)
    {
        for (var i = 0; i < type.Fields.Length; i++)
        {
            var at = (ulong)(first + i);
            Move(NativeMethods.duckdb_struct_vector_get_child(from, at), NativeMethods.duckdb_struct_vector_get_child(to, at), type.Fields[i].Type, rows);
        }
    }
}
