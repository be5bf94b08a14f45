using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>Copy functions: registration, bind, global init, sink, finalize.</summary>
internal static unsafe partial class NativeMethods
{
    [LibraryImport(Library)]
    public static partial nint duckdb_create_copy_function();

    [LibraryImport(Library)]
    public static partial void duckdb_destroy_copy_function(nint* function);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial void duckdb_copy_function_set_name(nint function, string name);

    [LibraryImport(Library)]
    public static partial void duckdb_copy_function_set_extra_info(nint function, nint info, delegate* unmanaged[Cdecl]<nint, void> deleter);

    [LibraryImport(Library)]
    public static partial void duckdb_copy_function_set_bind(nint function, delegate* unmanaged[Cdecl]<nint, void> callback);

    [LibraryImport(Library)]
    public static partial void duckdb_copy_function_set_global_init(nint function, delegate* unmanaged[Cdecl]<nint, void> callback);

    [LibraryImport(Library)]
    public static partial void duckdb_copy_function_set_sink(nint function, delegate* unmanaged[Cdecl]<nint, nint, void> callback);

    [LibraryImport(Library)]
    public static partial void duckdb_copy_function_set_finalize(nint function, delegate* unmanaged[Cdecl]<nint, void> callback);

    [LibraryImport(Library)]
    public static partial int duckdb_register_copy_function(ConnectionHandle connection, nint function);

    [LibraryImport(Library)]
    public static partial nint duckdb_copy_function_bind_get_extra_info(nint info);

    [LibraryImport(Library)]
    public static partial ulong duckdb_copy_function_bind_get_column_count(nint info);

    [LibraryImport(Library)]
    public static partial nint duckdb_copy_function_bind_get_column_type(nint info, ulong column);

    [LibraryImport(Library)]
    public static partial nint duckdb_copy_function_bind_get_options(nint info);

    [LibraryImport(Library)]
    public static partial void duckdb_copy_function_bind_set_bind_data(nint info, nint data, delegate* unmanaged[Cdecl]<nint, void> deleter);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial void duckdb_copy_function_bind_set_error(nint info, string error);

    [LibraryImport(Library)]
    public static partial nint duckdb_copy_function_global_init_get_bind_data(nint info);

    [LibraryImport(Library)]
    public static partial nint duckdb_copy_function_global_init_get_file_path(nint info);

    [LibraryImport(Library)]
    public static partial void duckdb_copy_function_global_init_set_global_state(
        nint info,
        nint state,
        delegate* unmanaged[Cdecl]<nint, void> deleter);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial void duckdb_copy_function_global_init_set_error(nint info, string error);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial nint duckdb_copy_function_sink_get_global_state(nint info);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial void duckdb_copy_function_sink_set_error(nint info, string error);

    [LibraryImport(Library)]
    public static partial nint duckdb_copy_function_finalize_get_global_state(nint info);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial void duckdb_copy_function_finalize_set_error(nint info, string error);
}
