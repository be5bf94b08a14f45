using Millrace.Jobs;

namespace Millrace.Engines;

/// <summary>
/// What a run does before its memory reaches the ceiling: it warns and makes batches smaller, then it runs fewer units at once. A worker that
/// still passes its share is killed by the engine, and its unit divided. One call at a time.
/// </summary>
/// <param name="memoryBytesMax">The ceiling: <c>limits.memory</c>.</param>
/// <param name="lanes">Units at once at the beginning.</param>
/// <param name="shrink">Halves the batches of units that begin later; gives how many times smaller than usual they are then. Null: they can't be smaller.</param>
/// <param name="narrow">Runs one unit fewer at once; gives how many are left.</param>
internal sealed class MemoryPressure(long memoryBytesMax, int lanes, Func<int>? shrink, Func<int> narrow)
{
    private int _lanes = lanes;
    private int _divisor = 1;
    private int _readingsToStep;
    private bool _isWarned;

    /// <summary>Takes a reading of all processes' memory together. Gives what to tell the user, if anything.</summary>
    public string? Feel(long memoryBytes)
    {
        if (_readingsToStep > 0) _readingsToStep--;
        var percent = memoryBytes * 100.0 / memoryBytesMax;
        if (percent < Limits.MemoryWarnPercent) return null;

        var steps = new List<string>(2);
        if (shrink is not null && _readingsToStep == 0 && _divisor < Limits.BatchDivisorMax)
        {
            _readingsToStep = Limits.MemoryReadingsPerStep;
            _divisor = shrink();
            steps.Add($"units that begin from now on collect 1/{_divisor} of the usual bytes before they write");
        }

        if (percent >= Limits.MemoryNarrowPercent && _lanes > 1)
        {
            _lanes = narrow();
            steps.Add($"from now on {(_lanes == 1 ? "one unit runs" : $"{_lanes} units run")} at once");
        }

        if (steps.Count == 0 && _isWarned) return null;
        _isWarned = true;
        var taken = $"the run takes {ByteSize.Format(memoryBytes)} of the {ByteSize.Format(memoryBytesMax)} of limits.memory";
        return steps.Count == 0 ? taken : $"{taken}: {string.Join(", and ", steps)}";
    }
}
