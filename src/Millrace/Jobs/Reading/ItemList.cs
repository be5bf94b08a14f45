using Millrace.Faults;

namespace Millrace.Jobs.Reading;

/// <summary>Reads a list of maps that have one key each, such as steps and rules, and maybe an option beside it.</summary>
internal static class ItemList
{
    /// <summary>Every item that has exactly one key, with a reader for it; mistakes of the others are noted.</summary>
    /// <param name="reader">The map that has the list.</param>
    /// <param name="key">The list's key.</param>
    /// <param name="one">What an item is, for messages: <c>step</c>, <c>rule</c>.</param>
    /// <param name="keys">The keys that an item can have.</param>
    /// <param name="option">The key that may stand beside it; null: none.</param>
    /// <param name="max">How many items there may be.</param>
    /// <param name="faults">Takes every mistake.</param>
    public static IEnumerable<(string Key, MapReader Item)> Read(MapReader reader, string key, string one, KeyTable keys, string? option, int max, FaultList faults)
    {
        string[] words = [.. keys.Keys.Select(known => known.Name).Where(name => name != option)];
        if (reader.Node(key) is not { } node) yield break;
        if (node is not ListNode list)
        {
            reader.Fault(key, $"found {node.Shape}, expected a list of {one}s", $"Each {one} begins with a hyphen and has one key: {Words.OneOf(words)}.");
            yield break;
        }

        if (list.Items.Count > max)
        {
            reader.Fault(key, $"found {list.Items.Count} {one}s, expected at most {max}");
            yield break;
        }

        for (var i = 0; i < list.Items.Count; i++)
        {
            var path = $"{reader.PathOf(key)}[{i}]";
            if (list.Items[i] is not MapNode map)
            {
                faults.Add(list.Items[i].Origin.At(path), $"found {list.Items[i].Shape}, expected a map with one key: {Words.OneOf(words)}");
                continue;
            }

            var item = new MapReader(map, keys, path, faults);
            var found = map.Entries.Select(entry => entry.Key).Where(words.Contains).ToArray();
            if (found.Length == 1)
            {
                yield return (found[0], item);
            }
            else if (found.Length > 1)
            {
                faults.Add(map.Find(found[1])!.Origin.At($"{path}.{found[1]}"), $"found {found[1]} beside {found[0]} in one {one}", $"Write a {one} of its own: '- {found[1]}: ...'.");
            }
            else if (map.Entries.All(entry => entry.Key == option))
            {
                faults.Add(map.Origin.At(path), $"found a {one} without its key, expected {Words.OneOf(words)}");
            }
        }
    }
}
