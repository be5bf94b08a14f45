using System.Collections.Immutable;
using Millrace.Faults;

namespace Millrace.Jobs.Reading;

/// <summary>Collects every mistake of a job, so that the user sees them all at once. Not thread-safe.</summary>
internal sealed class FaultList
{
    private const int WhereCharsMax = 1_000;

    private readonly List<(Mark Mark, Fault Fault)> found = [];
    private int leftOut;

    /// <summary>True when nothing was wrong so far.</summary>
    public bool IsEmpty => found.Count == 0;

    /// <summary>Adds a mistake at a mark.</summary>
    public void Add(Mark mark, string message, string? advice = null)
    {
        if (found.Count >= Limits.JobFaultsMax)
        {
            leftOut++;
            return;
        }

        var kind = mark.File is null ? FaultKind.Usage : FaultKind.JobFile;
        found.Add((mark, new Fault(kind, message) { Side = FaultSide.Job, Where = Words.Printable(mark.ToString(), WhereCharsMax), Advice = advice }));
    }

    /// <summary>Adds a key that the job file will have, and this version does not.</summary>
    public void AddNotBuilt(Mark mark, string what, string? advice = null) =>
        Add(mark, $"{what} is not built yet in this version", advice ?? "Leave it out, or wait for a later version.");

    /// <summary>The mistakes in the order of the file, those of the command line after them.</summary>
    public ImmutableArray<Fault> InFileOrder()
    {
        var ordered = found.OrderBy(one => one.Mark.File is null).ThenBy(one => one.Mark.Line).Select(one => one.Fault).ToList();
        if (leftOut > 0)
        {
            ordered.Add(new Fault(FaultKind.JobFile, $"and {leftOut} more mistakes, not shown") { Side = FaultSide.Job });
        }

        return [.. ordered];
    }
}
