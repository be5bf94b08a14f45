using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>What one use of a <see cref="RowFunction"/> in a query does. Several threads call it at once.</summary>
internal interface IRowFunction
{
    /// <summary>Takes a chunk, the token's vector first if there is a token, then the columns', and fills the output: a value for each row.</summary>
    void Run(nint chunk, int rows, nint output);
}

/// <summary>
/// A scalar function in C# that sees whole rows: <c>name(token BIGINT, columns…)</c>, or without the token. The token, a constant, says what is
/// meant. Each callback is fenced as in <see cref="TableFunction"/>.
/// </summary>
internal static unsafe class RowFunction
{
    /// <summary>Makes a function known to a connection's database.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="name">The function's name in SQL.</param>
    /// <param name="returns">What it gives for each row: BOOLEAN or an integer type.</param>
    /// <param name="bind">Makes one use of it, from its token and the types of its columns; called on DuckDB's threads.</param>
    public static void Register(ConnectionHandle connection, string name, DuckDbType returns, Func<long, DuckDbType[], IRowFunction> bind)
    {
        using var token = LogicalTypes.Create(DuckDbType.BigInt);

        // It is neither folded nor left out nor moved about for what it gives.
        Register(connection, name, returns, token, bind, &Bind, init: null, &Run, isVolatile: true);
    }

    /// <summary>The same without a token, for a function that has nothing to do but to give the same for the same arguments, one or more.</summary>
    public static void RegisterStable(ConnectionHandle connection, string name, DuckDbType returns, Func<DuckDbType[], IRowFunction> bind)
    {
        using var any = new LogicalTypeHandle(NativeMethods.duckdb_create_logical_type(NativeMethods.AnyType));
        Register(connection, name, returns, any, bind, &BindStable, init: null, &Run, isVolatile: false);
    }

    /// <summary>A hasher of columns whose vectors follow each other in a chunk, the first of them at position 0.</summary>
    /// <param name="types">The columns' types.</param>
    /// <param name="firstVector">The first one's vector.</param>
    /// <param name="asKeys">Whether values that DuckDB calls equal are to have equal hashes, as <see cref="ColumnHasher"/> says.</param>
    public static ChunkHasher HasherOf(ReadOnlySpan<DuckDbType> types, int firstVector, bool asKeys = false)
    {
        var columns = new HashedColumn[types.Length];
        for (var i = 0; i < columns.Length; i++) columns[i] = new HashedColumn(types[i], firstVector + i, i);
        return new ChunkHasher(asKeys, columns);
    }

    /// <summary>Makes a scalar function of any number of columns known, whatever its callbacks are; it sees NULLs.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="name">The function's name in SQL.</param>
    /// <param name="returns">What it gives for each row.</param>
    /// <param name="first">The type of its first argument.</param>
    /// <param name="extra">What its callbacks get.</param>
    /// <param name="bind">Binds one use of it.</param>
    /// <param name="init">Begins a thread of one use; null: threads have no state of their own.</param>
    /// <param name="run">Runs a chunk.</param>
    /// <param name="isVolatile">Whether it is neither folded nor left out nor moved about for what it gives.</param>
    internal static void Register(
        ConnectionHandle connection,
        string name,
        DuckDbType returns,
        LogicalTypeHandle first,
        object extra,
        delegate* unmanaged[Cdecl]<nint, void> bind,
        delegate* unmanaged[Cdecl]<nint, void> init,
        delegate* unmanaged[Cdecl]<nint, nint, nint, void> run,
        bool isVolatile)
    {
        var function = NativeMethods.duckdb_create_scalar_function();
        try
        {
            NativeMethods.duckdb_scalar_function_set_name(function, name);
            NativeMethods.duckdb_scalar_function_add_parameter(function, first.Pointer);
            using (var any = new LogicalTypeHandle(NativeMethods.duckdb_create_logical_type(NativeMethods.AnyType)))
                NativeMethods.duckdb_scalar_function_set_varargs(function, any.Pointer);
            using (var given = LogicalTypes.Create(returns)) NativeMethods.duckdb_scalar_function_set_return_type(function, given.Pointer);
            NativeMethods.duckdb_scalar_function_set_special_handling(function);
            if (isVolatile) NativeMethods.duckdb_scalar_function_set_volatile(function);
            NativeMethods.duckdb_scalar_function_set_extra_info(function, NativeState.Hold(extra), NativeState.Deleter);
            NativeMethods.duckdb_scalar_function_set_bind(function, bind);
            if (init != null) NativeMethods.duckdb_scalar_function_set_init(function, init);
            NativeMethods.duckdb_scalar_function_set_function(function, run);
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
            var bind = NativeState.Get<Func<long, DuckDbType[], IRowFunction>>(NativeMethods.duckdb_scalar_function_bind_get_extra_info(info));
            Bound(info, bind(Token(info), TypesOf(info, first: 1)));
        }
        catch (Exception e)
        {
            NativeMethods.duckdb_scalar_function_bind_set_error(info, CallbackErrors.Record(e));
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void BindStable(nint info)
    {
        try
        {
            var bind = NativeState.Get<Func<DuckDbType[], IRowFunction>>(NativeMethods.duckdb_scalar_function_bind_get_extra_info(info));
            Bound(info, bind(TypesOf(info, first: 0)));
        }
        catch (Exception e)
        {
            NativeMethods.duckdb_scalar_function_bind_set_error(info, CallbackErrors.Record(e));
        }
    }

    private static void Bound(nint info, IRowFunction function)
    {
        NativeMethods.duckdb_scalar_function_set_bind_data(info, NativeState.Hold(function), NativeState.Deleter);
        NativeMethods.duckdb_scalar_function_set_bind_data_copy(info, &Copy);
    }

    // The optimizer copies expressions with what they were bound to.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nint Copy(nint bound) => NativeState.Hold(NativeState.Get<IRowFunction>(bound));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Run(nint info, nint chunk, nint output)
    {
        try
        {
            var function = NativeState.Get<IRowFunction>(NativeMethods.duckdb_scalar_function_get_bind_data(info));
            var rows = (int)NativeMethods.duckdb_data_chunk_get_size(chunk);
            function.Run(chunk, rows, (nint)NativeMethods.duckdb_vector_get_data(output));
        }
        catch (Exception e)
        {
            NativeMethods.duckdb_scalar_function_set_error(info, CallbackErrors.Record(e));
        }
    }

    /// <summary>The types of a use's arguments, when it is bound.</summary>
    internal static DuckDbType[] TypesOf(nint info, int first)
    {
        var types = new DuckDbType[(int)NativeMethods.duckdb_scalar_function_bind_get_argument_count(info) - first];
        for (var i = 0; i < types.Length; i++) types[i] = TypeOf(info, first + i);
        return types;
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

    /// <summary>A use's first argument, which is a constant.</summary>
    internal static long Token(nint info)
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
            if (value.IsInvalid || NativeMethods.duckdb_is_null_value(value.Pointer) != 0) throw new ArgumentException("The token of a row function is no constant.");
            return NativeMethods.duckdb_get_int64(value.Pointer);
        }
        finally
        {
            NativeMethods.duckdb_destroy_client_context(&context);
            NativeMethods.duckdb_destroy_expression(&expression);
        }
    }
}
