using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>
/// The callbacks between DuckDB and an <see cref="ITableSource"/>. Each is fenced: an exception that left one would end the process,
/// so it is recorded and DuckDB is given its text and number (<see cref="CallbackErrors"/>).
/// </summary>
internal static unsafe class TableFunction
{
    public static void Register(ConnectionHandle connection, string name, Func<long, ITableSource> open)
    {
        var function = NativeMethods.duckdb_create_table_function();
        try
        {
            using (var token = LogicalTypes.Create(DuckDbType.BigInt))
            {
                NativeMethods.duckdb_table_function_set_name(function, name);
                NativeMethods.duckdb_table_function_add_parameter(function, token.Pointer);
            }

            NativeMethods.duckdb_table_function_set_extra_info(function, NativeState.Hold(open), NativeState.Deleter);
            NativeMethods.duckdb_table_function_set_bind(function, &Bind);
            NativeMethods.duckdb_table_function_set_init(function, &OpenScan);
            NativeMethods.duckdb_table_function_set_local_init(function, &OpenThread);
            NativeMethods.duckdb_table_function_set_function(function, &Fill);
            NativeMethods.duckdb_table_function_supports_projection_pushdown(function, 1);
            if (NativeMethods.duckdb_register_table_function(connection, function) != 0)
                throw new DuckDbException(DuckDbErrorType.Catalog, $"DuckDB refuses the table function {name}.");
        }
        finally
        {
            NativeMethods.duckdb_destroy_table_function(&function);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Bind(nint info)
    {
        try
        {
            var open = NativeState.Get<Func<long, ITableSource>>(NativeMethods.duckdb_bind_get_extra_info(info));
            long token;
            using (var value = new ValueHandle(NativeMethods.duckdb_bind_get_parameter(info, 0)))
            {
                if (NativeMethods.duckdb_is_null_value(value.Pointer) != 0) throw new ArgumentException("The token of a table source is NULL.");
                token = NativeMethods.duckdb_get_int64(value.Pointer);
            }

            var bind = new TableBind(open(token));
            foreach (var column in bind.Columns)
            {
                using var type = LogicalTypes.Create(column.Type);
                NativeMethods.duckdb_bind_add_result_column(info, column.Name, type.Pointer);
            }

            if (bind.Source.EstimatedRows is { } rows) NativeMethods.duckdb_bind_set_cardinality(info, (ulong)Math.Max(0, rows), exact: 0);
            NativeMethods.duckdb_bind_set_bind_data(info, NativeState.Hold(bind), NativeState.Deleter);
        }
        catch (Exception e)
        {
            NativeMethods.duckdb_bind_set_error(info, CallbackErrors.Record(e));
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OpenScan(nint info)
    {
        try
        {
            var bind = NativeState.Get<TableBind>(NativeMethods.duckdb_init_get_bind_data(info));
            var projected = new int[NativeMethods.duckdb_init_get_column_count(info)];
            for (var i = 0; i < projected.Length; i++)
            {
                // Virtual columns (row number, "no column") have numbers from the top of the range.
                var index = NativeMethods.duckdb_init_get_column_index(info, (ulong)i);
                projected[i] = index < (ulong)bind.Columns.Length ? (int)index : -1;
            }

            // From here on DuckDB owns the scan and lets go of it whatever happens.
            var scan = new SharedScan(bind, projected);
            NativeMethods.duckdb_init_set_init_data(info, NativeState.Hold(scan), NativeState.Deleter);
            NativeMethods.duckdb_init_set_max_threads(info, (ulong)Math.Max(1, scan.MaxThreads));
        }
        catch (Exception e)
        {
            NativeMethods.duckdb_init_set_error(info, CallbackErrors.Record(e));
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OpenThread(nint info)
    {
        try
        {
            NativeMethods.duckdb_init_set_init_data(info, NativeState.Hold(new ThreadReader()), NativeState.Deleter);
        }
        catch (Exception e)
        {
            NativeMethods.duckdb_init_set_error(info, CallbackErrors.Record(e));
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Fill(nint info, nint chunk)
    {
        try
        {
            var scan = NativeState.Get<SharedScan>(NativeMethods.duckdb_function_get_init_data(info));
            var reader = NativeState.Get<ThreadReader>(NativeMethods.duckdb_function_get_local_init_data(info));
            NativeMethods.duckdb_data_chunk_set_size(chunk, (ulong)reader.Fill(scan, chunk));
        }
        catch (Exception e)
        {
            NativeMethods.duckdb_function_set_error(info, CallbackErrors.Record(e));
        }
    }
}
