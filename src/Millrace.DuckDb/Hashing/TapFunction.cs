using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>
/// The scalar function behind <see cref="HashTaps"/>: <c>name(token BIGINT, columns…) → true</c>. Each callback is fenced as in
/// <see cref="TableFunction"/>.
/// </summary>
internal static unsafe class TapFunction
{
    public static void Register(ConnectionHandle connection, string name, Func<long, ContentSum> open)
    {
        var function = NativeMethods.duckdb_create_scalar_function();
        try
        {
            NativeMethods.duckdb_scalar_function_set_name(function, name);
            using (var token = LogicalTypes.Create(DuckDbType.BigInt)) NativeMethods.duckdb_scalar_function_add_parameter(function, token.Pointer);
            using (var any = new LogicalTypeHandle(NativeMethods.duckdb_create_logical_type(NativeMethods.AnyType)))
                NativeMethods.duckdb_scalar_function_set_varargs(function, any.Pointer);
            using (var truth = LogicalTypes.Create(DuckDbType.Boolean)) NativeMethods.duckdb_scalar_function_set_return_type(function, truth.Pointer);

            // It sees NULLs, and is neither folded nor left out nor moved about for what it gives.
            NativeMethods.duckdb_scalar_function_set_special_handling(function);
            NativeMethods.duckdb_scalar_function_set_volatile(function);
            NativeMethods.duckdb_scalar_function_set_extra_info(function, NativeState.Hold(open), NativeState.Deleter);
            NativeMethods.duckdb_scalar_function_set_bind(function, &Bind);
            NativeMethods.duckdb_scalar_function_set_function(function, &Pass);
            if (NativeMethods.duckdb_register_scalar_function(connection, function) != 0)
                throw new DuckDbException(DuckDbErrorType.Catalog, $"DuckDB refuses the function {name}.");
        }
        finally
        {
            NativeMethods.duckdb_destroy_scalar_function(&function);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Bind(nint info)
    {
        try
        {
            var open = NativeState.Get<Func<long, ContentSum>>(NativeMethods.duckdb_scalar_function_bind_get_extra_info(info));
            var columns = new HashedColumn[NativeMethods.duckdb_scalar_function_bind_get_argument_count(info) - 1];
            for (var i = 0; i < columns.Length; i++) columns[i] = new HashedColumn(TypeOf(info, i + 1), i + 1, i);
            var tap = new Tap(new ChunkHasher(columns), open(Token(info)));
            NativeMethods.duckdb_scalar_function_set_bind_data(info, NativeState.Hold(tap), NativeState.Deleter);
            NativeMethods.duckdb_scalar_function_set_bind_data_copy(info, &Copy);
        }
        catch (Exception e)
        {
            NativeMethods.duckdb_scalar_function_bind_set_error(info, CallbackErrors.Record(e));
        }
    }

    // The optimizer copies expressions with what they were bound to.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nint Copy(nint bound) => NativeState.Hold(NativeState.Get<Tap>(bound));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Pass(nint info, nint chunk, nint output)
    {
        try
        {
            var tap = NativeState.Get<Tap>(NativeMethods.duckdb_scalar_function_get_bind_data(info));
            var rows = (int)NativeMethods.duckdb_data_chunk_get_size(chunk);
            tap.Sum.Add(tap.Hasher.Hash(chunk, rows));
            new Span<byte>(NativeMethods.duckdb_vector_get_data(output), rows).Fill(1);
        }
        catch (Exception e)
        {
            NativeMethods.duckdb_scalar_function_set_error(info, CallbackErrors.Record(e));
        }
    }

    private static DuckDbType TypeOf(nint info, int argument)
    {
        var expression = NativeMethods.duckdb_scalar_function_bind_get_argument(info, (ulong)argument);
        try
        {
            return LogicalTypes.Take(NativeMethods.duckdb_expression_return_type(expression));
        }
        finally
        {
            NativeMethods.duckdb_destroy_expression(&expression);
        }
    }

    private static long Token(nint info)
    {
        var expression = NativeMethods.duckdb_scalar_function_bind_get_argument(info, 0);
        nint context = 0;
        try
        {
            NativeMethods.duckdb_scalar_function_get_client_context(info, &context);
            nint folded = 0;
            var error = NativeMethods.duckdb_expression_fold(context, expression, &folded);
            using var value = new ValueHandle(folded);
            if (error != 0) NativeMethods.duckdb_destroy_error_data(&error);
            if (value.IsInvalid || NativeMethods.duckdb_is_null_value(value.Pointer) != 0) throw new ArgumentException("The token of a tap is no constant.");
            return NativeMethods.duckdb_get_int64(value.Pointer);
        }
        finally
        {
            NativeMethods.duckdb_destroy_client_context(&context);
            NativeMethods.duckdb_destroy_expression(&expression);
        }
    }

    private sealed record Tap(ChunkHasher Hasher, ContentSum Sum);
}
