using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>The callbacks between DuckDB and an <see cref="ICopyTarget"/>, each fenced as in <see cref="TableFunction"/>.</summary>
internal static unsafe class CopyFunction
{
    public static void Register(ConnectionHandle connection, string name, Func<CopyBinding, ICopyTarget> bind)
    {
        var function = NativeMethods.duckdb_create_copy_function();
        try
        {
            NativeMethods.duckdb_copy_function_set_name(function, name);
            NativeMethods.duckdb_copy_function_set_extra_info(function, NativeState.Hold(bind), NativeState.Deleter);
            NativeMethods.duckdb_copy_function_set_bind(function, &Bind);
            NativeMethods.duckdb_copy_function_set_global_init(function, &Open);
            NativeMethods.duckdb_copy_function_set_sink(function, &Write);
            NativeMethods.duckdb_copy_function_set_finalize(function, &Complete);
            if (NativeMethods.duckdb_register_copy_function(connection, function) != 0)
                throw new DuckDbException(DuckDbErrorType.Catalog, $"DuckDB refuses the copy function {name}.");
        }
        finally
        {
            NativeMethods.duckdb_destroy_copy_function(&function);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Bind(nint info)
    {
        try
        {
            var bind = NativeState.Get<Func<CopyBinding, ICopyTarget>>(NativeMethods.duckdb_copy_function_bind_get_extra_info(info));
            var types = new DuckDbType[NativeMethods.duckdb_copy_function_bind_get_column_count(info)];
            for (var i = 0; i < types.Length; i++)
                types[i] = LogicalTypes.Take(NativeMethods.duckdb_copy_function_bind_get_column_type(info, (ulong)i));
            var target = bind(new CopyBinding(types, Options(info)));
            NativeMethods.duckdb_copy_function_bind_set_bind_data(info, NativeState.Hold(new CopyBind(target, types)), NativeState.Deleter);
        }
        catch (Exception e)
        {
            NativeMethods.duckdb_copy_function_bind_set_error(info, CallbackErrors.Record(e));
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Open(nint info)
    {
        try
        {
            var bind = NativeState.Get<CopyBind>(NativeMethods.duckdb_copy_function_global_init_get_bind_data(info));
            var path = NativeMethods.Borrowed(NativeMethods.duckdb_copy_function_global_init_get_file_path(info));
            var state = new CopyState(bind.Target.Open(path), bind.Types);
            NativeMethods.duckdb_copy_function_global_init_set_global_state(info, NativeState.Hold(state), NativeState.Deleter);
        }
        catch (Exception e)
        {
            NativeMethods.duckdb_copy_function_global_init_set_error(info, CallbackErrors.Record(e));
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Write(nint info, nint chunk)
    {
        try
        {
            var state = NativeState.Get<CopyState>(NativeMethods.duckdb_copy_function_sink_get_global_state(info));
            state.Sink.Write(new ChunkReader(chunk, state.Types));
        }
        catch (Exception e)
        {
            NativeMethods.duckdb_copy_function_sink_set_error(info, CallbackErrors.Record(e));
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Complete(nint info)
    {
        try
        {
            NativeState.Get<CopyState>(NativeMethods.duckdb_copy_function_finalize_get_global_state(info)).Sink.Complete();
        }
        catch (Exception e)
        {
            NativeMethods.duckdb_copy_function_finalize_set_error(info, CallbackErrors.Record(e));
        }
    }

    // The options are one struct value, or NULL when there is none.
    private static Dictionary<string, string?> Options(nint info)
    {
        var options = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        using var all = new ValueHandle(NativeMethods.duckdb_copy_function_bind_get_options(info));
        if (all.IsInvalid || NativeMethods.duckdb_is_null_value(all.Pointer) != 0) return options;
        var type = NativeMethods.duckdb_get_value_type(all.Pointer);
        var count = NativeMethods.duckdb_struct_type_child_count(type);
        for (var i = 0UL; i < count; i++)
        {
            var name = NativeMethods.Owned(NativeMethods.duckdb_struct_type_child_name(type, i));
            using var value = new ValueHandle(NativeMethods.duckdb_get_struct_child(all.Pointer, i));
            var isNull = value.IsInvalid || NativeMethods.duckdb_is_null_value(value.Pointer) != 0;
            options[name] = isNull ? null : NativeMethods.Owned(NativeMethods.duckdb_get_varchar(value.Pointer));
        }

        return options;
    }

    private sealed record CopyBind(ICopyTarget Target, DuckDbType[] Types);

    private sealed record CopyState(ICopySink Sink, DuckDbType[] Types) : IDisposable
    {
        public void Dispose() => Sink.Dispose();
    }
}
