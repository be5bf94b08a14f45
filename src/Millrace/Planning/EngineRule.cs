using Millrace.Jobs;

namespace Millrace.Planning;

/// <summary>Which engine <see cref="EngineChoice.Auto"/> means for streams of this size.</summary>
public static class EngineRule
{
    /// <summary>
    /// Tasks in the coordinator while the estimates stay below <see cref="Limits.InProcRowsMax"/> and <see cref="Limits.InProcBytesMax"/>;
    /// worker processes above, and when a size is unknown. Worker processes, too, where there is little memory: a few large rows may take it
    /// all, and then the kernel is to take a worker, not the run.
    /// </summary>
    /// <param name="wanted">What the user says.</param>
    /// <param name="memoryBytes">The ceiling of all processes together.</param>
    /// <param name="rows">Estimated rows; null when unknown.</param>
    /// <param name="bytes">Estimated bytes; null when unknown.</param>
    public static EngineChoice Pick(EngineChoice wanted, long memoryBytes, long? rows, long? bytes)
    {
        if (wanted != EngineChoice.Auto) return wanted;
        if (memoryBytes < Limits.InProcMemoryBytesMin) return EngineChoice.Local;
        if (rows is null && bytes is null) return EngineChoice.Local;
        return rows.GetValueOrDefault() < Limits.InProcRowsMax && bytes.GetValueOrDefault() < Limits.InProcBytesMax
            ? EngineChoice.InProc
            : EngineChoice.Local;
    }
}
