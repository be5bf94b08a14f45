using Millrace.Faults;
using Millrace.Runs;

namespace Millrace.Load;

/// <summary>The rejected rows of a stream's finished units, so that a flood ends before everything is read. Thread safe.</summary>
internal sealed class RejectCount(StreamHeader header, StreamFolder folder)
{
    private readonly Lock _lock = new();
    private long _rows;
    private string? _first;

    /// <summary>Counts a unit's.</summary>
    /// <exception cref="Fault">They are more than the stream may have, whatever is still to come.</exception>
    public void Add(UnitResult result)
    {
        if (result.Rejected == 0) return;
        lock (_lock)
        {
            _rows += result.Rejected;
            if (result.Rejects is [var first, ..]) _first ??= folder.PathOf(first.Path);
            if (_rows > header.RejectsStopAt) throw RejectFlood.SoFar(header, _rows, _first ?? "");
        }
    }
}
