using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>A <c>duckdb_database</c>.</summary>
internal sealed unsafe class DatabaseHandle : SafeHandle
{
    public DatabaseHandle()
        : base(0, ownsHandle: true)
    {
    }

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        var pointer = handle;
        NativeMethods.duckdb_close(&pointer);
        return true;
    }
}

/// <summary>A <c>duckdb_connection</c>. A call in progress holds a reference: disposing waits for it instead of pulling it away.</summary>
internal sealed unsafe class ConnectionHandle : SafeHandle
{
    public ConnectionHandle()
        : base(0, ownsHandle: true)
    {
    }

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        var pointer = handle;
        NativeMethods.duckdb_disconnect(&pointer);
        return true;
    }
}

/// <summary>A <c>duckdb_config</c>.</summary>
internal sealed unsafe class ConfigHandle : SafeHandle
{
    public ConfigHandle()
        : base(0, ownsHandle: true)
    {
    }

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        var pointer = handle;
        NativeMethods.duckdb_destroy_config(&pointer);
        return true;
    }
}

/// <summary>A <c>duckdb_result</c> in native memory of its own.</summary>
internal sealed unsafe class ResultHandle : SafeHandle
{
    public ResultHandle()
        : base(0, ownsHandle: true) => SetHandle((nint)NativeMemory.AllocZeroed((nuint)sizeof(NativeResult)));

    public override bool IsInvalid => handle == 0;

    public NativeResult* Pointer => (NativeResult*)handle;

    protected override bool ReleaseHandle()
    {
        NativeMethods.duckdb_destroy_result(Pointer);
        NativeMemory.Free(Pointer);
        return true;
    }
}

/// <summary>A <c>duckdb_data_chunk</c> that we own.</summary>
internal sealed unsafe class ChunkHandle : SafeHandle
{
    public ChunkHandle(nint chunk)
        : base(0, ownsHandle: true) => SetHandle(chunk);

    public override bool IsInvalid => handle == 0;

    public nint Pointer => handle;

    protected override bool ReleaseHandle()
    {
        var pointer = handle;
        NativeMethods.duckdb_destroy_data_chunk(&pointer);
        return true;
    }
}

/// <summary>A <c>duckdb_logical_type</c> that we own.</summary>
internal sealed unsafe class LogicalTypeHandle : SafeHandle
{
    public LogicalTypeHandle(nint type)
        : base(0, ownsHandle: true) => SetHandle(type);

    public override bool IsInvalid => handle == 0;

    public nint Pointer => handle;

    protected override bool ReleaseHandle()
    {
        var pointer = handle;
        NativeMethods.duckdb_destroy_logical_type(&pointer);
        return true;
    }
}

/// <summary>A <c>duckdb_value</c> that we own.</summary>
internal sealed unsafe class ValueHandle : SafeHandle
{
    public ValueHandle(nint value)
        : base(0, ownsHandle: true) => SetHandle(value);

    public override bool IsInvalid => handle == 0;

    public nint Pointer => handle;

    protected override bool ReleaseHandle()
    {
        var pointer = handle;
        NativeMethods.duckdb_destroy_value(&pointer);
        return true;
    }
}
