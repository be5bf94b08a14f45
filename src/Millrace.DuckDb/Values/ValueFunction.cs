using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>
/// A scalar function in C# that gives values of any type: <c>name(token BIGINT, columns…)</c>. Each thread of a query has a worker and a heap of
/// its own for long texts, which live until the worker's next chunk. Each callback is fenced as in <see cref="TableFunction"/>.
/// </summary>
internal static unsafe class ValueFunction
{
    /// <summary>Makes a function known to a connection's database.</summary>
    public static void Register(ConnectionHandle connection, string name, DuckDbType returns, Func<long, IValueFunction> bind)
    {
        using var token = LogicalTypes.Create(DuckDbType.BigInt);
        RowFunction.Register(connection, name, returns, token, new Definition(returns, bind), &Bind, &Init, &Run, isVolatile: true);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Bind(nint info)
    {
        try
        {
            var definition = NativeState.Get<Definition>(NativeMethods.duckdb_scalar_function_bind_get_extra_info(info));
            var bound = new Use(definition.Bind(RowFunction.Token(info)), RowFunction.TypesOf(info, first: 0), definition.Returns);
            NativeMethods.duckdb_scalar_function_set_bind_data(info, NativeState.Hold(bound), NativeState.Deleter);
            NativeMethods.duckdb_scalar_function_set_bind_data_copy(info, &Copy);
        }
        catch (Exception e)
        {
            NativeMethods.duckdb_scalar_function_bind_set_error(info, CallbackErrors.Record(e));
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nint Copy(nint bound) => NativeState.Hold(NativeState.Get<Use>(bound));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Init(nint info)
    {
        try
        {
            var worker = new Worker(NativeState.Get<Use>(NativeMethods.duckdb_scalar_function_init_get_bind_data(info)));
            NativeMethods.duckdb_scalar_function_init_set_state(info, NativeState.Hold(worker), NativeState.Deleter);
        }
        catch (Exception e)
        {
            NativeMethods.duckdb_scalar_function_init_set_error(info, CallbackErrors.Record(e));
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Run(nint info, nint chunk, nint output)
    {
        try
        {
            NativeState.Get<Worker>(NativeMethods.duckdb_scalar_function_get_state(info)).Run(chunk, output);
        }
        catch (Exception e)
        {
            NativeMethods.duckdb_scalar_function_set_error(info, CallbackErrors.Record(e));
        }
    }

    private sealed record Definition(DuckDbType Returns, Func<long, IValueFunction> Bind);

    private sealed record Use(IValueFunction Function, DuckDbType[] Arguments, DuckDbType Returns);

    /// <summary>One thread's worker and the memory of its texts.</summary>
    private sealed class Worker(Use use) : IDisposable
    {
        private readonly IValueWorker _worker = use.Function.Open();
        private TextHeap* _heap = (TextHeap*)NativeMemory.AllocZeroed((nuint)sizeof(TextHeap));

        public void Run(nint chunk, nint output)
        {
            _heap->NextChunk();
            _worker.Run(new ChunkReader(chunk, use.Arguments), new VectorWriter(output, use.Returns, (int)NativeMethods.duckdb_vector_size(), _heap));
        }

        public void Dispose()
        {
            _worker.Dispose();
            if (_heap == null) return;
            _heap->Free();
            NativeMemory.Free(_heap);
            _heap = null;
        }
    }
}
