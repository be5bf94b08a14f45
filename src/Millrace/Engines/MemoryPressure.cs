using Millrace.Jobs;

namespace Millrace.Engines;

/// <summary>
/// What a run does before its memory reaches the ceiling: it warns, then it runs fewer units at once. A worker that still passes its share is
/// killed by the engine, and its unit divided. One call at a time.
/// </summary>
/// <param name="memoryBytesMax">The ceiling: <c>limits.memory</c>.</param>
/// <param name="lanes">Units at once at the beginning.</param>
/// <param name="narrow">Runs one unit fewer at once; gives how many are left.</param>
internal sealed class MemoryPressure(long memoryBytesMax, int lanes, Func<int> narrow)
{
    private int _lanes = lanes;
    private bool _isWarned;

    /// <summary>Takes a reading of all processes' memory together. Gives what to tell the user, if anything.</summary>
    public string? Feel(long memoryBytes)
    {
        var percent = memoryBytes * 100.0 / memoryBytesMax;
        if (percent >= Limits.MemoryNarrowPercent && _lanes > 1)
        {
            _isWarned = true;
            _lanes = narrow();
            return $"{Taken(memoryBytes)}: from now on {(_lanes == 1 ? "one unit runs" : $"{_lanes} units run")} at once";
        }

        if (percent < Limits.MemoryWarnPercent || _isWarned) return null;
        _isWarned = true;
        return Taken(memoryBytes);
    }

    private string Taken(long bytes) => $"the run takes {ByteSize.Format(bytes)} of the {ByteSize.Format(memoryBytesMax)} of limits.memory";
}
