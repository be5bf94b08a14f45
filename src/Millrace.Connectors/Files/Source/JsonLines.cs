using System.Text;
using System.Text.Json;
using Millrace.DuckDb;

namespace Millrace.Connectors.Files.Source;

/// <summary>How JSON values stand in what DuckDB reads.</summary>
internal enum JsonForm
{
    /// <summary>One value a line: NDJSON, and other JSON behind <see cref="JsonValueLines"/>.</summary>
    Lines,

    /// <summary>One array.</summary>
    Array,

    /// <summary>Values that follow one another.</summary>
    Values,
}

/// <summary>
/// SQL that reads JSON objects into texts, one column for each key. Lines come through the CSV reader as one column: its buffers are
/// small and bounded, while <c>read_json</c> takes 32 MB and more for each thread; it reads what only DuckDB unpacks.
/// </summary>
internal static class JsonLines
{
    /// <summary>The column that holds one object's text.</summary>
    public const string Object = "j";

    // A control character can't stand in valid JSON, so no line is ever cut by it.
    private const string LineArguments = "auto_detect = false, delim = chr(1), quote = '', escape = '', header = false, columns = {j: 'VARCHAR'}";

    /// <summary>A relation of one text column, <see cref="Object"/>: the objects of a file.</summary>
    /// <param name="paths">The files, as a SQL list.</param>
    /// <param name="form">How the objects stand in them.</param>
    /// <param name="buffer">Buffers for lines.</param>
    /// <param name="fileName">The column with the file's path; null: none.</param>
    public static string Objects(string paths, JsonForm form, CsvBuffer buffer, string? fileName)
    {
        var name = fileName is null ? "" : $", filename = {SqlText.Literal(fileName)}";
        if (form == JsonForm.Lines)
        {
            // A line of spaces is an empty one.
            return $"(SELECT * FROM read_csv({paths}, {LineArguments}, {buffer.Arguments}{name}) WHERE j[1] = '{{' OR trim(j, ' ' || chr(9) || chr(13)) <> '')";
        }

        var kept = fileName is null ? "" : ", " + SqlText.Name(fileName);
        return $"(SELECT json::VARCHAR AS j{kept} FROM read_json({paths}, auto_detect = false, format = '{(form == JsonForm.Array ? "array" : "unstructured")}', records = 'false',"
            + $" maximum_object_size = {Math.Max(buffer.LineBytes, Limits.TextLineBytesMedium)}, columns = {{json: 'JSON'}}{name}))";
    }

    /// <summary>SQL of a struct of texts, one field for each key; a key that an object lacks is NULL.</summary>
    public static string Texts(IEnumerable<(string Key, bool IsJson)> keys)
    {
        var structure = new StringBuilder("{");
        foreach (var (key, isJson) in keys)
        {
            if (structure.Length > 1) structure.Append(',');
            structure.Append(JsonSerializer.Serialize(key, JsonText.Default.String)).Append(isJson ? ":\"JSON\"" : ":\"VARCHAR\"");
        }

        return $"json_transform(j, {SqlText.Literal(structure.Append('}').ToString())})";
    }

    /// <summary>
    /// SQL that is true, or raises an error for what is no object, has a key that is not known, or one key twice: none of which
    /// <c>json_transform</c> would say a word about.
    /// </summary>
    public static string Check(IEnumerable<string> keys)
    {
        var known = "[" + string.Join(", ", keys.Select(SqlText.Literal)) + "]::VARCHAR[]";
        var unknown = BadValue.Raise(0, $"list_filter(json_keys(j), lambda k: NOT list_contains({known}, k))[1]", BadValue.Why.UnknownKey);
        var twice = BadValue.Raise(0, "list_filter(json_keys(j), lambda k: len(list_filter(json_keys(j), lambda l: l = k)) > 1)[1]", BadValue.Why.KeyTwice);
        return $"(CASE WHEN json_keys(j) = {known} THEN true WHEN json_type(j) <> 'OBJECT' THEN {BadValue.Raise(0, "j", BadValue.Why.NoObject)}"
            + $" WHEN NOT list_has_all({known}, json_keys(j)) THEN {unknown}"
            + $" WHEN len(list_distinct(json_keys(j))) < len(json_keys(j)) THEN {twice} ELSE true END)";
    }

    /// <summary>
    /// A relation of <c>x</c>, the texts, and beside it what is broken about an object: as <see cref="Check"/>, where such objects are rejected.
    /// </summary>
    /// <param name="keys">The known keys.</param>
    /// <param name="objects">The objects: see <see cref="Objects"/>.</param>
    /// <param name="areLines">
    /// Whether each text is a line of its file, which ends there whatever stands in it: what is no JSON is told then, an error otherwise.
    /// </param>
    /// <param name="row">SQL of an object's number in its file; null: not known.</param>
    public static string WithBroken(IReadOnlyList<(string Key, bool IsJson)> keys, string objects, bool areLines, string? row)
    {
        var known = "[" + string.Join(", ", keys.Select(static key => SqlText.Literal(key.Key))) + "]::VARCHAR[]";
        var malformed = areLines ? " WHEN NOT json_valid(j) THEN 'found what is no JSON, expected one object on each line'" : "";
        var broken = $"CASE WHEN k = {known} THEN NULL{malformed} WHEN json_type(j) <> 'OBJECT' THEN 'found a value that is no object'"
            + $" WHEN NOT list_has_all({known}, k) THEN 'found the key \"' || list_filter(k, lambda a: NOT list_contains({known}, a))[1]"
            + " || '\", which none of the rows has that were looked into' WHEN len(list_distinct(k)) < len(k)"
            + " THEN 'found the key \"' || list_filter(k, lambda a: len(list_filter(k, lambda b: b = a)) > 1)[1] || '\" twice' END";
        var (brokenName, recordName) = (SqlText.Name(UnitScan.Broken), SqlText.Name(UnitScan.Record));
        // The keys are a column of their own: an expression that stands twice is taken out of TRY and CASE, which guard it.
        return $"(SELECT CASE WHEN {brokenName} IS NULL THEN {Texts(keys)} END AS x, * EXCLUDE (j, k), j AS {recordName} FROM (SELECT *, {broken} AS {brokenName} FROM"
            + $" (SELECT *, {(areLines ? "TRY(json_keys(j))" : "json_keys(j)")} AS k{(row is null ? "" : $", {row} AS {SqlText.Name(UnitScan.Row)}")} FROM {objects})))";
    }

    /// <summary>The form of what DuckDB reads of a file.</summary>
    /// <param name="probe">Looks into zstd, which only DuckDB unpacks.</param>
    /// <param name="path">The file.</param>
    /// <param name="packing">How it is packed.</param>
    /// <param name="format">Its format.</param>
    /// <param name="cancel">Stops the reading.</param>
    public static async Task<JsonForm> FormOfAsync(Probe probe, string path, Packing packing, SourceFormat format, CancellationToken cancel)
    {
        if (format == SourceFormat.Ndjson || packing != Packing.Zstd) return JsonForm.Lines;
        try
        {
            using var result = await probe.QueryAsync($"SELECT 1 FROM {Objects(Sql.Path(path), JsonForm.Array, CsvBuffer.Small, null)} LIMIT 1", cancel).ConfigureAwait(false);
            return JsonForm.Array;
        }
        catch (DuckDbException error) when (error.Type != DuckDbErrorType.Interrupt)
        {
            return JsonForm.Values;
        }
    }
}

/// <summary>JSON strings as they stand in a document.</summary>
[System.Text.Json.Serialization.JsonSerializable(typeof(string))]
internal sealed partial class JsonText : System.Text.Json.Serialization.JsonSerializerContext;
