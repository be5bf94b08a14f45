using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.CompilerServices;
using Millrace.Connectors.Files.Target;
using Millrace.Connectors.Postgres.Catalog;
using Millrace.Connectors.Postgres.Partitioning;
using Millrace.Connectors.Postgres.Protocol;
using Millrace.Connectors.Postgres.Types;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Connectors.Postgres;

/// <summary>
/// The coordinator's half of the PostgreSQL source, over one connection: it looks into the catalogue, locks the streams' tables,
/// exports one snapshot that every worker reads at, and cuts the streams into units.
/// </summary>
public sealed class PostgresSource : ISource
{
    /// <summary>What a Parquet target holds: for the columns that <c>discover</c> shows.</summary>
    private static readonly TargetTraits s_parquet = FileFormatTraits.Of(FileFormat.Parquet);

    private readonly PgSettings _settings;
    private readonly PgControl _control;
    private readonly PgCatalog _catalog;
    private readonly PgTypeCatalog _types;
    private readonly PgHold _hold;
    private readonly StreamPlanning _planning;
    private readonly UnitSplitter _splitter;

    /// <summary>A source; connects when it is first asked. A malformed address is a <see cref="Fault"/>.</summary>
    public PostgresSource(SourceContext context)
    {
        _settings = PostgresConnector.SettingsOf(context);
        _control = new PgControl(_settings, context.Clock);
        _catalog = new PgCatalog(_control);
        _types = new PgTypeCatalog(_control);
        _hold = new PgHold(_control, _catalog);
        _planning = new StreamPlanning(_control, _catalog, _types, _hold, context.Connections);
        _splitter = new UnitSplitter(_control, _catalog, _types);
    }

    /// <inheritdoc/>
    public string Place => _settings.ToString();

    /// <inheritdoc/>
    public async ValueTask<string> CheckAsync(CancellationToken cancel)
    {
        var rows = await _control.QueryAsync("SELECT current_setting('server_version'), pg_is_in_recovery()", [], cancel);
        return string.Create(CultureInfo.InvariantCulture, $"PostgreSQL {rows[0][0]}{(rows[0][1] == "t" ? ", a standby" : "")}");
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<Discovered> DiscoverAsync(string pattern, [EnumeratorCancellation] CancellationToken cancel)
    {
        foreach (var relation in await _catalog.MatchAsync(PgName.Parse(pattern, new Mark("pattern")), cancel))
        {
            var attributes = await _types.AttributesAsync(relation.Oid, cancel);
            var whole = relation.Kind == PgRelationKind.Partitioned ? await WholeAsync(relation, cancel) : (relation.EstimatedRows, relation.HasStorage ? relation.Bytes : null);
            yield return new Discovered
            {
                Name = relation.Written,
                Kind = relation.KindName,
                EstimatedRows = whole.Item1,
                EstimatedBytes = whole.Item2,
                Columns = [.. attributes.Select(ColumnOf)],
            };
        }
    }

    /// <inheritdoc/>
    public async ValueTask<ImmutableArray<StreamJob>> ExpandAsync(ImmutableArray<StreamJob> streams, CancellationToken cancel)
    {
        var expanded = ImmutableArray.CreateBuilder<StreamJob>();
        var path = (await _catalog.SearchPathAsync(cancel)).Schemas;
        var named = streams.Where(static s => s.Query is null).Select(static s => PgName.Parse(s.Name, s.Mark)).Where(static n => !n.IsPattern).ToList();
        foreach (var stream in streams)
        {
            if (stream.Query is not null || PgName.Parse(stream.Name, stream.Mark) is not { IsPattern: true } pattern)
            {
                expanded.Add(stream);
                continue;
            }

            var found = await TablesAsync(pattern, cancel);
            if (found.Count == 0) throw NothingMatches(stream);
            foreach (var relation in found)
            {
                var isNamed = named.Exists(name => name.Matches(relation.Schema, relation.Name, path));
                if (!isNamed && !expanded.Any(s => s.Name == relation.Written)) expanded.Add(stream with { Name = relation.Written });
            }
        }

        return expanded.Count < 2 ? expanded.ToImmutable() : BiggestFirst(expanded, path, await _catalog.EstimatedBytesAsync(cancel));
    }

    /// <inheritdoc/>
    public async ValueTask HoldAsync(ImmutableArray<StreamJob> streams, CancellationToken cancel) => await _hold.TakeAsync(streams, cancel);

    /// <inheritdoc/>
    public async ValueTask<bool> RejoinAsync(string moment, ImmutableArray<StreamJob> streams, CancellationToken cancel) =>
        await _hold.RejoinAsync(PgMoment.Parse(moment), streams, cancel);

    /// <inheritdoc/>
    public HeldMoment? Held => _hold.Moment is { } moment ? new HeldMoment(moment.ToString(), _hold.Locks) : null;

    /// <inheritdoc/>
    public async ValueTask<ImmutableArray<string>> KeyAsync(StreamJob stream, CancellationToken cancel)
    {
        if (stream.Query is not null) return stream.Partition.Key;
        var held = await _hold.RelationAsync(stream, cancel);
        foreach (var index in await _catalog.IndexesAsync(held.Relation.Oid, cancel))
        {
            if (index.IsUnique) return [.. index.Columns];
        }

        return stream.Partition.Key;
    }

    /// <inheritdoc/>
    public async ValueTask<StreamPlan> PlanAsync(StreamJob stream, PlanRequest request, CancellationToken cancel) =>
        await _planning.PlanAsync(stream, request, cancel);

    /// <inheritdoc/>
    public async ValueTask<CursorEnd?> EndAsync(StreamJob stream, CursorWindow window, CancellationToken cancel) =>
        await _planning.EndAsync(stream, window, cancel);

    /// <inheritdoc/>
    public ValueTask<ImmutableArray<PlannedUnit>> SplitAsync(StreamHeader header, Unit unit, CancellationToken cancel) =>
        _splitter.SplitAsync(header, unit, cancel);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _control.DisposeAsync();

    /// <summary>
    /// The biggest tables first, so that no large one is left when everything else is done; before them what has no size (queries, views):
    /// that may be large, too, and is often a single unit.
    /// </summary>
    private static ImmutableArray<StreamJob> BiggestFirst(
        IEnumerable<StreamJob> streams, IReadOnlyList<string> path, IReadOnlyDictionary<(string Schema, string Table), long> sizes)
    {
        return [.. streams.OrderByDescending(SizeOf)];

        long SizeOf(StreamJob stream)
        {
            if (stream.Query is not null) return long.MaxValue;
            var name = PgName.Parse(stream.Name, stream.Mark);
            foreach (var schema in name.Schema is { } one ? [one] : path)
            {
                if (sizes.TryGetValue((schema, name.Table), out var bytes)) return bytes;
            }

            return long.MaxValue;
        }
    }

    /// <summary>Tables that a wildcard means: views and foreign tables show rows that lie elsewhere, and so does a child of a matching parent.</summary>
    private async Task<List<PgRelation>> TablesAsync(PgName pattern, CancellationToken cancel)
    {
        var found = (await _catalog.MatchAsync(pattern, cancel)).Where(static r => r.Kind is PgRelationKind.Table or PgRelationKind.Partitioned).ToList();
        var parents = await _catalog.ParentsAsync(cancel);
        var oids = found.Select(static r => r.Oid).ToHashSet();
        found.RemoveAll(relation => parents[relation.Oid].Any(oids.Contains));
        return found;
    }

    private async Task<(long? Rows, long? Bytes)> WholeAsync(PgRelation relation, CancellationToken cancel)
    {
        var leaves = (await _catalog.FamilyAsync(relation.Oid, cancel)).Where(static r => r.HasStorage).ToList();
        return (leaves.Sum(static r => r.EstimatedRows ?? 0), leaves.Sum(static r => r.Bytes));
    }

    private static Column ColumnOf(PgAttribute attribute)
    {
        var mapping = PostgresTypes.Map(attribute.Type, attribute.Modifier, attribute.Dimensions, s_parquet, out var refusal);
        return new Column
        {
            Name = attribute.Name,
            SourceName = attribute.Name,
            SourceType = attribute.Spelling,
            Type = mapping?.Type.ToSql() ?? "",
            Nullable = attribute.Nullable,
            Remark = !attribute.MayRead ? "no right to SELECT it" : refusal is null ? mapping?.Remark : $"can't be read: {refusal}",
        };
    }

    private static Fault NothingMatches(StreamJob stream) => new(FaultKind.Refused, $"no table matches {stream.Name}")
    {
        Side = FaultSide.Source,
        Where = stream.Mark.ToString(),
        Advice = "Ask for what there is with `millrace discover`; views, materialised views and foreign tables must be named.",
    };
}
