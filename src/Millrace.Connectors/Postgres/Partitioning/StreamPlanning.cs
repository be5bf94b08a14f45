using System.Collections.Immutable;
using System.Globalization;
using Millrace.Connectors.Postgres.Catalog;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;

namespace Millrace.Connectors.Postgres.Partitioning;

/// <summary>
/// Plans one stream: its columns, the parts that its rows lie in (leaves of a partitioned table, children of an inheritance tree, or
/// itself), and the units that these are cut into.
/// </summary>
internal sealed class StreamPlanning
{
    private readonly PgControl _control;
    private readonly PgCatalog _catalog;
    private readonly PgTypeCatalog _types;
    private readonly PgHold _hold;
    private readonly int _connections;

    internal StreamPlanning(PgControl control, PgCatalog catalog, PgTypeCatalog types, PgHold hold, int connections)
    {
        _control = control;
        _catalog = catalog;
        _types = types;
        _hold = hold;
        _connections = connections;
    }

    internal async Task<StreamPlan> PlanAsync(StreamJob stream, PlanRequest request, CancellationToken cancel)
    {
        var path = await _catalog.SearchPathAsync(cancel);
        var userSql = new UserSql(_control, path);
        var remarks = ImmutableArray.CreateBuilder<string>();
        var (source, attributes) = stream.Query is null
            ? await RelationAsync(stream, remarks, cancel)
            : (QuerySource(stream), await userSql.DescribeAsync(stream, _types, cancel));

        var planner = new ColumnPlanner(stream, request.Target, attributes);
        var (columns, reads) = planner.Plan();
        (long Rows, long Bytes)? explained = stream.Where is not null || source.Parts is [{ Bytes: null }]
            ? await userSql.EstimateAsync(stream, source.ExplainFrom, cancel)
            : null;
        var bytes = source.Parts.Sum(static part => part.Bytes ?? 0);
        var cut = new CutRequest
        {
            Stream = stream,
            Attributes = attributes,
            UnitBytes = request.UnitBytesFor(bytes),
            ServerVersion = _control.ServerVersion,
            Connections = _connections,
            Key = [.. stream.Partition.Key.Select(name => KeyColumn.Of(attributes.First(a => a.Name == name)))],
        };
        var planned = await CutAsync(cut, source, request, path, cancel);
        var rows = source.Parts.All(static part => part.Rows is not null) ? source.Parts.Sum(static part => part.Rows ?? 0) : (long?)null;
        var userPath = stream.Where is not null || stream.Query is not null ? path.Sql : null;
        return new StreamPlan
        {
            Stream = stream,
            Columns = columns,
            EstimatedRows = explained?.Rows ?? rows,
            EstimatedBytes = bytes > 0 ? bytes : explained?.Bytes,
            Strategy = planned.Strategy,
            Why = planned.Why,
            EstimatedUnits = planned.Count,
            Moment = _hold.Moment?.ToString(),
            WireForm = _control.IsSqlAscii ? null : planner.WireForm,
            Remarks = remarks.ToImmutable(),
            ReaderJson = new PgReading
            {
                From = source.From,
                Alias = source.Alias,
                Where = stream.Where,
                SearchPath = userPath,
                OwnSnapshots = stream.Consistency == Consistency.Unit,
                RawText = _control.IsSqlAscii,
                Key = !cut.Key.IsEmpty && cut.Key.All(static column => column.IsOrdered) ? cut.Key : null,
                Columns = reads,
            }.ToJson(),
            Units = token => Stream(planned.Units, token),
        };
    }

    /// <summary>Where an incremental load will end: the greatest cursor that there is at the moment that is held, and the lag before it.</summary>
    internal async Task<CursorEnd?> EndAsync(StreamJob stream, CursorWindow window, CancellationToken cancel)
    {
        var path = await _catalog.SearchPathAsync(cancel);
        var (source, attributes) = stream.Query is null
            ? await RelationAsync(stream, ImmutableArray.CreateBuilder<string>(), cancel)
            : (QuerySource(stream), await new UserSql(_control, path).DescribeAsync(stream, _types, cancel));
        var column = attributes.First(attribute => attribute.Name == stream.Cursor);
        var where = stream.Where is null ? "" : $" WHERE ({stream.Where}\n)";
        var sql = $"SELECT greatest(max({PgName.Quote(column.Name)}), $1::{column.Spelling})::text FROM {source.ExplainFrom}{where}";
        var rows = await _control.TryAsync(path.Sql, moment: null, () => _control.QueryAsync(sql, [window.Watermark], cancel), cancel);
        if (rows[0][0] is not { } watermark) return null;
        return new CursorEnd(watermark, await new PgCursor(stream, column.Spelling).LessLagAsync(_control, watermark, window.From, cancel));
    }

    /// <summary>What a stream reads from.</summary>
    /// <param name="From">The FROM item without its alias.</param>
    /// <param name="Alias">The alias.</param>
    /// <param name="Parts">The parts that the rows lie in.</param>
    private sealed record Source(string From, string Alias, ImmutableArray<PgPart> Parts)
    {
        public string ExplainFrom => $"{From} AS {PgName.Quote(Alias)}";
    }

    private static Source QuerySource(StreamJob stream) =>
        new(UserSql.Parenthesised(stream), UserSql.AliasOf(stream), [new PgPart(Relation: null, From: null, Name: null)]);

    private async Task<(Source Source, ImmutableArray<PgAttribute> Attributes)> RelationAsync(
        StreamJob stream, ImmutableArray<string>.Builder remarks, CancellationToken cancel)
    {
        var held = await _hold.RelationAsync(stream, cancel);
        var relation = held.Relation;
        var attributes = await _types.AttributesAsync(relation.Oid, cancel);
        if (!relation.MayRead && !attributes.Any(static a => a.MayRead))
            throw PgHold.Refused(stream, $"this user has no right to SELECT from {relation.Written}", $"Grant it: GRANT SELECT ON {relation.Written} TO the user.");

        // The locks are held by now, so that sizes are the moment's and nobody waits.
        var family = await _catalog.SizesAsync([.. held.Family], cancel);
        var only = relation.Kind == PgRelationKind.Table ? $"ONLY {relation.Sql}" : relation.Sql;
        if (family.Length == 1)
        {
            if (relation.Kind == PgRelationKind.Foreign)
                remarks.Add($"{relation.Written} is a foreign table: its rows are of its own server's moment");
            return (new Source(only, relation.Name, [new PgPart(family[0], From: null, Name: null)]), attributes);
        }

        var leaves = family.Where(static r => r.Kind != PgRelationKind.Partitioned).ToImmutableArray();
        if (leaves.FirstOrDefault(static r => !r.MayRead) is { } closed)
        {
            remarks.Add($"{closed.Written} may be read only through {relation.Written}: the rows are read through it, and not leaf by leaf");
            var whole = relation with { Kind = PgRelationKind.Partitioned, AnalyzedRows = leaves.Sum(static r => r.EstimatedRows ?? 0) };
            return (new Source(relation.Sql, relation.Name, [new PgPart(whole, From: null, Name: null)]), attributes);
        }

        foreach (var foreign in leaves.Where(static r => r.Kind == PgRelationKind.Foreign))
            remarks.Add($"{foreign.Written} is a foreign table: its rows are of its own server's moment");
        return (new Source(relation.Sql, relation.Name, [.. leaves.Select(static leaf => new PgPart(leaf, $"ONLY {leaf.Sql}", leaf.Written))]), attributes);
    }

    private async Task<PartUnits> CutAsync(CutRequest cut, Source source, PlanRequest request, PgSearchPath path, CancellationToken cancel)
    {
        var cutter = new PartCutter(cut, new KeyBounds(_control, _catalog, path), _catalog);
        if (request.OneUnit) return await OneUnitAsync(cutter, cut, source, cancel);
        if (source.Parts is [var part]) return await cutter.CutAsync(part, PlaceOf(cut.Stream, source, part), cancel);
        if (source.Parts.IsEmpty) return new PartUnits(PartitionBy.None, "a partitioned table without partitions has no rows", 1, [EmptyUnit()]);

        var all = new List<PartUnits>();
        foreach (var group in Groups(cutter, cut.Stream, source.Parts))
        {
            all.Add(group is [var alone]
                ? await cutter.CutAsync(alone, PlaceOf(cut.Stream, source, alone), cancel)
                : Together(group));
        }

        var main = all.MaxBy(static units => units.Count)!;
        return new PartUnits(
            main.Strategy,
            string.Create(CultureInfo.InvariantCulture, $"{source.Parts.Length} leaves, each by itself, small ones together; {main.Why}"),
            all.Sum(static units => units.Count),
            all.SelectMany(static units => units.Units));
    }

    /// <summary>Small leaves that follow each other share a unit, up to a unit's size.</summary>
    private static IEnumerable<List<PgPart>> Groups(PartCutter cutter, StreamJob stream, ImmutableArray<PgPart> parts)
    {
        var group = new List<PgPart>();
        var shares = stream.Partition.By is PartitionBy.Auto or PartitionBy.Pages;
        foreach (var part in parts)
        {
            var fits = shares && part.Bytes is not null && group.Count < Limits.PgLeavesPerUnitMax && cutter.UnitsOf(Sum(group, part)) == 1;
            if (!fits && group.Count > 0)
            {
                yield return group;
                group = [];
            }

            group.Add(part);
            if (part.Bytes is not null) continue;
            yield return group;
            group = [];
        }

        if (group.Count > 0) yield return group;
    }

    private static PgPart Sum(List<PgPart> group, PgPart next)
    {
        var relation = next.Relation!;
        var rows = group.Sum(static part => part.Rows ?? 0) + (next.Rows ?? 0);
        var pages = Math.Max(1, group.Sum(static part => part.Relation!.Pages) + relation.Pages);
        return next with
        {
            Relation = relation with { Bytes = group.Sum(static part => part.Bytes ?? 0) + relation.Bytes, Pages = pages, AnalyzedPages = pages, AnalyzedRows = rows },
        };
    }

    private static PartUnits Together(List<PgPart> group)
    {
        var label = string.Create(CultureInfo.InvariantCulture, $"{group[0].Name} and {group.Count - 1} more leaves");
        var slice = new PgSlice([.. group.Select(static part => part.Whole)]);
        var unit = new PlannedUnit(slice.ToJson(), label, group.Sum(static part => part.Rows ?? 0), group.Sum(static part => part.Bytes ?? 0));
        return new PartUnits(PartitionBy.Pages, "each fits into a unit", 1, [unit]);
    }

    /// <summary>One unit of several ranges, so that all connections read a target that is one file.</summary>
    private static async Task<PartUnits> OneUnitAsync(PartCutter cutter, CutRequest cut, Source source, CancellationToken cancel)
    {
        var pieces = ImmutableArray.CreateBuilder<PgPiece>();
        var bytes = Math.Max(1, source.Parts.Sum(static part => part.Bytes ?? 0));
        foreach (var part in source.Parts)
        {
            var count = Math.Clamp((long)((double)(part.Bytes ?? 0) / bytes * Limits.PgRangesPerUnitMax), 1, cutter.UnitsOf(part));
            if (count > 1 && cutter.CanPage(part)) pieces.AddRange(PageRanges.Pieces(part, count));
            else pieces.Add(part.Whole);
        }

        cancel.ThrowIfCancellationRequested();
        if (pieces.Count == 0) return await Task.FromResult(new PartUnits(PartitionBy.None, "no partitions", 1, [EmptyUnit()]));
        var rows = source.Parts.Sum(static part => part.Rows ?? 0);
        var why = string.Create(CultureInfo.InvariantCulture, $"the target is one file; {pieces.Count} ranges of {cut.Stream.Name} are read side by side");
        return new PartUnits(PartitionBy.None, why, 1, [new PlannedUnit(new PgSlice(pieces.ToImmutable()) { SideBySide = pieces.Count > 1 }.ToJson(), "all rows", rows, bytes)]);
    }

    private static KeyPlace PlaceOf(StreamJob stream, Source source, PgPart part)
    {
        var from = $"{part.From ?? source.From} AS {PgName.Quote(source.Alias)}";
        var canSample = part.Relation?.Kind is PgRelationKind.Table or PgRelationKind.MaterialisedView or PgRelationKind.Partitioned;
        return new KeyPlace(from, part.Relation, canSample, WithChildren: part.Relation?.Kind == PgRelationKind.Partitioned, stream.Where);
    }

    /// <summary>Reading the parent itself gives no rows, and the target gets its columns.</summary>
    private static PlannedUnit EmptyUnit() => new(new PgSlice([new PgPiece()]).ToJson(), "no rows", 0, 0);

    private static async IAsyncEnumerable<PlannedUnit> Stream(IEnumerable<PlannedUnit> units, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        await Task.Yield();
        foreach (var unit in units)
        {
            cancel.ThrowIfCancellationRequested();
            yield return unit;
        }
    }
}
