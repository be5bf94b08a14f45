using Millrace.DuckDb;
using Millrace.Faults;

namespace Millrace.Worker;

/// <summary>DuckDB's own errors, those that neither source nor target claims, as faults.</summary>
internal static class DuckDbFaults
{
    // What follows are settings of DuckDB's, which nobody can set here.
    private const string OwnAdvice = "\n\nPossible solutions:";

    // It has the disk that limits.disk leaves as a setting of its own.
    private const string SpillLimit = "\nThis limit was set by the 'max_temp_directory_size' setting.";

    /// <summary>Whether a unit has failed for want of disk to spill to, and not of memory.</summary>
    public static bool IsOfDisk(Fault fault) => fault.InnerException?.Message.Contains(SpillLimit, StringComparison.Ordinal) is true;

    /// <summary>Translates an error of a unit's statement.</summary>
    public static Fault Translate(DuckDbException error, UnitOrder order)
    {
        if (error.InnerException is Fault fault) return fault;
        var where = $"{order.Stream}, unit {order.Unit.Number} ({order.Unit.Label})";
        return TypeOf(error) switch
        {
            DuckDbErrorType.OutOfMemory when error.Message.Contains(SpillLimit, StringComparison.Ordinal) =>
                new Fault(FaultKind.Limit, $"the unit would spill more to disk than limits.disk leaves beside what is staged: {Before(SpillLimit, error.Message)}", error)
                {
                    Where = where,
                    Divisible = true,
                    Advice = "Raise limits.disk, or limits.memory so that less is spilled; `millrace resume --set limits.disk=SIZE` goes on from here.",
                },
            DuckDbErrorType.OutOfMemory => new Fault(FaultKind.Limit, $"the unit needs more memory than it may use: {Before(OwnAdvice, error.Message)}", error)
            {
                Where = where,
                Divisible = true,
                Advice = "Raise limits.memory, or lower limits.workers or write.row_group_rows.",
            },
            DuckDbErrorType.Conversion or DuckDbErrorType.OutOfRange or DuckDbErrorType.InvalidInput =>
                new Fault(FaultKind.Data, error.Message, error) { Where = where },
            _ => new Fault(FaultKind.Internal, error.Message, error) { Where = where },
        };
    }

    /// <summary>Whether a unit has failed because DuckDB may use no more memory.</summary>
    public static bool IsOutOfMemory(Fault fault) =>
        fault.InnerException is DuckDbException error && TypeOf(error) == DuckDbErrorType.OutOfMemory && !error.Message.Contains(SpillLimit, StringComparison.Ordinal);

    // What a reader of ours threw is an invalid input to DuckDB, whatever it was.
    private static DuckDbErrorType TypeOf(DuckDbException error) => error.InnerException switch
    {
        OutOfMemoryException => DuckDbErrorType.OutOfMemory,
        DuckDbException thrown => thrown.Type,
        _ => error.Type,
    };

    private static string Before(string part, string message)
    {
        var end = message.IndexOf(part, StringComparison.Ordinal);
        return end < 0 ? message : message[..end];
    }
}
