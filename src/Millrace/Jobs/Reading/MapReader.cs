using System.Collections.Immutable;
using System.Globalization;
using Millrace.Faults;

namespace Millrace.Jobs.Reading;

/// <summary>
/// Reads the keys of one map and notes every mistake: unknown keys at construction, wrong values when they are asked for.
/// A getter returns null for a key that is not there, that is null, or that is wrong (then a fault was noted).
/// </summary>
internal sealed class MapReader
{
    private readonly MapNode map;
    private readonly KeyTable? keys;
    private readonly string? expected;
    private readonly string path;
    private readonly FaultList faults;

    /// <summary>A reader for a map that may have the keys of a table.</summary>
    /// <param name="map">The map.</param>
    /// <param name="keys">The keys that it can have.</param>
    /// <param name="path">The map's own path; empty at the top of the file.</param>
    /// <param name="faults">Takes every mistake.</param>
    public MapReader(MapNode map, KeyTable keys, string path, FaultList faults)
    {
        this.map = map;
        this.keys = keys;
        this.path = path;
        this.faults = faults;
        foreach (var entry in map.Entries)
        {
            Check(entry);
        }
    }

    /// <summary>A reader for a map whose keys are the user's own.</summary>
    /// <param name="map">The map.</param>
    /// <param name="expected">What stands behind each key, in the words of an error message.</param>
    /// <param name="path">The map's own path.</param>
    /// <param name="faults">Takes every mistake.</param>
    public MapReader(MapNode map, string expected, string path, FaultList faults)
    {
        this.map = map;
        this.expected = expected;
        this.path = path;
        this.faults = faults;
    }

    /// <summary>The keys in their order, those with null among them.</summary>
    public IEnumerable<string> Names => map.Entries.Select(entry => entry.Key);

    /// <summary>The dotted path of a key in this map.</summary>
    public string PathOf(string key) => path.Length == 0 ? key : $"{path}.{key}";

    /// <summary>The mark of a key's value; of the map when the key is not there.</summary>
    public Mark MarkOf(string key) => (map.Find(key)?.Origin ?? map.Origin).At(PathOf(key));

    /// <summary>True when the key is written and not null.</summary>
    public bool Has(string key) => map.Find(key) is { Value: not ScalarNode { IsNull: true } };

    /// <summary>Notes a mistake at a key.</summary>
    public void Fault(string key, string message, string? advice = null) => faults.Add(MarkOf(key), message, advice);

    /// <summary>The node behind a key; null when it is not there or null.</summary>
    public JobNode? Node(string key) => Has(key) ? map.Find(key)!.Value : null;

    /// <summary>A text; any scalar is one. Not empty unless <paramref name="mayBeEmpty"/>.</summary>
    public string? Text(string key, bool mayBeEmpty = false)
    {
        switch (Node(key))
        {
            case null:
                return null;
            case ScalarNode { IsEmpty: false } scalar when scalar.Text.Contains('\0', StringComparison.Ordinal):
                Wrong(key, "text with a zero character");
                return null;
            case ScalarNode { IsEmpty: false } scalar when mayBeEmpty || scalar.Text.Length > 0:
                return scalar.Text;
            case var other:
                Wrong(key, other.Shape);
                return null;
        }
    }

    /// <summary>Notes a key that must be there and is not, or is null. True when it is there.</summary>
    public bool Needs(string key)
    {
        if (Has(key)) return true;
        Wrong(key, "nothing");
        return false;
    }

    /// <summary>A text that must be there.</summary>
    public string? NeededText(string key) => Needs(key) ? Text(key) : null;

    /// <summary>One of a few words.</summary>
    public T? Choice<T>(string key, Choices<T> choices)
        where T : struct =>
        Word(key, choices) is { } word && choices.TryFind(word, out var value) ? value : null;

    /// <summary>One of a few words, as text.</summary>
    public string? Choice(string key, Choices<string> choices) => Word(key, choices);

    /// <summary><c>true</c> or <c>false</c>.</summary>
    public bool? Truth(string key)
    {
        switch (Node(key))
        {
            case null:
                return null;
            case ScalarNode { Text: "true" or "True" or "TRUE" }:
                return true;
            case ScalarNode { Text: "false" or "False" or "FALSE" }:
                return false;
            case var other:
                Wrong(key, other.Shape);
                return null;
        }
    }

    /// <summary>A whole number within bounds, both included.</summary>
    public long? Number(string key, long min, long max)
    {
        switch (Node(key))
        {
            case null:
                return null;
            case ScalarNode scalar when long.TryParse(scalar.Text.Replace("_", "", StringComparison.Ordinal), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value):
                if (value >= min && value <= max)
                {
                    return value;
                }

                Fault(key, $"found {value}, expected {min} to {max}");
                return null;
            case var other:
                Fault(key, $"found {other.Shape}, expected a whole number from {min} to {max}");
                return null;
        }
    }

    /// <summary>A size within bounds, both included, in bytes.</summary>
    public long? Size(string key, long min, long max)
    {
        switch (Node(key))
        {
            case null:
                return null;
            case ScalarNode scalar when ByteSize.TryParse(scalar.Text, out var bytes):
                if (bytes >= min && bytes <= max)
                {
                    return bytes;
                }

                var bounds = max == long.MaxValue ? $"at least {ByteSize.Format(min)}" : $"{ByteSize.Format(min)} to {ByteSize.Format(max)}";
                Fault(key, $"found {Words.Quote(scalar.Text)} ({ByteSize.Format(bytes)}), expected {bounds}");
                return null;
            case var other:
                Wrong(key, other.Shape);
                return null;
        }
    }

    /// <summary>A time of at most <paramref name="max"/> seconds, in seconds.</summary>
    public int? Duration(string key, int max)
    {
        switch (Node(key))
        {
            case null:
                return null;
            case ScalarNode scalar when Jobs.Duration.TryParse(scalar.Text, out var seconds):
                if (seconds <= max) return seconds;
                Fault(key, $"found {Words.Quote(scalar.Text)}, expected at most {max} s");
                return null;
            case var other:
                Wrong(key, other.Shape);
                return null;
        }
    }

    /// <summary>A number of rows, or a share of them.</summary>
    public RejectLimit? Rejects(string key)
    {
        switch (Node(key))
        {
            case null:
                return null;
            case ScalarNode scalar when RejectLimit.TryParse(scalar.Text, out var limit):
                return limit;
            case var other:
                Wrong(key, other.Shape);
                return null;
        }
    }

    /// <summary>A list of texts, or one text alone. Empty when the key is not there. Each text once; not empty unless <paramref name="mayBeEmpty"/>.</summary>
    public ImmutableArray<string> Texts(string key, bool mayBeEmpty = false)
    {
        switch (Node(key))
        {
            case null:
                return [];
            case ScalarNode { IsEmpty: false } one when mayBeEmpty || one.Text.Length > 0:
                return [one.Text];
            case ListNode list:
                return Items(key, list, mayBeEmpty);
            case var other:
                Wrong(key, other.Shape);
                return [];
        }
    }

    /// <summary>A map of names to texts; <paramref name="each"/> sees every entry with its mark.</summary>
    public ImmutableSortedDictionary<string, string> TextMap(string key, Action<string, string, Mark> each)
    {
        if (Node(key) is not { } node)
        {
            return ImmutableSortedDictionary<string, string>.Empty;
        }

        if (node is not MapNode texts)
        {
            Wrong(key, node.Shape);
            return ImmutableSortedDictionary<string, string>.Empty;
        }

        if (texts.Entries.Count > Limits.ColumnsMax)
        {
            Fault(key, $"found {texts.Entries.Count} columns, expected at most {Limits.ColumnsMax}");
        }

        var read = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var entry in texts.Entries.Take(Limits.ColumnsMax))
        {
            var mark = entry.Origin.At(PathOf($"{key}.{entry.Key}"));
            if (entry.Value is ScalarNode { IsNull: false, Text.Length: > 0 } text)
            {
                read[entry.Key] = text.Text;
                each(entry.Key, text.Text, mark);
            }
            else
            {
                faults.Add(mark, $"found {entry.Value.Shape}, expected text");
            }
        }

        return read.ToImmutable();
    }

    /// <summary>A reader for the map behind a key; an empty one when the key is not there or wrong.</summary>
    public MapReader Map(string key, KeyTable below)
    {
        var node = Node(key);
        if (node is not null and not MapNode)
        {
            Fault(key, $"found {node.Shape}, expected a map", $"Its keys are {Words.OneOf([.. below.Keys.Where(one => one.Built).Select(one => one.Name)])}.");
        }

        return new MapReader(node as MapNode ?? new MapNode(map.Find(key)?.Origin ?? map.Origin), below, PathOf(key), faults);
    }

    /// <summary>A reader for the map behind a key, whose keys are the user's own; null when it is not there or wrong.</summary>
    /// <param name="key">The key.</param>
    /// <param name="each">What stands behind each of its keys, in the words of an error message.</param>
    public MapReader? OpenMap(string key, string each)
    {
        if (Node(key) is not { } node) return null;
        if (node is MapNode { Entries: { Count: > 0 } entries } below)
        {
            if (entries.Count <= Limits.ColumnsMax) return new MapReader(below, each, PathOf(key), faults);
            Fault(key, $"found {entries.Count} keys, expected at most {Limits.ColumnsMax}");
            return null;
        }

        Wrong(key, node is MapNode ? "an empty map" : node.Shape);
        return null;
    }

    private void Check(MapEntry entry)
    {
        var mark = entry.Origin.At(PathOf(entry.Key));
        if (keys!.Find(entry.Key) is { } known)
        {
            if (!known.Built)
            {
                faults.AddNotBuilt(mark, $"'{known.Name}'");
            }

            return;
        }

        var names = keys.Keys.Select(key => key.Name).ToArray();
        var nearest = Words.Nearest(entry.Key, names);
        faults.Add(
            mark,
            $"found the unknown key {Words.Quote(entry.Key)}, expected {Words.OneOf([.. keys.Keys.Where(one => one.Built).Select(one => one.Name)])}",
            nearest is null ? "Take it out, or look for its spelling in the reference." : $"Did you mean '{nearest}'?");
    }

    private string? Word<T>(string key, Choices<T> choices)
    {
        switch (map.Find(key)?.Value)
        {
            case ScalarNode scalar when choices.TryFind(scalar.Text, out _):
                return scalar.Text;
            case null or ScalarNode { IsNull: true }:
                return null;
            case ScalarNode scalar when choices.NotBuilt.Contains(scalar.Text):
                faults.AddNotBuilt(MarkOf(key), $"{key}: {scalar.Text}", $"This version has {Words.OneOf(choices.Known)}.");
                return null;
            case var other:
                var nearest = other is ScalarNode word ? Words.Nearest(word.Text, choices.Known) : null;
                Fault(key, $"found {other.Shape}, expected {Words.OneOf(choices.Known)}", nearest is null ? null : $"Did you mean '{nearest}'?");
                return null;
        }
    }

    private ImmutableArray<string> Items(string key, ListNode list, bool mayBeEmpty)
    {
        if (list.Items.Count > Limits.ColumnsMax)
        {
            Fault(key, $"found {list.Items.Count} items, expected at most {Limits.ColumnsMax}");
            return [];
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        var items = ImmutableArray.CreateBuilder<string>(list.Items.Count);
        for (var i = 0; i < list.Items.Count; i++)
        {
            var mark = list.Items[i].Origin.At($"{PathOf(key)}[{i}]");
            if (list.Items[i] is not ScalarNode { IsNull: false, IsEmpty: false } item || (item.Text.Length == 0 && !mayBeEmpty))
            {
                faults.Add(mark, $"found {list.Items[i].Shape}, expected text", "Put a word that YAML reads as something else in quotes.");
            }
            else if (!seen.Add(item.Text))
            {
                faults.Add(mark, $"found {item.Shape} a second time", "Keep one of them.");
            }
            else
            {
                items.Add(item.Text);
            }
        }

        return items.ToImmutable();
    }

    private void Wrong(string key, string found) => Fault(key, $"found {found}, expected {keys?.Find(key)?.Expected ?? expected ?? "something else"}");
}
