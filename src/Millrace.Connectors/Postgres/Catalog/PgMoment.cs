using Millrace.Faults;

namespace Millrace.Connectors.Postgres.Catalog;

/// <summary>
/// The moment that a stream is read at, as it stands in the plan: an exported snapshot's name, which a later server may use again,
/// and when its transaction began, which makes it unique.
/// </summary>
/// <param name="Snapshot">The name for SET TRANSACTION SNAPSHOT, such as <c>00000003-0000001B-1</c>.</param>
/// <param name="Since">The transaction's start on the server's clock.</param>
internal sealed record PgMoment(string Snapshot, string Since)
{
    /// <summary>The text in the plan.</summary>
    public override string ToString() => $"{Snapshot} since {Since}";

    /// <summary>Reads the plan's text.</summary>
    public static PgMoment Parse(string text) => text.Split(" since ", 2) is [var snapshot, var since]
        ? new PgMoment(snapshot, since)
        : throw new Fault(FaultKind.Internal, $"'{text}' is no moment of PostgreSQL");

    /// <summary>Whether the server's answer to SET TRANSACTION SNAPSHOT says that nobody holds the snapshot any more.</summary>
    public static bool IsGone(Fault fault) => fault.Code is "22023" or "42704" or "55000";

    /// <summary>The fault of a unit whose moment is gone: trying again can't help.</summary>
    public Fault Gone(Fault inner) => new(FaultKind.Unreachable, $"the moment of this run is gone: no session holds snapshot {Snapshot} any more ({inner.Message})", inner)
    {
        Side = FaultSide.Source,
        Code = inner.Code,
        Advice = "Resume the run: streams that were not finished are read again at a new moment (or set consistency: unit).",
    };
}
