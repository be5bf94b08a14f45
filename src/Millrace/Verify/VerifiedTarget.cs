using System.Collections.Immutable;
using System.Diagnostics;
using Millrace.DuckDb;
using Millrace.Extract;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Load;
using Millrace.Planning;
using Millrace.Runs;
using Millrace.Worker;

namespace Millrace.Verify;

/// <summary>
/// What a run has published of a stream, as it is there now: either what each unit has brought, or a table that no longer knows its units and is
/// read in parts of its own, as a source of its kind reads it.
/// </summary>
internal sealed class VerifiedTarget : IAsyncDisposable
{
    private readonly string _place;

    private VerifiedTarget(string place, IPublishedReader? published, PublishedTableReading? table)
    {
        _place = place;
        ByUnit = published;
        Table = table;
    }

    /// <summary>By unit; null: the table is read in parts of its own.</summary>
    public IPublishedReader? ByUnit { get; }

    /// <summary>In parts of its own; null: by unit.</summary>
    public PublishedTableReading? Table { get; }

    /// <summary>Where it lies, for people.</summary>
    public string Place => ByUnit?.Place ?? _place;

    /// <summary>The stream's columns whose values come back as they were written, in their order; none: nothing can be compared.</summary>
    public ImmutableArray<string> Columns => ByUnit?.Columns ?? Table!.Columns;

    /// <summary>Opens what is there, and makes sure that it is still the run's.</summary>
    /// <exception cref="Fault">It is gone, a later run has replaced it, or a target of this kind and mode can't be compared.</exception>
    public static async Task<VerifiedTarget> OpenAsync(
        Job job, RunOptions options, JobEnds ends, WorkerSettings settings, StreamHeader header, WriteMode mode, Budget budget, CancellationToken cancel)
    {
        if (await ends.Target.ReadAgainAsync(header, mode, cancel).ConfigureAwait(false) is { } again)
            return new VerifiedTarget(again.Stream.Name, published: null, await PublishedTableReading.OpenAsync(job, options, ends, settings, header, again, budget, cancel).ConfigureAwait(false));
        var published = options.Connectors.OpenPublished(settings, header, mode, options.Clock);
        await published.CheckAsync(cancel).ConfigureAwait(false);
        return new VerifiedTarget(published.Place, published, table: null);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ByUnit?.DisposeAsync() ?? Table!.DisposeAsync();
}

/// <summary>A table of the target, read at one moment by the source connector of its kind.</summary>
internal sealed class PublishedTableReading : IAsyncDisposable
{
    private readonly string _list;

    private PublishedTableReading(ReadSide side, StreamPlan plan, ImmutableArray<(Column Written, Column Found)> columns)
    {
        Side = side;
        Plan = plan;
        Columns = [.. columns.Select(static pair => pair.Written.Name)];
        _list = string.Join(", ", columns.Select(static pair => $"{AsWritten(pair.Written, pair.Found)} AS {SqlText.Name(pair.Written.Name)}"));
    }

    /// <summary>Source, reader, header.</summary>
    public ReadSide Side { get; }

    /// <summary>How it is cut now.</summary>
    public StreamPlan Plan { get; }

    /// <summary>The columns that are compared.</summary>
    public ImmutableArray<string> Columns { get; }

    /// <summary>Opens the table and holds a moment of it.</summary>
    public static async Task<PublishedTableReading> OpenAsync(
        Job job, RunOptions options, JobEnds ends, WorkerSettings settings, StreamHeader header, PublishedStream again, Budget budget, CancellationToken cancel)
    {
        var source = options.Connectors.SourceFor(ends.TargetAddress, job.Target.Mark).Open(new SourceContext
        {
            Address = ends.TargetAddress, Mark = job.Target.Mark, BaseDirectory = job.BaseDirectory, Connections = 1, Clock = options.Clock,
        });
        IUnitReader? reader = null;
        try
        {
            await source.HoldAsync([again.Stream], cancel).ConfigureAwait(false);
            var plan = await source.PlanAsync(again.Stream, ends.RequestOf(budget), cancel).ConfigureAwait(false);
            var columns = ImmutableArray.CreateBuilder<(Column, Column)>(header.Columns.Length);
            foreach (var written in header.Columns)
            {
                var found = plan.Columns.FirstOrDefault(column => column.SourceName == written.Name) ?? throw Gone(again, written);
                if (again.ComesBack(written, found)) columns.Add((written, found));
            }

            reader = options.Connectors.OpenReader(settings with { Source = ends.TargetAddress, Connections = settings.TargetConnections }, options.Clock);
            var now = new StreamHeader
            {
                Run = header.Run, Stream = again.Stream.Name, To = header.To, Generation = header.Generation, Moment = plan.Moment, OneUnit = plan.EstimatedUnits <= 1,
                Proof = Proof.Counts, Columns = plan.Columns, ReaderJson = plan.ReaderJson, WriterJson = "",
            };
            return new PublishedTableReading(new ReadSide(source, reader, now), plan, columns.ToImmutable());
        }
        catch
        {
            if (reader is not null) await reader.DisposeAsync().ConfigureAwait(false);
            await source.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>A SELECT over a part's rows: the compared columns, with the types that they had when they were written.</summary>
    public string Over(string select) => $"SELECT {_list} FROM ({select})";

    /// <summary>The table's parts.</summary>
    public async IAsyncEnumerable<Unit> PartsAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        long number = 0;
        await foreach (var unit in Plan.Units(cancel).WithCancellation(cancel).ConfigureAwait(false))
            yield return new Unit { Number = number++, Slice = unit.Slice, Label = unit.Label, EstimatedRows = unit.EstimatedRows };
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Side.Reader.DisposeAsync().ConfigureAwait(false);
        await Side.Source.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>
    /// A found value in the type that it had when it was written, where the hash looks at the type: nothing is rounded on the way, and a value
    /// that does not fit becomes NULL, which differs from every value that was written.
    /// </summary>
    private static string AsWritten(Column written, Column found)
    {
        var name = SqlText.Name(found.Name);
        return KindOf(written) == KindOf(found) ? name : $"TRY_CAST({name} AS {written.Type})";

        static DuckDbKind? KindOf(Column column) => DuckDbType.Parse(column.Type).Kind switch
        {
            DuckDbKind.TinyInt or DuckDbKind.UTinyInt or DuckDbKind.SmallInt or DuckDbKind.USmallInt or DuckDbKind.Integer or DuckDbKind.UInteger => DuckDbKind.BigInt,
            DuckDbKind.Float => DuckDbKind.Double,
            DuckDbKind.TimestampS or DuckDbKind.TimestampMs => DuckDbKind.Timestamp,
            DuckDbKind.Enum => DuckDbKind.Varchar,
            var other => other,
        };
    }

    private static Fault Gone(PublishedStream again, Column column) => new(FaultKind.Data, $"{again.Stream.Name} has no column {Words.Quote(column.Name)} any more")
    {
        Side = FaultSide.Target, Where = again.Stream.Name, Advice = "Run the job again to write it anew.",
    };
}
