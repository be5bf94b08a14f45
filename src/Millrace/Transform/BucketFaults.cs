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
        Fault fault => fault,
        BucketFileException damaged => Damaged(damaged, error),
        IOException or UnauthorizedAccessException => FileFaults.From(error.InnerException, "the run directory", FaultSide.Run),
        _ => null,
    };

    /// <summary>The fault for a bucket file that is not as it was written.</summary>
    public static Fault Damaged(BucketFileException damaged, Exception error) => new(FaultKind.Data, damaged.Message, error)
    {
        Side = FaultSide.Transform, Advice = "Somebody has changed the run directory or what it has on an object store, or a disk is at fault. Begin a new run.",
    };
}
