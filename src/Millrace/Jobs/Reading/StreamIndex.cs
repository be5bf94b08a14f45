using Millrace.Faults;

namespace Millrace.Jobs.Reading;

/// <summary>The streams of a job by name, before any of them is read: a join may name one that comes later in the file.</summary>
internal sealed class StreamIndex
{
    private const int NamesShownMax = 5;

    private readonly Dictionary<string, string> byTarget = new(StringComparer.Ordinal);
    private readonly HashSet<string> names = new(StringComparer.Ordinal);
    private readonly IReadOnlyList<string> leftOut;

    /// <summary>The streams below <c>streams</c>.</summary>
    /// <param name="streams">The map of the streams.</param>
    /// <param name="isWholeSource">See <see cref="StreamJob.IsWholeSource"/>.</param>
    /// <param name="isFileSource">True: wildcards in a stream's name are a glob of files, which is one stream.</param>
    /// <param name="leftOut">Streams of the file that <c>--stream</c> leaves out.</param>
    public StreamIndex(MapNode streams, bool isWholeSource, bool isFileSource, IReadOnlyList<string> leftOut)
    {
        this.leftOut = leftOut;
        IsFileSource = isFileSource;
        foreach (var entry in streams.Entries)
        {
            names.Add(entry.Key);
            var to = (entry.Value as MapNode)?.Find("to")?.Value is ScalarNode { IsNull: false, Text.Length: > 0 } scalar ? scalar.Text : null;
            byTarget.TryAdd(new StreamJob { Name = entry.Key, Mark = entry.Origin.At(entry.Key), To = to, IsWholeSource = isWholeSource }.TargetName, entry.Key);
        }
    }

    /// <summary>True when the job's source is files.</summary>
    public bool IsFileSource { get; }

    /// <summary>The stream that is written so, or whose name in the target is; null: none.</summary>
    public string? Find(string text) => names.Contains(text) ? text : byTarget.GetValueOrDefault(text);

    /// <summary>True when the name stands for tables that only the source knows.</summary>
    public bool IsPattern(string name) => !IsFileSource && name.AsSpan().IndexOfAny("*?") >= 0 && !StreamNames.HasDataEnding(name);

    /// <summary>What to do about a name that is no stream, but for the one that looks for it.</summary>
    public string? Advice(string text, string self)
    {
        if (leftOut.Any(name => name == text || StreamNames.LastPart(name) == text)) return "It is left out by --stream: name it there, too.";
        return Words.Nearest(text, names.Concat(byTarget.Keys).Where(name => Find(name) != self)) is { } nearest ? $"Did you mean '{nearest}'?" : null;
    }

    /// <summary>The other streams, for messages; empty when there are none.</summary>
    public string Others(string self)
    {
        var others = names.Where(name => name != self).Order(StringComparer.Ordinal).ToArray();
        string[] more = others.Length > NamesShownMax ? [$"{others.Length - NamesShownMax} more"] : [];
        return others.Length == 0 ? "" : Words.OneOf([.. others.Take(NamesShownMax), .. more]);
    }
}
