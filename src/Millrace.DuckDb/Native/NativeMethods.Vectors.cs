using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>
/// Chunks and vectors. The getters are a few machine instructions that never block, so they skip the switch of the garbage
/// collector's mode, which would cost more than they do.
/// </summary>
internal static unsafe partial class NativeMethods
{
    [LibraryImport(Library), SuppressGCTransition]
    public static partial ulong duckdb_vector_size();

    [LibraryImport(Library), SuppressGCTransition]
    public static partial ulong duckdb_data_chunk_get_column_count(nint chunk);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial nint duckdb_data_chunk_get_vector(nint chunk, ulong column);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial ulong duckdb_data_chunk_get_size(nint chunk);

    [LibraryImport(Library)]
    public static partial nint duckdb_create_data_chunk(nint* types, ulong count);

    [LibraryImport(Library)]
    public static partial void duckdb_data_chunk_reset(nint chunk);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial void duckdb_data_chunk_set_size(nint chunk, ulong rows);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial void* duckdb_vector_get_data(nint vector);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial ulong* duckdb_vector_get_validity(nint vector);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial void duckdb_vector_ensure_validity_writable(nint vector);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial nint duckdb_list_vector_get_child(nint vector);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial ulong duckdb_list_vector_get_size(nint vector);

    [LibraryImport(Library)]
    public static partial nint duckdb_create_vector(nint type, ulong capacity);

    [LibraryImport(Library)]
    public static partial void duckdb_destroy_vector(nint* vector);

    [LibraryImport(Library)]
    public static partial void duckdb_vector_reference_vector(nint to, nint from);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial int duckdb_list_vector_set_size(nint vector, ulong size);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial nint duckdb_struct_vector_get_child(nint vector, ulong index);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial nint duckdb_array_vector_get_child(nint vector);
}

/// <summary><c>duckdb_list_entry</c>: where a row's elements lie in the child vector.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NativeListEntry
{
    public ulong Offset;
    public ulong Length;
}
