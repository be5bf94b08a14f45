using Millrace.Commit;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Telemetry;

namespace Millrace.SystemTests.Cli;

/// <summary>Events of a run as displays get them.</summary>
internal static class RunEventsOfTests
{
    public static StreamPlanned Planned { get; } = new(
        new StreamPlan
        {
            Stream = new StreamJob { Name = "public.events", Mark = new Mark("streams.public.events") },
            Columns = [new Column { Name = "id", SourceName = "id", SourceType = "bigint", Type = "BIGINT", Nullable = false }],
            EstimatedRows = 1_200_000,
            EstimatedBytes = 50L << 20,
            Strategy = PartitionBy.Pages,
            Why = "it is a plain table",
            EstimatedUnits = 40,
            Remarks = ["amount becomes text"],
            ReaderJson = "{}",
            Units = _ => AsyncEnumerable.Empty<PlannedUnit>(),
        },
        "events",
        EngineChoice.Local,
        DoneUnits: 0);

    public static StreamCommitted Committed { get; } = new("public.events", new CommitReceipt(1_200_000, 40, 12L << 20, AlreadyDone: false, "./lake/events"));

    public static Fault Lost { get; } = new(FaultKind.Unreachable, "the server closed the connection") { Side = FaultSide.Source, Where = "job.yaml:2: source", Advice = "Check the server." };

    public static ProgressSample Sample(double seconds, long rows = 1000, double? fraction = 0.25) => new()
    {
        RowsRead = rows,
        BytesRead = rows * 1024,
        UnitsDone = 10,
        UnitsTotal = 40,
        Fraction = fraction,
        Elapsed = TimeSpan.FromSeconds(seconds),
        MemoryBytes = 114L << 20,
        Running = 2,
        Retries = 1,
    };

    public static RunFinished Finished(RunStatus status, params Fault[] faults) => new(new RunSummary
    {
        Run = "r1",
        Status = status,
        RowsRead = 1_200_000,
        RowsWritten = 1_200_000,
        BytesRead = 50L << 20,
        BytesWritten = 12L << 20,
        Units = 40,
        Retries = 1,
        Splits = 0,
        Seconds = 2.5,
        PeakMemoryBytes = 120L << 20,
        Faults = [.. faults],
    });
}
