using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>
/// C# objects that DuckDB holds: a <see cref="GCHandle"/> goes in as <c>void*</c>, DuckDB's delete callback frees it and disposes
/// the object. <see cref="Live"/> counts what is out, so that a test can show that nothing leaks.
/// </summary>
internal static unsafe class NativeState
{
    private static long _live;

    /// <summary>Handles that DuckDB holds at this moment.</summary>
    public static long Live => Interlocked.Read(ref _live);

    /// <summary>The delete callback that belongs to every handle from <see cref="Hold"/>.</summary>
    public static delegate* unmanaged[Cdecl]<nint, void> Deleter => &Delete;

    /// <summary>Makes the pointer to hand to DuckDB together with <see cref="Deleter"/>.</summary>
    public static nint Hold(object state)
    {
        Interlocked.Increment(ref _live);
        return GCHandle.ToIntPtr(GCHandle.Alloc(state));
    }

    /// <summary>The object behind a pointer from <see cref="Hold"/>.</summary>
    public static T Get<T>(nint pointer)
        where T : class => Unsafe.As<T>(GCHandle.FromIntPtr(pointer).Target!);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Delete(nint pointer)
    {
        if (pointer == 0) return;
        var handle = GCHandle.FromIntPtr(pointer);
        var state = handle.Target;
        handle.Free();
        Interlocked.Decrement(ref _live);
        try
        {
            (state as IDisposable)?.Dispose();
        }
#pragma warning disable RCS1075 // An empty catch, for the reason inside.
        catch (Exception)
#pragma warning restore RCS1075
        {
            // DuckDB is destroying a query and takes no error any more; letting it through would end the process.
        }
    }
}
