using Millrace.Faults;

namespace Millrace.Jobs.Reading;

/// <summary>Where a piece of the user's input comes from: a line of a file, or an option of the command line.</summary>
/// <param name="File">The file as the user named it; null on the command line.</param>
/// <param name="Line">The line, from 1; 0 on the command line.</param>
/// <param name="Option">The option with its dashes (<c>--mode</c>); null in a file.</param>
internal readonly record struct Origin(string? File, int Line, string? Option)
{
    /// <summary>The mark for errors about <paramref name="path"/>: options of the short form speak for themselves, <c>--set</c> names its key.</summary>
    public Mark At(string path) => Option switch
    {
        null => new Mark(path, File, Line),
        "--set" => new Mark($"--set {path}"),
        _ => new Mark(Option),
    };
}

/// <summary>A node of the job as it was written, before anything is understood.</summary>
internal abstract class JobNode(Origin origin)
{
    /// <summary>Where the node starts.</summary>
    public Origin Origin { get; } = origin;

    /// <summary>What the node is, in the words of an error message.</summary>
    public abstract string Shape { get; }
}

/// <summary>A text, number, boolean or null.</summary>
/// <param name="text">The text without its quotes.</param>
/// <param name="plain">True when it was written without quotes: only then can it be null.</param>
/// <param name="origin">Where it stands.</param>
internal sealed class ScalarNode(string text, bool plain, Origin origin) : JobNode(origin)
{
    /// <summary>The text without its quotes.</summary>
    public string Text { get; } = text;

    /// <summary>True when it was written without quotes.</summary>
    public bool IsPlain => plain;

    /// <summary>An explicit null: as if the key had not been written.</summary>
    public bool IsNull => plain && (Text is "null" or "~" or "Null" or "NULL");

    /// <summary>Nothing after the colon.</summary>
    public bool IsEmpty => plain && Text.Length == 0;

    /// <inheritdoc/>
    public override string Shape => IsEmpty ? "nothing" : Words.Quote(Text);
}

/// <summary>A list.</summary>
internal sealed class ListNode(Origin origin) : JobNode(origin)
{
    /// <summary>The items in order.</summary>
    public List<JobNode> Items { get; } = [];

    /// <inheritdoc/>
    public override string Shape => "a list";
}

/// <summary>A map; keys are unique and keep their order.</summary>
internal sealed class MapNode(Origin origin) : JobNode(origin)
{
    private readonly Dictionary<string, int> positions = new(StringComparer.Ordinal);

    /// <summary>The entries in the order in which they were written.</summary>
    public List<MapEntry> Entries { get; } = [];

    /// <inheritdoc/>
    public override string Shape => "a map";

    /// <summary>The entry of a key, or null.</summary>
    public MapEntry? Find(string key) => positions.TryGetValue(key, out var at) ? Entries[at] : null;

    /// <summary>Adds an entry, or replaces the one that has its key.</summary>
    public void Set(MapEntry entry)
    {
        if (positions.TryGetValue(entry.Key, out var at))
        {
            Entries[at] = entry;
            return;
        }

        positions.Add(entry.Key, Entries.Count);
        Entries.Add(entry);
    }
}

/// <summary>A key and its value.</summary>
/// <param name="Key">The key's text.</param>
/// <param name="Origin">Where the key stands.</param>
/// <param name="Value">Its value.</param>
internal sealed record MapEntry(string Key, Origin Origin, JobNode Value);
