using System.Collections.Immutable;
using System.Text.Json;
using Millrace.DuckDb;
using Millrace.Faults;

namespace Millrace.Connectors.Files.Source;

/// <summary>
/// Finds keys and types of JSON files. DuckDB's own detection proposes them from a sample; dates and times count only when every value
/// of the sample passes the conditions that later guard it. What has keys of its own stays JSON text: a struct guessed from a sample
/// would drop keys that come later.
/// </summary>
internal sealed class JsonInspector(Probe probe, string encoding, Packing? packing, SourceFormat format)
{
    /// <summary>Looks into some files of a stream.</summary>
    /// <exception cref="Fault">A file can't be read or is no JSON.</exception>
    public async Task<Inspected> InspectAsync(IReadOnlyList<SourceFile> files, TextRules rules, CancellationToken cancel)
    {
        var order = new List<string>();
        var found = new Dictionary<string, List<DuckDbType>>(StringComparer.Ordinal);
        var samples = new List<(TextSample Sample, JsonForm Form)>();
        try
        {
            foreach (var file in files)
            {
                var sample = TextSample.Of(file, FormatOf.PackingOf(file.Path, packing), encoding, null, format);
                var form = await JsonLines.FormOfAsync(probe, sample.Path, sample.Packing, format, cancel).ConfigureAwait(false);
                samples.Add((sample, form));
                if (new FileInfo(sample.Path).Length == 0) continue;
                foreach (var (name, type) in await KeysAsync(sample, file, form, cancel).ConfigureAwait(false))
                {
                    if (!found.TryGetValue(name, out var types)) found[name] = types = [];
                    if (types.Count == 0) order.Add(name);
                    types.Add(type);
                }
            }

            RefuseTwins(order, files[0]);
            var proposed = order.Select(name => (Name: name, Type: Proposed(found[name]))).ToList();
            var texts = await TextsThatFitAsync(samples, proposed, rules, cancel).ConfigureAwait(false);
            return new Inspected { Columns = [.. proposed.Select(column => Settle(column.Name, column.Type, texts))] };
        }
        finally
        {
            foreach (var (sample, _) in samples) sample.Dispose();
        }
    }

    // The keys of a sample's objects in the order in which they come first, with the type that holds all of their values.
    private async Task<List<(string Name, DuckDbType Type)>> KeysAsync(TextSample sample, SourceFile file, JsonForm form, CancellationToken cancel)
    {
        for (var size = 0; ; size++)
        {
            var objects = JsonLines.Objects(Sql.Path(sample.Path), form, CsvBuffer.Tries[size], null);
            try
            {
                using var result = await probe.QueryAsync(
                    $"SELECT json_group_structure(j::JSON)::VARCHAR FROM (SELECT * FROM {objects} WHERE json_valid(j) AND json_type(j) = 'OBJECT' LIMIT {Limits.SampleRowsMax})",
                    cancel).ConfigureAwait(false);
                return result.Read() && result.GetText(0) is { } structure && structure != "null"
                    ? Keys(structure)
                    : throw SourceFaults.Data(file.Path, "holds no JSON object", "Check `read.format`: ndjson is one object a line, json one array.");
            }
            catch (DuckDbException error) when (ReadErrors.IsLineTooLong(error.Message) && size + 1 < CsvBuffer.Tries.Length)
            {
                // Once more with larger buffers.
            }
            catch (DuckDbException error) when (error.Type != DuckDbErrorType.Interrupt)
            {
                throw SourceFaults.Data(
                    file.Path, "can't be understood as JSON: " + error.Message.Split('\n')[0].Replace(sample.Path, file.Path, StringComparison.Ordinal),
                    "Check `read.format`: ndjson is one object a line, json one array.", error);
            }
        }
    }

    private static List<(string Name, DuckDbType Type)> Keys(string structure)
    {
        using var document = JsonDocument.Parse(structure);
        return [.. document.RootElement.EnumerateObject().Select(key => (key.Name, TypeOf(key.Value)))];
    }

    private static DuckDbType TypeOf(JsonElement structure) => structure.ValueKind switch
    {
        JsonValueKind.Array when structure.GetArrayLength() == 1 && TypeOf(structure[0]) is { IsJson: false } element => DuckDbType.List(element),
        JsonValueKind.String => structure.GetString() switch
        {
            "BOOLEAN" => DuckDbType.Boolean,
            "UBIGINT" or "BIGINT" => DuckDbType.BigInt,
            "DOUBLE" => DuckDbType.Double,
            "HUGEINT" => DuckDbType.HugeInt,
            "NULL" => DuckDbType.Of(DuckDbKind.Null),
            "JSON" => DuckDbType.Json,
            _ => DuckDbType.Varchar,
        },
        _ => DuckDbType.Json,
    };

    // DuckDB's names do not tell A from a.
    private static void RefuseTwins(List<string> names, SourceFile file)
    {
        var seen = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var name in names)
        {
            if (name.Length == 0) throw SourceFaults.Data(file.Path, "has a key without a name, \"\"", "A column needs one: give the key a name in the file.");
            if (name.Contains('\0', StringComparison.Ordinal)) throw SourceFaults.ZeroInName(file.Path, name);
            if (!seen.TryAdd(name, name))
                throw SourceFaults.Data(file.Path, $"the keys \"{seen[name]}\" and \"{name}\" differ only in upper and lower case", "Columns can't: rename one of them in the file.");
        }
    }

    private static DuckDbType Proposed(List<DuckDbType> types)
    {
        var all = types.Where(type => type.Kind != DuckDbKind.Null).Distinct().ToList();
        if (all.Count == 1) return all[0];
        if (all.Count == 0) return DuckDbType.Of(DuckDbKind.Null);
        if (all.TrueForAll(type => type.Kind is DuckDbKind.BigInt or DuckDbKind.HugeInt or DuckDbKind.Double)) return DuckDbType.Double;
        return all.Exists(type => type.IsNested || type.IsJson) ? DuckDbType.Json : DuckDbType.Varchar;
    }

    // Which type the texts of each column fit, over all samples.
    private async Task<IReadOnlyDictionary<string, DuckDbType>> TextsThatFitAsync(
        List<(TextSample Sample, JsonForm Form)> samples, List<(string Name, DuckDbType Type)> proposed, TextRules rules, CancellationToken cancel)
    {
        var scalars = proposed.Where(column => !column.Type.IsNested && !column.Type.IsJson).Select(column => column.Name).ToImmutableArray();
        var tally = new TypeTally(scalars);
        foreach (var (sample, form) in samples)
        {
            if (scalars.IsEmpty || new FileInfo(sample.Path).Length == 0) continue;
            for (var size = 0; ; size++)
            {
                var objects = JsonLines.Objects(Sql.Path(sample.Path), form, CsvBuffer.Tries[size], null);
                var scan = $"(SELECT {JsonLines.Texts(scalars.Select(name => (name, false)))} AS x FROM (SELECT * FROM {objects} WHERE json_valid(j) LIMIT {Limits.SampleRowsMax}))";
                try
                {
                    await tally.AddAsync(probe, scan, [.. scalars.Select(name => (name, $"x.{SqlText.Name(name)}"))], rules, cancel).ConfigureAwait(false);
                    break;
                }
                catch (DuckDbException error) when (ReadErrors.IsLineTooLong(error.Message) && size + 1 < CsvBuffer.Tries.Length)
                {
                    // Once more with larger buffers.
                }
            }
        }

        return tally.Columns().ToDictionary(column => column.Name, column => column.Type, StringComparer.Ordinal);
    }

    // What JSON itself says is kept: the string "12" stays a string. Only of dates and times JSON knows nothing.
    private static InspectedColumn Settle(string name, DuckDbType type, IReadOnlyDictionary<string, DuckDbType> texts)
    {
        if (type.IsNested) return new InspectedColumn(name, "array", type);
        if (type.IsJson) return new InspectedColumn(name, "object", DuckDbType.Json, "as JSON text: its keys may differ from row to row");
        var fits = texts[name];
        return type.Kind switch
        {
            DuckDbKind.Null => new InspectedColumn(name, "null", DuckDbType.Varchar, "as text: no value in the sample"),
            DuckDbKind.Boolean => new InspectedColumn(name, "boolean", type),
            DuckDbKind.BigInt when fits.Kind == DuckDbKind.BigInt => new InspectedColumn(name, "number", type),
            DuckDbKind.Double when fits.Kind is DuckDbKind.Double or DuckDbKind.BigInt => new InspectedColumn(name, "number", type),
            DuckDbKind.BigInt or DuckDbKind.Double or DuckDbKind.HugeInt => new InspectedColumn(name, "number", DuckDbType.Varchar, "as text: numbers with too many digits"),
            _ => new InspectedColumn(name, "string", fits.Kind is DuckDbKind.Date or DuckDbKind.Timestamp or DuckDbKind.TimestampTz or DuckDbKind.Time ? fits : DuckDbType.Varchar),
        };
    }
}
