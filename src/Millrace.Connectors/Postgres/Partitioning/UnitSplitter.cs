using System.Collections.Immutable;
using Millrace.Connectors.Postgres.Catalog;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Connectors.Postgres.Partitioning;

/// <summary>Cuts a unit in two: one of several pieces between two of them, one of a single piece as <see cref="PieceSplitter"/> does.</summary>
internal sealed class UnitSplitter(PgControl control, PgCatalog catalog, PgTypeCatalog types)
{
    /// <summary>The parts; none at the floor.</summary>
    internal async ValueTask<ImmutableArray<PlannedUnit>> SplitAsync(StreamHeader header, Unit unit, CancellationToken cancel)
    {
        var slice = PgSlice.Parse(unit.Slice);
        var label = new PieceLabel(header.Stream);
        if (slice.Pieces is not [var only])
        {
            var middle = slice.Pieces.Length / 2;
            return [Some(slice, unit, label, 0, middle), Some(slice, unit, label, middle, slice.Pieces.Length - middle)];
        }

        var reading = PgReading.Parse(header.ReaderJson);
        var query = new PieceQuery(control, reading, header.Moment is null || reading.OwnSnapshots ? null : PgMoment.Parse(header.Moment));
        var parts = await PieceSplitter.SplitAsync(query, catalog, types, label, only, cancel);
        return
        [
            .. parts.Select(part => new PlannedUnit(
                new PgSlice([part.Piece]).ToJson(), part.Label, part.Rows ?? Share(unit.EstimatedRows, part.Share), Share(unit.EstimatedBytes, part.Share))),
        ];
    }

    private static PlannedUnit Some(PgSlice slice, Unit unit, PieceLabel label, int from, int count)
    {
        var pieces = slice.Pieces.Slice(from, count);
        var share = (double)count / slice.Pieces.Length;
        var some = new PgSlice(pieces) { SideBySide = slice.SideBySide && count > 1 };
        return new PlannedUnit(some.ToJson(), label.Of(pieces), Share(unit.EstimatedRows, share), Share(unit.EstimatedBytes, share));
    }

    private static long? Share(long? whole, double share) => whole is { } all ? (long)(all * share) : null;
}
