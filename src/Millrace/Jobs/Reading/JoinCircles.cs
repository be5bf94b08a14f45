using System.Collections.Immutable;
using Millrace.Faults;

namespace Millrace.Jobs.Reading;

/// <summary>Streams that wait for one another's rows: each joins one that joins it, directly or around several. Raw rows wait for nothing.</summary>
internal static class JoinCircles
{
    /// <summary>Notes every circle once, at the join that closes it.</summary>
    public static void Refuse(ImmutableArray<StreamJob> streams, FaultList faults)
    {
        var byName = streams.ToDictionary(stream => stream.Name, StringComparer.Ordinal);
        var done = new HashSet<string>(StringComparer.Ordinal);
        foreach (var stream in streams)
        {
            Walk(stream);
        }

        // On a stack of its own: a job can have ten thousand streams in a row.
        void Walk(StreamJob first)
        {
            var path = new List<(string Name, Queue<JoinStep> Joins)>();
            Enter(first);
            while (path.Count > 0)
            {
                if (!path[^1].Joins.TryDequeue(out var join))
                {
                    done.Add(path[^1].Name);
                    path.RemoveAt(path.Count - 1);
                    continue;
                }

                var name = join.With.Stream!;
                var from = path.FindIndex(one => one.Name == name);
                if (from >= 0)
                {
                    Note(join, [.. path.Skip(from).Select(one => one.Name), name]);
                }
                else
                {
                    Enter(byName[name]);
                }
            }

            void Enter(StreamJob stream)
            {
                if (!done.Contains(stream.Name)) path.Add((stream.Name, new Queue<JoinStep>(stream.Transform.OfType<JoinStep>().Where(join => IsWaiting(join, stream)))));
            }
        }

        void Note(JoinStep join, string[] circle) => faults.Add(
            join.Mark with { Key = $"{join.Mark.Key}.with" },
            $"found a circle of streams: {Words.Printable(string.Join(" joins ", circle), 400)}",
            "Let one of them join the other's rows before its own steps: raw: true");
    }

    /// <summary>A stream that joins itself has its own message.</summary>
    private static bool IsWaiting(JoinStep join, StreamJob stream) => join.With is { Stream: { } name, Raw: false } && name != stream.Name;
}
