using System.Globalization;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Runs;
using Millrace.Worker;

namespace Millrace.Transform;

/// <summary>How a stage finds the key that alone is too large for a unit.</summary>
/// <param name="Sql">A SELECT over <see cref="StageHeader.Buckets"/>: the key with the most rows, its rows, all rows.</param>
/// <param name="Advice">What to do about it.</param>
public sealed record KeyQuestion(string Sql, string Advice)
{
    /// <summary>
    /// Names the key that a unit has failed on for want of memory. It is asked when the unit had the memory for itself, and costs a count for each key.
    /// </summary>
    /// <param name="fault">What the attempt failed with.</param>
    /// <param name="order">The attempt.</param>
    /// <param name="stage">The unit's stage.</param>
    /// <param name="store">The run's buckets.</param>
    /// <param name="connection">A connection whose query has ended.</param>
    /// <param name="cancel">Stops it.</param>
    /// <returns>A fault with the key, when nearly all rows have it and no part of the unit could have fewer; otherwise the fault as it was.</returns>
    internal static async Task<Fault> NameAsync(Fault fault, UnitOrder order, StageHeader? stage, BucketStore store, DuckDbConnection connection, CancellationToken cancel)
    {
        if (stage?.Largest is not { } question || fault is not { Kind: FaultKind.Limit, Divisible: true } || DuckDbFaults.IsOfDisk(fault) || !order.IsAlone) return fault;
        try
        {
            var slice = BucketUnitReader.SliceOf(order.Unit) with { ByElement = false };
            await using var input = new BucketUnitInput(store, stage with { BucketSql = question.Sql }, slice);
            using var stop = cancel.Register(input.Cancel);
            using var answer = await connection.QueryAsync(input.Select, cancel).ConfigureAwait(false);
            if (!answer.Read() || answer.GetText(0) is not { } key) return fault;
            var (rows, all) = (answer.GetInt64(1), answer.GetInt64(2));
            if (rows < 2 || rows * 100 < all * Limits.OneKeyRowsPercent) return fault;
            return new Fault(FaultKind.Limit, string.Create(CultureInfo.InvariantCulture, $"the key {key} has {rows} rows, more than the memory of a unit holds at once"), fault)
            {
                Side = FaultSide.Transform, Where = fault.Where, Divisible = true, IsOneKey = true, Advice = question.Advice,
            };
        }
        catch (DuckDbException)
        {
            cancel.ThrowIfCancellationRequested();
            return fault;
        }
    }
}
