using Millrace.DuckDb;
using Millrace.Faults;

namespace Millrace.Worker;

/// <summary>DuckDB's own errors, those that neither source nor target claims, as faults.</summary>
internal static class DuckDbFaults
{
    /// <summary>Translates an error of a unit's statement.</summary>
    public static Fault Translate(DuckDbException error, UnitOrder order)
    {
        if (error.InnerException is Fault fault) return fault;
        var where = $"{order.Stream}, unit {order.Unit.Number} ({order.Unit.Label})";
        return error.Type switch
        {
            DuckDbErrorType.OutOfMemory => new Fault(FaultKind.Limit, $"the unit needs more memory than it may use: {error.Message}", error)
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
}
