using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>Scalar functions.</summary>
internal static unsafe partial class NativeMethods
{
    /// <summary><c>DUCKDB_TYPE_ANY</c>: a parameter of any type.</summary>
    public const int AnyType = 34;

    [LibraryImport(Library)]
    public static partial nint duckdb_create_scalar_function();

    [LibraryImport(Library)]
    public static partial void duckdb_destroy_scalar_function(nint* function);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial void duckdb_scalar_function_set_name(nint function, string name);

    [LibraryImport(Library)]
    public static partial void duckdb_scalar_function_add_parameter(nint function, nint type);

    [LibraryImport(Library)]
    public static partial void duckdb_scalar_function_set_varargs(nint function, nint type);

    [LibraryImport(Library)]
    public static partial void duckdb_scalar_function_set_return_type(nint function, nint type);

    [LibraryImport(Library)]
    public static partial void duckdb_scalar_function_set_special_handling(nint function);

    [LibraryImport(Library)]
    public static partial void duckdb_scalar_function_set_volatile(nint function);

    [LibraryImport(Library)]
    public static partial void duckdb_scalar_function_set_extra_info(nint function, nint extra, delegate* unmanaged[Cdecl]<nint, void> deleter);

    [LibraryImport(Library)]
    public static partial void duckdb_scalar_function_set_bind(nint function, delegate* unmanaged[Cdecl]<nint, void> callback);

    [LibraryImport(Library)]
    public static partial void duckdb_scalar_function_set_function(nint function, delegate* unmanaged[Cdecl]<nint, nint, nint, void> callback);

    [LibraryImport(Library)]
    public static partial int duckdb_register_scalar_function(ConnectionHandle connection, nint function);

    [LibraryImport(Library)]
    public static partial nint duckdb_scalar_function_bind_get_extra_info(nint info);

    [LibraryImport(Library)]
    public static partial ulong duckdb_scalar_function_bind_get_argument_count(nint info);

    [LibraryImport(Library)]
    public static partial nint duckdb_scalar_function_bind_get_argument(nint info, ulong index);

    [LibraryImport(Library)]
    public static partial void duckdb_scalar_function_set_bind_data(nint info, nint data, delegate* unmanaged[Cdecl]<nint, void> deleter);

    [LibraryImport(Library)]
    public static partial void duckdb_scalar_function_set_bind_data_copy(nint info, delegate* unmanaged[Cdecl]<nint, nint> copy);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial void duckdb_scalar_function_bind_set_error(nint info, string error);

    [LibraryImport(Library)]
    public static partial void duckdb_scalar_function_get_client_context(nint info, nint* context);

    [LibraryImport(Library)]
    public static partial void duckdb_destroy_client_context(nint* context);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial nint duckdb_scalar_function_get_bind_data(nint info);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial void duckdb_scalar_function_set_error(nint info, string error);

    [LibraryImport(Library)]
    public static partial void duckdb_scalar_function_set_init(nint function, delegate* unmanaged[Cdecl]<nint, void> callback);

    [LibraryImport(Library)]
    public static partial nint duckdb_scalar_function_init_get_bind_data(nint info);

    [LibraryImport(Library)]
    public static partial void duckdb_scalar_function_init_set_state(nint info, nint state, delegate* unmanaged[Cdecl]<nint, void> deleter);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial void duckdb_scalar_function_init_set_error(nint info, string error);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial nint duckdb_scalar_function_get_state(nint info);

    [LibraryImport(Library)]
    public static partial nint duckdb_expression_return_type(nint expression);

    [LibraryImport(Library)]
    public static partial nint duckdb_expression_fold(nint context, nint expression, nint* value);

    [LibraryImport(Library)]
    public static partial void duckdb_destroy_expression(nint* expression);

    [LibraryImport(Library)]
    public static partial void duckdb_destroy_error_data(nint* error);
}
