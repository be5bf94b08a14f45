using Millrace.Faults;

namespace Millrace.Jobs.Reading;

/// <summary>
/// Writes the command line into a job's tree before anything is checked, so that a value is checked the same way wherever it comes
/// from. Order: the short form's options, then the streams that a file source implies, then every <c>--set</c>.
/// </summary>
internal sealed class OverrideWriter
{
    private const string StreamsPrefix = "streams.";

    private readonly MapNode root;
    private readonly JobOverrides overrides;
    private readonly FaultList faults;

    /// <summary>A writer into a tree.</summary>
    public OverrideWriter(MapNode root, JobOverrides overrides, FaultList faults)
    {
        this.root = root;
        this.overrides = overrides;
        this.faults = faults;
    }

    /// <summary>Writes everything; the tree's <c>streams</c> is a map afterwards, if it could be made one.</summary>
    public void Write()
    {
        Option(root, "source", overrides.From, "--from");
        Option(root, "target", overrides.To, "--to");
        Option(root, "state", overrides.State, "--state");
        if (overrides.Memory is not null || overrides.Workers is not null)
        {
            var limits = Below(root, "limits", Command("--memory"), "limits");
            Option(limits, "memory", overrides.Memory, "--memory");
            Option(limits, "workers", overrides.Workers, "--workers");
        }

        foreach (var set in overrides.Sets.Where(set => !set.StartsWith(StreamsPrefix, StringComparison.Ordinal)))
        {
            SetTop(set);
        }

        NormaliseStreams();
        AddImpliedStream();
        PickStreams();
        OptionOfStreams("mode", overrides.Mode, "--mode");
        OptionOfStreams("consistency", overrides.Consistency, "--consistency");
        OptionOfStreams("schema", overrides.Schema, "--schema");
        foreach (var set in overrides.Sets.Where(set => set.StartsWith(StreamsPrefix, StringComparison.Ordinal)))
        {
            SetStream(set);
        }
    }

    /// <summary>True when the source is files: then it needs no <c>streams</c>. What a <c>${...}</c> at its start stands for is not known yet.</summary>
    public static bool IsFileSource(MapNode root) =>
        root.Find("source")?.Value is ScalarNode { IsNull: false, Text.Length: > 0 } source
        && EndpointScheme.Of(source.Text) is null
        && (!source.Text.StartsWith("${", StringComparison.Ordinal) || StreamNames.HasDataEnding(source.Text));

    private static Origin Command(string option) => new(null, 0, option);

    private static void Option(MapNode? map, string key, string? value, string option)
    {
        if (value is not null)
        {
            map?.Set(new MapEntry(key, Command(option), new ScalarNode(value, plain: false, Command(option))));
        }
    }

    /// <summary>True when the streams were not written, but follow from a source that is files.</summary>
    public bool HasImpliedStream { get; private set; }

    /// <summary>The file's streams that <c>--stream</c> does not name.</summary>
    public IReadOnlyList<string> LeftOut { get; private set; } = [];

    private MapNode? Streams => root.Find("streams")?.Value as MapNode;

    /// <summary>A list of stream names, or one name alone, becomes a map without options.</summary>
    private void NormaliseStreams()
    {
        var entry = root.Find("streams");
        IReadOnlyList<JobNode> names = entry?.Value switch
        {
            ListNode list => list.Items,
            ScalarNode { IsNull: false, Text.Length: > 0 } one => [one],
            _ => [],
        };
        if (names.Count == 0)
        {
            return;
        }

        var map = new MapNode(entry!.Value.Origin);
        foreach (var item in names)
        {
            if (item is not ScalarNode { IsNull: false, Text.Length: > 0 } name)
            {
                faults.Add(item.Origin.At("streams"), $"found {item.Shape} in the list of streams, expected a name", "Streams with options are written as a map: 'name: {mode: append}'.");
            }
            else if (map.Find(name.Text) is { } first)
            {
                faults.Add(item.Origin.At("streams"), $"found the stream {Words.Quote(name.Text)} a second time; the first is in line {first.Origin.Line}", "Keep one of them.");
            }
            else
            {
                map.Set(new MapEntry(name.Text, item.Origin, new ScalarNode("null", plain: true, item.Origin)));
            }
        }

        root.Set(entry with { Value = map });
    }

    private void AddImpliedStream()
    {
        if (root.Find("streams") is { Value: not ScalarNode { IsNull: true } } || overrides.Streams.Length > 0 || !IsFileSource(root))
        {
            return;
        }

        HasImpliedStream = true;
        var source = root.Find("source")!;
        var name = StreamNames.FromPath(((ScalarNode)source.Value).Text);
        var map = new MapNode(source.Origin);
        map.Set(new MapEntry(name, source.Origin, new MapNode(source.Origin)));
        root.Set(new MapEntry("streams", source.Origin, map));
    }

    private void PickStreams()
    {
        if (overrides.Streams.Length == 0)
        {
            return;
        }

        var there = Streams;
        var picked = new MapNode(Command("--stream"));
        foreach (var name in overrides.Streams)
        {
            if (there is null)
            {
                picked.Set(new MapEntry(name, Command("--stream"), new MapNode(Command("--stream"))));
            }
            else if (there.Find(name) is { } entry)
            {
                picked.Set(entry);
            }
            else
            {
                UnknownStream(Command("--stream"), "--stream", name, there);
            }
        }

        // With nothing picked the messages above say all; the file's own streams are checked all the same.
        if (picked.Entries.Count > 0)
        {
            LeftOut = [.. (there?.Entries ?? []).Select(entry => entry.Key).Where(name => picked.Find(name) is null)];
            root.Set(new MapEntry("streams", there?.Origin ?? Command("--stream"), picked));
        }
    }

    private void OptionOfStreams(string key, string? value, string option)
    {
        if (value is null || Streams is not { } streams)
        {
            return;
        }

        foreach (var name in streams.Entries.Select(entry => entry.Key).ToArray())
        {
            Option(Below(streams, name, Command(option), $"streams.{name}"), key, value, option);
        }
    }

    private void SetTop(string set)
    {
        if (Split(set, set) is not var (path, value)) return;
        if (path.StartsWith("params.", StringComparison.Ordinal))
        {
            SetParam(path["params.".Length..], value);
        }
        else
        {
            SetBelow(root, "", path.Split('.'), value);
        }
    }

    /// <summary>A parameter keeps the type that the file gives it; what the file does not have is a slip.</summary>
    private void SetParam(string name, string value)
    {
        var path = $"params.{name}";
        var declared = root.Find("params")?.Value as MapNode;
        var before = declared?.Find(name)?.Value as ScalarNode;
        if (before is null && root.Origin.File is not null)
        {
            var names = declared?.Entries.Select(entry => entry.Key).ToArray() ?? [];
            var nearest = Words.Nearest(name, names);
            faults.Add(Command("--set").At(path), $"found {Words.Quote(name)}, which is no parameter of this job; it has {Words.OneOf(names)}", nearest is null ? null : $"Did you mean '{nearest}'?");
            return;
        }

        var node = Value(value, path);
        if (node is ScalarNode && value.TrimStart() is not ['"' or '\'', ..])
        {
            node = ParamReading.Typed(value.Trim(), before, node.Origin);
        }

        if (before is not null && ParamReading.KindOf(before) is { } kind && node is ScalarNode now && ParamReading.KindOf(now) != kind)
        {
            faults.Add(Command("--set").At(path), $"found {now.Shape}, expected {ParamReading.Word(kind)}, as in the job file", "A value has the type that the file gives it.");
        }

        if (Below(root, "params", Command("--set"), "params") is { } map) map.Set(new MapEntry(name, Command("--set"), node));
    }

    /// <summary>Stream names contain dots and equals signs: the longest name that fits is the one that is meant.</summary>
    private void SetStream(string set)
    {
        var rest = set[StreamsPrefix.Length..];
        var name = Streams?.Entries.Select(entry => entry.Key)
            .Where(key => rest.StartsWith(key, StringComparison.Ordinal) && rest.Length > key.Length && rest[key.Length] is '.' or '=')
            .MaxBy(key => key.Length);
        if (name is null)
        {
            var equals = rest.IndexOf('=');
            UnknownStream(Command("--set"), equals < 0 ? "streams" : set[..(equals + StreamsPrefix.Length)], equals < 0 ? rest : rest[..equals], Streams ?? new MapNode(default));
            return;
        }

        if (rest[name.Length] == '=')
        {
            SetBelow(Streams!, "streams", [name], rest[(name.Length + 1)..]);
            return;
        }

        if (Split(rest[(name.Length + 1)..], set) is not var (path, value))
        {
            return;
        }

        // Column names contain dots too: below types and rename, everything is the column's name.
        var dot = path.IndexOf('.');
        var parts = dot > 0 && path[..dot] is "types" or "rename" ? [path[..dot], path[(dot + 1)..]] : path.Split('.');
        if (Below(Streams!, name, Command("--set"), $"streams.{name}") is { } stream)
        {
            SetBelow(stream, $"streams.{name}", parts, value);
        }
    }

    private (string Path, string Value)? Split(string text, string set)
    {
        var equals = text.IndexOf('=');
        if (equals > 0)
        {
            return (text[..equals], text[(equals + 1)..]);
        }

        faults.Add(new Mark("--set"), $"found {Words.Quote(equals < 0 ? set : "=")} without a key or value, expected key=value", "For example: --set limits.memory=512MB");
        return null;
    }

    private void SetBelow(MapNode map, string path, string[] parts, string value)
    {
        for (var i = 0; i < parts.Length - 1; i++)
        {
            path = path.Length == 0 ? parts[i] : $"{path}.{parts[i]}";
            if (Below(map, parts[i], Command("--set"), path) is not { } below)
            {
                return;
            }

            map = below;
        }

        map.Set(new MapEntry(parts[^1], Command("--set"), Value(value, path)));
    }

    /// <summary>The map behind a key: made when it is not there or null, refused when it is something else.</summary>
    private MapNode? Below(MapNode map, string key, Origin origin, string path)
    {
        switch (map.Find(key)?.Value)
        {
            case MapNode there:
                return there;
            case null or ScalarNode { IsNull: true } or ScalarNode { IsEmpty: true }:
                var made = new MapNode(origin);
                map.Set(new MapEntry(key, map.Find(key)?.Origin ?? origin, made));
                return made;
            case var other:
                faults.Add(origin.At(path), $"found {other.Shape} in the job file, where {origin.Option} needs a map");
                return null;
        }
    }

    /// <summary>Lists, maps and quoted texts are YAML; anything else is the text as it was typed, stars and colons included.</summary>
    private JobNode Value(string text, string path)
    {
        var trimmed = text.Trim();
        if (trimmed.Length > 0 && trimmed[0] is '[' or '{' or '"' or '\'')
        {
            var mistakes = new FaultList();
            var node = YamlReader.Read(trimmed, _ => Command("--set"), mistakes);
            if (node is not null && mistakes.IsEmpty)
            {
                return node;
            }

            if (trimmed[0] is '[' or '{')
            {
                faults.Add(Command("--set").At(path), "found a list or map that is no valid YAML", "For example: --set 'streams.public.events.columns=[id, name]'");
            }
        }

        return new ScalarNode(trimmed, plain: trimmed is "null" or "~", Command("--set"));
    }

    private void UnknownStream(Origin origin, string path, string found, MapNode streams)
    {
        var names = streams.Entries.Select(entry => entry.Key).ToArray();
        var nearest = Words.Nearest(found, names);
        var shown = names.Length > 5 ? [.. names.Take(5), $"{names.Length - 5} more"] : names;
        faults.Add(origin.At(path), $"found {Words.Quote(found)}, which is no stream of this job; it has {Words.OneOf(shown)}", nearest is null ? null : $"Did you mean '{nearest}'?");
    }
}
