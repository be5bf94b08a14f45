using Millrace.Faults;

using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlParser = YamlDotNet.Core.Parser;

namespace Millrace.Jobs.Reading;

/// <summary>
/// Reads YAML text into <see cref="JobNode"/>s that know their lines. It takes the plain part of YAML only: maps, lists and
/// scalars. Anchors, aliases, tags, merge keys and more than one document are refused, so a small file can't grow in memory.
/// </summary>
internal sealed class YamlReader
{
    private const int MessageCharsMax = 300;

    private readonly YamlParser parser;
    private readonly Func<int, Origin> originOf;
    private readonly FaultList faults;
    private int nodes;

    private YamlReader(string text, Func<int, Origin> originOf, FaultList faults)
    {
        parser = new YamlParser(new StringReader(text));
        this.originOf = originOf;
        this.faults = faults;
    }

    /// <summary>Reads one document. Null when the text is no YAML at all (the fault says where), or holds nothing.</summary>
    /// <param name="text">The YAML text.</param>
    /// <param name="originOf">Makes an origin of a line number.</param>
    /// <param name="faults">Takes every mistake.</param>
    public static JobNode? Read(string text, Func<int, Origin> originOf, FaultList faults)
    {
        var reader = new YamlReader(text, originOf, faults);
        try
        {
            return reader.Document();
        }
        catch (YamlException broken)
        {
            reader.Note(text, broken);
        }
        catch (Exception broken) when (broken is InvalidOperationException or ArgumentException or FormatException or OverflowException)
        {
            // The scanner's own checks, on input that it did not foresee.
            faults.Add(reader.MarkOf(reader.parser.Current?.Start ?? new YamlDotNet.Core.Mark(0, 1, 1)), $"found text that is no valid YAML: {Words.Printable(broken.Message, MessageCharsMax)}");
        }

        return null;
    }

    /// <summary>Notes broken YAML. A tab in the indentation breaks the YAML around it, often a line earlier: then the tab is named.</summary>
    private void Note(string text, YamlException broken)
    {
        var lines = text.Split('\n');
        for (var line = broken.Start.Line; line <= Math.Min(broken.End.Line + 1, lines.Length); line++)
        {
            if (line > 0 && lines[line - 1].TrimStart(' ').StartsWith('\t'))
            {
                faults.Add(MarkOf(new YamlDotNet.Core.Mark(0, line, 1)), "found a tab in the indentation, which is no valid YAML", "Indent with spaces.");
                return;
            }
        }

        var advice = broken.Message.Contains("alias", StringComparison.OrdinalIgnoreCase)
            ? "Write a star in quotes: \"*\"."
            : "Check the indentation and the quotes of this line and the one before it.";
        faults.Add(MarkOf(broken.Start), $"found text that is no valid YAML: {Words.Printable(broken.Message, MessageCharsMax).TrimEnd('.')}", advice);
    }

    private Jobs.Mark MarkOf(YamlDotNet.Core.Mark at) => originOf((int)at.Line).At("(yaml)");

    private JobNode? Document()
    {
        parser.MoveNext();
        if (!parser.MoveNext() || parser.Current is not DocumentStart)
        {
            return null;
        }

        parser.MoveNext();
        var root = Node("(root)", depth: 0);
        if (parser.MoveNext() && parser.Current is DocumentStart second)
        {
            faults.Add(MarkOf(second.Start), "found a second document, expected one", "Keep one job in a file.");
        }

        return root;
    }

    /// <summary>Reads the node that the parser stands on and moves behind it. Null when reading can't go on.</summary>
    private JobNode? Node(string path, int depth)
    {
        var at = parser.Current ?? throw new YamlException("the text ends too early");
        var origin = originOf((int)at.Start.Line);
        if (++nodes > Limits.JobFileNodesMax || depth > Limits.JobFileDepthMax)
        {
            throw new YamlException(at.Start, at.End, depth > Limits.JobFileDepthMax
                ? $"it is nested deeper than {Limits.JobFileDepthMax} levels"
                : $"it has more than {Limits.JobFileNodesMax} values");
        }

        RefuseSpecials(at, origin, path);
        switch (at)
        {
            case Scalar scalar:
                parser.MoveNext();
                return new ScalarNode(scalar.Value, scalar.Style == ScalarStyle.Plain, origin);
            case SequenceStart:
                return List(path, depth, origin);
            case MappingStart:
                return Map(path, depth, origin);
            default:
                parser.MoveNext();
                return new ScalarNode("", plain: true, origin);
        }
    }

    private void RefuseSpecials(ParsingEvent at, Origin origin, string path)
    {
        if (at is AnchorAlias alias)
        {
            faults.Add(origin.At(path), $"found the alias *{alias.Value}, expected a value", "Write the value out; a star alone goes in quotes: \"*\".");
        }
        else if (at is NodeEvent { Anchor.IsEmpty: false } anchored)
        {
            faults.Add(origin.At(path), $"found the anchor &{anchored.Anchor}, expected a value", "Write the value out: job files have no anchors.");
        }

        if (at is NodeEvent { Tag.IsEmpty: false } tagged)
        {
            faults.Add(origin.At(path), $"found the tag {Words.Quote(tagged.Tag.Value)}, expected a value", "Leave the tag out: job files have none.");
        }
    }

    private ListNode List(string path, int depth, Origin origin)
    {
        var list = new ListNode(origin);
        parser.MoveNext();
        while (parser.Current is not SequenceEnd)
        {
            if (Node($"{path}[{list.Items.Count}]", depth + 1) is { } item)
            {
                list.Items.Add(item);
            }
        }

        parser.MoveNext();
        return list;
    }

    private MapNode Map(string path, int depth, Origin origin)
    {
        var map = new MapNode(origin);
        parser.MoveNext();
        while (parser.Current is not MappingEnd)
        {
            var key = Node(path, depth + 1);
            var keyText = (key as ScalarNode)?.Text;
            var below = depth == 0 ? keyText ?? path : $"{path}.{keyText}";
            var value = Node(below, depth + 1);
            if (key is null || value is null)
            {
                continue;
            }

            if (keyText is null)
            {
                faults.Add(key.Origin.At(path), $"found {key.Shape} as a key, expected a name", "A value that starts with [ or { goes in quotes.");
            }
            else if (map.Find(keyText) is { } first)
            {
                faults.Add(key.Origin.At(below), $"found the key {Words.Quote(keyText)} a second time; the first is in line {first.Origin.Line}", "Keep one of them.");
            }
            else
            {
                map.Set(new MapEntry(keyText, key.Origin, value));
            }
        }

        parser.MoveNext();
        return map;
    }
}
