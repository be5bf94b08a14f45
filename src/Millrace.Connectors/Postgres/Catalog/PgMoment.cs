using System.Collections.Immutable;
using Millrace.Connectors.Postgres.Protocol;
using Millrace.Faults;

namespace Millrace.Connectors.Postgres.Catalog;

/// <summary>
/// The moment that a stream is read at, as it stands in the plan: the names of exported snapshots that show the same rows, which a later
/// server may use again, and when the first one's transaction began, which makes it unique. Any of them will do.
/// </summary>
/// <param name="Snapshots">The names for SET TRANSACTION SNAPSHOT, such as <c>00000003-0000001B-1</c>.</param>
/// <param name="Since">The transaction's start on the server's clock.</param>
internal sealed record PgMoment(ImmutableArray<string> Snapshots, string Since)
{
    /// <summary>The text in the plan.</summary>
    public override string ToString() => $"{string.Join(" or ", Snapshots)} since {Since}";

    /// <summary>Reads the plan's text.</summary>
    public static PgMoment Parse(string text) => text.Split(" since ", 2) is [var snapshots, var since]
        ? new PgMoment([.. snapshots.Split(" or ")], since)
        : throw new Fault(FaultKind.Internal, $"'{text}' is no moment of PostgreSQL");

    /// <summary>The same moment under one more name, which is tried first.</summary>
    public PgMoment Also(string snapshot) => this with { Snapshots = Snapshots.Insert(0, snapshot) };

    /// <summary>Begins a transaction at this moment. False when nobody holds it any more; there is no transaction then.</summary>
    /// <param name="execute">Runs a statement on the session.</param>
    public async Task<bool> TryBeginAsync(Func<string, Task> execute)
    {
        foreach (var snapshot in Snapshots)
        {
            await execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
            try
            {
                await execute($"SET TRANSACTION SNAPSHOT {PgName.Literal(snapshot)}");
                return true;
            }
            catch (Fault fault) when (fault.Code is "22023" or "42704" or "55000")
            {
                // The server's ways of saying that no session has exported it, or that its transaction has ended.
                await execute("ROLLBACK");
            }
        }

        return false;
    }

    /// <summary>The fault of a unit whose moment is gone: trying again can't help.</summary>
    public Fault Gone() => new(FaultKind.Unreachable, $"the moment of this run is gone: no session holds snapshot {string.Join(" or ", Snapshots)} any more")
    {
        Side = FaultSide.Source,
        Code = "22023",
        Advice = "Resume the run: streams that were not finished are read again at a new moment (or set consistency: unit).",
    };
}
