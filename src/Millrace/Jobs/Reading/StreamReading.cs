using System.Collections.Immutable;
using System.Globalization;
using Millrace.Faults;

namespace Millrace.Jobs.Reading;

/// <summary>Reads one stream of a job.</summary>
internal static class StreamReading
{
    private const int TargetNameCharsMax = 200;

    /// <summary>Reads a stream from its entry below <c>streams</c>. Always gives a stream; mistakes are noted.</summary>
    /// <param name="entry">The stream's key and options; the options may be null.</param>
    /// <param name="format">The target's format.</param>
    /// <param name="isWholeSource">See <see cref="StreamJob.IsWholeSource"/>.</param>
    /// <param name="scope">What its keys may refer to; takes every mistake.</param>
    public static StreamJob Read(MapEntry entry, FileFormat format, bool isWholeSource, JobScope scope)
    {
        var faults = scope.Faults;
        var path = $"streams.{entry.Key}";
        var mark = entry.Origin.At(path);
        if (entry.Value is not (MapNode or ScalarNode { IsNull: true } or ScalarNode { IsEmpty: true }))
        {
            faults.Add(mark, $"found {entry.Value.Shape}, expected a map of options, or nothing", $"Its keys are {Words.OneOf([.. KeyTable.Stream.Keys.Where(key => key.Built).Select(key => key.Name)])}.");
        }

        var map = entry.Value as MapNode ?? new MapNode(entry.Origin);
        var reader = new MapReader(map, KeyTable.Stream, path, faults);
        var stream = new StreamJob
        {
            Name = entry.Key,
            Mark = mark,
            IsWholeSource = isWholeSource,
            To = TargetName(reader),
            Mode = reader.Choice("mode", Choices.Mode) ?? WriteMode.Overwrite,
            Consistency = reader.Choice("consistency", Choices.Consistency) ?? Consistency.Snapshot,
            Proof = reader.Choice("proof", Choices.Proof) ?? Proof.Hash,
            OnReject = reader.Choice("on_reject", Choices.OnReject) ?? OnReject.Fail,
            Schema = reader.Choice("schema", Choices.Schema) ?? SchemaRule.Evolve,
            Key = reader.Texts("key"),
            Cursor = reader.Text("cursor"),
            Lag = reader.Text("lag"),
            Deletes = reader.Text("deletes"),
            Query = SqlReading.Read(reader, "query", scope),
            Where = SqlReading.Read(reader, "where", scope),
            Columns = Columns(reader),
            Types = reader.TextMap("types", (_, type, at) => CheckType(type, at, faults)),
            Rename = Rename(reader, faults),
            Transform = TransformReading.Read(reader, entry.Key, scope),
            Expect = ExpectReading.Read(reader, scope),
            Partition = Partition(reader.Map("partition", KeyTable.Partition)),
            Read = FileReading.Read(reader.Map("read", KeyTable.Read)),
            Write = FileWriting.Read(reader.Map("write", KeyTable.Write), format, scope),
            Marks = Marks(map, path),
        };
        if (entry.Key.Length == 0 || entry.Key.Any(char.IsControl))
        {
            faults.Add(mark, $"found {(entry.Key.Length == 0 ? "a stream without a name" : "control characters")}, expected a table, a glob or a name");
        }

        if (stream.Query is not null && (isWholeSource || stream.Name.AsSpan().IndexOfAny("*?") >= 0))
        {
            reader.Fault("query", isWholeSource ? "found a query, but the source is files" : "found a query under a name with wildcards", "A query belongs to a database, and to a stream with one name.");
        }

        if (stream.Schema == SchemaRule.Replace && stream.Mode != WriteMode.Overwrite)
        {
            reader.Fault("schema", $"found replace with {WriteModes.Of(stream.Mode)}, which keeps rows that have the old columns", "Use mode: overwrite, or schema: evolve.");
        }

        ModeRules.Check(stream, reader);
        return stream;
    }

    private static string? TargetName(MapReader reader)
    {
        var to = reader.Text("to");
        if (to is null)
        {
            return null;
        }

        var bad = to.Length > TargetNameCharsMax ? $"a name of {to.Length} characters, expected at most {TargetNameCharsMax}"
            : to.Contains("${", StringComparison.Ordinal) ? "'${', which is resolved in source, target, state, shuffle, with and in only"
            : to.Any(char.IsControl) ? "control characters"
            : to.StartsWith('/') || to.Contains('\\', StringComparison.Ordinal) || to.Split('/').Any(part => part.Trim() is "" or "." or "..") ? $"{Words.Quote(to)}, expected a name below the target"
            : null;
        if (bad is not null)
        {
            reader.Fault("to", $"found {bad}");
        }

        return to;
    }

    /// <summary>Reads <c>columns</c>: of a stream, or of the other side of a join.</summary>
    public static ImmutableArray<string> Columns(MapReader reader)
    {
        var columns = reader.Texts("columns");
        if (columns.Contains("-"))
        {
            reader.Fault("columns", "found '-' without a column", "Write \"-name\" to leave a column out.");
        }

        var named = columns.Where(column => column[0] != '-').ToHashSet(StringComparer.Ordinal);
        foreach (var column in columns.Where(column => column[0] == '-' && named.Contains(column[1..])))
        {
            reader.Fault("columns", $"found {Words.Quote(column[1..])} both taken and left out", "Keep one of them.");
        }

        // Only "-name": everything but these, which is what the user means.
        return columns.Length > 0 && named.Count == 0 ? columns.Insert(0, "*") : columns;
    }

    private static ImmutableSortedDictionary<string, string> Rename(MapReader reader, FaultList faults)
    {
        var taken = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        return reader.TextMap("rename", (old, now, at) =>
        {
            if (!taken.TryAdd(now, old))
            {
                faults.Add(at, $"found {Words.Quote(now)} as the new name of two columns, {Words.Quote(taken[now])} and {Words.Quote(old)}", "Give each its own name; letter case makes no difference.");
            }
        });
    }

    /// <summary>Checks what can be known without the engine: a decimal's width and scale. Planning checks the type itself.</summary>
    private static void CheckType(string type, Mark at, FaultList faults)
    {
        var open = type.IndexOf('(', StringComparison.Ordinal);
        var name = (open < 0 ? type : type[..open]).Trim().ToLowerInvariant();
        if (name is not ("decimal" or "numeric" or "dec") || open < 0)
        {
            return;
        }

        var parts = type[(open + 1)..].TrimEnd().TrimEnd(')').Split(',');
        var scale = 0;
        if (!type.TrimEnd().EndsWith(')') || parts.Length > 2 || !TryWhole(parts[0], out var width) || (parts.Length == 2 && !TryWhole(parts[1], out scale)))
        {
            faults.Add(at, $"found {Words.Quote(type)}, expected decimal(width,scale)", "For example: decimal(18,2)");
        }
        else if (width is < 1 or > 38 || scale > width)
        {
            faults.Add(at, $"found {Words.Quote(type)}, expected a width of 1 to 38 and a scale of 0 to the width", "Wider numbers fit in text or double.");
        }
    }

    private static bool TryWhole(string text, out int value) => int.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out value);

    private static PartitionSpec Partition(MapReader reader)
    {
        var spec = new PartitionSpec
        {
            By = reader.Choice("by", Choices.PartitionBy) ?? PartitionBy.Auto,
            Key = reader.Texts("key"),
            Rows = reader.Number("rows", 1, Limits.UnitRowsMax),
        };
        if (spec.Key.Length > 0 && spec.By is PartitionBy.Pages or PartitionBy.None or PartitionBy.Files or PartitionBy.Bytes or PartitionBy.RowGroups)
        {
            reader.Fault("key", $"found a key, but 'by: {reader.Choice("by", Choices.PartitionBy).ToString()!.ToLowerInvariant()}' uses none", "Leave the key out, or use 'by: id', 'by: date' or 'by: hash'.");
        }

        return spec;
    }

    private static ImmutableSortedDictionary<string, Mark> Marks(MapNode map, string path)
    {
        var marks = ImmutableSortedDictionary.CreateBuilder<string, Mark>(StringComparer.Ordinal);
        foreach (var entry in map.Entries)
        {
            marks[entry.Key] = entry.Origin.At($"{path}.{entry.Key}");
            foreach (var below in (entry.Value as MapNode)?.Entries ?? [])
            {
                marks[$"{entry.Key}.{below.Key}"] = below.Origin.At($"{path}.{entry.Key}.{below.Key}");
            }
        }

        return marks.ToImmutable();
    }
}
