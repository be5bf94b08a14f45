using System.Collections.Immutable;
using Millrace.Faults;
using Millrace.Jobs;

namespace Millrace.Transform;

/// <summary>A join's right side as it is read.</summary>
/// <param name="Stream">What is read.</param>
/// <param name="Source">Which of the job's other sources it is of; null: the job's own.</param>
/// <param name="Steps">What becomes of its rows before they are joined.</param>
internal sealed record JoinSideReading(StreamJob Stream, int? Source, ImmutableArray<TransformStep> Steps);

/// <summary>The right sides of a job's joins: its other streams, and sources of their own, each with a number.</summary>
internal sealed class JoinSides
{
    private ImmutableArray<StreamJob> _streams;
    private readonly List<Endpoint> _sources = [];
    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);
    private readonly Dictionary<int, List<StreamJob>> _read = [];

    /// <summary>The sides of all joins of a job.</summary>
    public JoinSides(ImmutableArray<StreamJob> streams)
    {
        _streams = streams;
        foreach (var step in streams.SelectMany(static stream => stream.Transform).OfType<JoinStep>())
        {
            if (step.With.Source is not { } source) continue;
            if (_numbers.TryAdd(source.Text, _sources.Count)) _sources.Add(source);
            var number = _numbers[source.Text];
            if (!_read.TryGetValue(number, out var read)) _read[number] = read = [];
            read.Add(Of(step).Stream);
        }
    }

    /// <summary>Takes other streams: those with wildcards are replaced. The sources stay, with their numbers.</summary>
    public void Take(ImmutableArray<StreamJob> streams) => _streams = streams;

    /// <summary>The other sources, by their numbers; secrets unresolved.</summary>
    public IReadOnlyList<Endpoint> Sources => _sources;

    /// <summary>What is read of one of them.</summary>
    public ImmutableArray<StreamJob> StreamsOf(int source) => [.. _read[source].DistinctBy(static stream => stream.Name)];

    /// <summary>The streams of the job's own source that others join.</summary>
    public IEnumerable<StreamJob> JoinedStreams(StreamJob stream)
    {
        foreach (var step in stream.Transform.OfType<JoinStep>())
        {
            if (step.With.Stream is null) continue;
            var side = Of(step);
            yield return side.Stream;
            foreach (var further in JoinedStreams(side.Stream with { Transform = side.Steps })) yield return further;
        }
    }

    /// <summary>The right side of a join.</summary>
    /// <exception cref="Fault">The job has no such stream.</exception>
    public JoinSideReading Of(JoinStep step)
    {
        var side = step.With;
        if (side.Source is { } source)
        {
            return new JoinSideReading(
                new StreamJob
                {
                    Name = side.SourceStream ?? source.Text,
                    Mark = step.Mark,
                    IsWholeSource = side.SourceStream is null,
                    Columns = JoinColumns.WithKey(step),
                    Where = side.Where,
                    Read = side.Read,
                },
                _numbers[source.Text],
                []);
        }

        var stream = _streams.FirstOrDefault(one => one.Name == side.Stream) ?? throw new Fault(FaultKind.JobFile, $"found {Words.Quote(side.Stream!)}, which is no stream of this job")
        {
            Side = FaultSide.Job, Where = step.Mark.ToString(), Advice = "Name a stream, a path with its ending, or a URL.",
        };
        var steps = side.Raw ? [] : stream.Transform;
        if (!side.Columns.IsEmpty || side.Where is not null)
            steps = steps.Add(new MapStep($"SELECT {JoinColumns.Selected(step)} FROM {StageHeader.Input}{(side.Where is null ? "" : $" WHERE {side.Where}\n")}") { Mark = step.Mark });
        return new JoinSideReading(stream with { Mode = WriteMode.Overwrite }, Source: null, steps);
    }
}
