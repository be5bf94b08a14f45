using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Runs;

namespace Millrace.Transform;

/// <summary>What reading and writing buckets fails with, as faults.</summary>
internal static class BucketFaults
{
    /// <summary>The fault behind a query that failed on a bucket file; null when it failed elsewhere.</summary>
    public static Fault? Explain(DuckDbException error) => error.InnerException switch
    {
        BucketFileException damaged => new Fault(FaultKind.Data, damaged.Message, error)
        {
            Side = FaultSide.Transform, Advice = "Somebody has changed the run directory, or its disk is at fault. Begin a new run.",
        },
        IOException or UnauthorizedAccessException => FileFaults.From(error.InnerException, "the run directory", FaultSide.Run),
        _ => null,
    };
}
