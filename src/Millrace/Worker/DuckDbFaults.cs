using Millrace.DuckDb;
using Millrace.Faults;

namespace Millrace.Worker;

/// <summary>DuckDB's own errors, those that neither source nor target claims, as faults.</summary>
internal static class DuckDbFaults
{
    // What follows are settings of DuckDB's, which nobody can set here.
    private const string OwnAdvice = "\n\nPossible solutions:";

    /// <summary>Translates an error of a unit's statement.</summary>
    public static Fault Translate(DuckDbException error, UnitOrder order)
    {
        if (error.InnerException is Fault fault) return fault;
        var where = $"{order.Stream}, unit {order.Unit.Number} ({order.Unit.Label})";
        return TypeOf(error) switch
        {
            DuckDbErrorType.OutOfMemory => new Fault(FaultKind.Limit, $"the unit needs more memory than it may use: {WithoutAdvice(error.Message)}", error)
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

    // What a reader of ours threw is an invalid input to DuckDB, whatever it was.
    private static DuckDbErrorType TypeOf(DuckDbException error) => error.InnerException switch
    {
        OutOfMemoryException => DuckDbErrorType.OutOfMemory,
        DuckDbException thrown => thrown.Type,
        _ => error.Type,
    };

    private static string WithoutAdvice(string message)
    {
        var end = message.IndexOf(OwnAdvice, StringComparison.Ordinal);
        return end < 0 ? message : message[..end];
    }
}
