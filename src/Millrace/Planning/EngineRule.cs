using Millrace.Jobs;

namespace Millrace.Planning;

/// <summary>Which engine <see cref="EngineChoice.Auto"/> means for streams of this size.</summary>
public static class EngineRule
{
    /// <summary>
    /// Tasks in the coordinator while the estimates stay below <see cref="Limits.InProcRowsMax"/> and <see cref="Limits.InProcBytesMax"/>;
    /// worker processes above, and when a size is unknown.
    /// </summary>
    public static EngineChoice Pick(EngineChoice wanted, long? rows, long? bytes)
    {
        if (wanted != EngineChoice.Auto) return wanted;
        if (rows is null && bytes is null) return EngineChoice.Local;
        return rows.GetValueOrDefault() < Limits.InProcRowsMax && bytes.GetValueOrDefault() < Limits.InProcBytesMax
            ? EngineChoice.InProc
            : EngineChoice.Local;
    }
}
