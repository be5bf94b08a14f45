using System.Collections.Immutable;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;

namespace Millrace.Connectors.Files.Source;

/// <summary>Makes a stream's layout and its columns out of what its files hold and what the job asks for.</summary>
internal sealed class LayoutBuilder(StreamJob stream, TargetTraits target, SourceFormat format, TextRules rules)
{
    private readonly bool _rejects = stream.OnReject == OnReject.Quarantine;
    private readonly List<FileColumn> _columns = [];
    private readonly Dictionary<string, InspectedColumn> _sources = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string> _asked = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>What the user should know.</summary>
    public List<string> Remarks { get; } = [];

    /// <summary>The layout and the columns of the target.</summary>
    /// <exception cref="Fault">The job names a column or type that there is not, or a column can't be read.</exception>
    public (FileLayout Layout, ImmutableArray<Column> Columns) Build(
        Inspected inspected, IReadOnlyList<SourceFile> sample, string root, string encoding, Packing? packing)
    {
        foreach (var column in inspected.Columns)
        {
            if (column.Name.Contains('\0', StringComparison.Ordinal)) throw SourceFaults.ZeroInName(sample.Count > 0 ? sample[0].Path : root, column.Name);
            AddContent(column);
        }

        AddAskedFor();
        AddFolders(sample);
        AddFileName();
        var output = new List<OutputColumn>();
        var columns = new List<Column>();
        foreach (var place in Selected())
        {
            var column = _columns[place];
            var source = _sources[column.Name];
            var type = DuckDbType.Parse(column.Type);
            var fitting = TypeFitting.Fit(type, target, text => BadValue.Sql(_rejects, place, text, BadValue.Why.NotForTarget))
                ?? throw SourceFaults.Job(
                    stream.Mark, $"the column \"{column.Name}\" has the type {column.Type}, which can't be read",
                    $"Leave it out with `columns: [\"*\", \"-{column.Name}\"]`.");
            var name = Renamed(column.Name);
            output.Add(new OutputColumn(column.Name, name, fitting.Sql, Refuses: _rejects && fitting.Sql != TypeFitting.Fit(type, target, text => BadValue.Raise(place, text, BadValue.Why.NotForTarget))!.Sql));
            columns.Add(new Column
            {
                Name = name,
                SourceName = column.Name,
                SourceType = source.FileType,
                Type = fitting.Type.ToSql(),
                Remark = fitting.Remark ?? source.Remark,
            });
        }

        RefuseEqualNames(columns);
        var layout = new FileLayout
        {
            Format = format,
            Packing = packing,
            Encoding = encoding,
            Csv = inspected.Csv,
            Root = root,
            Columns = [.. _columns],
            Output = [.. output],
            Where = stream.Where,
            MissingFails = stream.Read.MissingColumns == "fail",
        };
        return (layout, [.. columns]);
    }

    private void AddContent(InspectedColumn column)
    {
        var asked = AskedType(column.Name);
        var type = asked ?? column.Type;
        var decode = format == SourceFormat.Parquet ? FromTyped(column.Type, type, _columns.Count)
            : format == SourceFormat.Csv ? TextTypes.Decode(type, asked is null, _columns.Count, rules, _rejects)
            : FromJson(type, asked is null, _columns.Count);
        _columns.Add(new FileColumn(
            column.Name, type.ToSql(), decode, Stored: format == SourceFormat.Parquet ? column.Type.ToSql() : null, IsUsual: !type.IsNested && rules.IsUsual,
            Nothing: _rejects ? Nothing(column.Type, type) : null));
        _sources[column.Name] = asked is null ? column : column with { Type = type, Remark = null };
    }

    /// <summary>When a column has no value at all; null: none of its values can be bad in a way that is looked for.</summary>
    private string? Nothing(DuckDbType from, DuckDbType type) => format switch
    {
        SourceFormat.Csv => TextTypes.Nothing(type, rules),
        SourceFormat.Parquet => IsLossless(from, type) ? null : $"{FileColumn.Hole} IS NULL",
        _ when type.IsNested => AsTexts(type) is null ? null : $"{FileColumn.Hole} IS NULL OR {FileColumn.Hole} = 'null'",
        _ => TextTypes.Nothing(type, JsonRules),
    };

    // A column that only later files have: the job says its name and type, and files without it have NULL.
    private void AddAskedFor()
    {
        foreach (var (name, _) in stream.Types)
        {
            if (name == "*" || _asked.Contains(name) || IsMade(name)) continue;
            if (format == SourceFormat.Parquet || (format == SourceFormat.Csv && stream.Read.Header == false) || name.Contains('\0', StringComparison.Ordinal))
                throw NoColumn("types." + name, name);
            AddContent(new InspectedColumn(name, "text", DuckDbType.Varchar));
            Remarks.Add($"the column \"{name}\" of `types` is in none of the files that were looked into");
        }
    }

    private bool IsMade(string name) => name.Equals(stream.Read.FileNameColumn, StringComparison.OrdinalIgnoreCase);

    private void AddFolders(IReadOnlyList<SourceFile> sample)
    {
        if (stream.Read.HivePartitions == false || sample.Count == 0) return;
        var keys = sample[0].Folders().Select(folder => folder.Key).Distinct().ToList();
        var everywhere = keys.Where(key => sample.All(file => file.Folders().Any(folder => folder.Key == key))).ToList();
        foreach (var key in stream.Read.HivePartitions == true ? keys : everywhere)
        {
            if (_sources.ContainsKey(key))
            {
                Remarks.Add($"the folder's \"{key}\" is left out: the files have a column of that name");
                continue;
            }

            var values = sample.SelectMany(file => file.Folders()).Where(folder => folder.Key == key).Select(folder => folder.Value);
            var found = FolderType([.. values.Where(value => value != HiveNull)]);
            var asked = AskedType(key);
            var type = asked ?? found;
            _sources[key] = new InspectedColumn(key, "folder", type);
            _columns.Add(new FileColumn(key, type.ToSql(), TextTypes.Decode(type, asked is null, _columns.Count, new TextRules(), _rejects), ColumnOrigin.Folder)
            {
                Nothing = _rejects ? TextTypes.Nothing(type, new TextRules()) : null,
            });
        }
    }

    private static TextRules JsonRules { get; } = new(EmptyIsNull: false);

    /// <summary>What Hive writes for a folder without a value.</summary>
    public const string HiveNull = "__HIVE_DEFAULT_PARTITION__";

    private static DuckDbType FolderType(List<string> values)
    {
        if (values.Count == 0) return DuckDbType.Varchar;
        if (values.TrueForAll(value => long.TryParse(value, out var number) && number.ToString() == value)) return DuckDbType.BigInt;
        return values.TrueForAll(value => DateOnly.TryParseExact(value, "yyyy-MM-dd", out _)) ? DuckDbType.Date : DuckDbType.Varchar;
    }

    private void AddFileName()
    {
        if (stream.Read.FileNameColumn is not { } name) return;
        if (_sources.ContainsKey(name))
            throw SourceFaults.Job(stream.MarkOf("read.file_name_column"), $"found \"{name}\", which is a column of the files already", "Choose another name.");
        _sources[name] = new InspectedColumn(name, "file name", DuckDbType.Varchar);
        _columns.Add(new FileColumn(name, "VARCHAR", FileColumn.Hole, ColumnOrigin.FileName));
    }

    private DuckDbType? AskedType(string column)
    {
        var key = stream.Types.Keys.FirstOrDefault(name => name.Equals(column, StringComparison.OrdinalIgnoreCase));
        if (key is not null) _asked.Add(key);
        key ??= stream.Types.ContainsKey("*") ? "*" : null;
        if (key is null) return null;
        return DuckDbType.TryParse(stream.Types[key], out var type)
            ? type
            : throw SourceFaults.Job(
                stream.MarkOf("types." + key), $"found '{stream.Types[key]}', which is no type", "Expected one such as bigint, decimal(18,2), text, date, timestamptz, integer[].");
    }

    private string FromJson(DuckDbType type, bool found, int column)
    {
        const string X = FileColumn.Hole;
        if (type.Kind == DuckDbKind.Varchar) return type.IsJson ? $"CAST({X} AS VARCHAR)" : X;
        if (!type.IsNested) return TextTypes.Decode(type, found, column, JsonRules, _rejects);
        // Elements go through text, as all values do: 1.5 must not become the integer 2.
        var texts = AsTexts(type);
        return texts is null
            ? $"CAST({X} AS {type.ToSql()})"
            : $"CASE WHEN {X} IS NULL OR {X}::VARCHAR = 'null' THEN NULL WHEN TRY_CAST(CAST({X} AS {texts}) AS {type.ToSql()})::{texts} IS NOT DISTINCT FROM CAST({X} AS {texts})"
                + $" THEN TRY_CAST(CAST({X} AS {texts}) AS {type.ToSql()}) ELSE {BadValue.Sql(_rejects, column, $"{X}::VARCHAR")} END";
    }

    private static string? AsTexts(DuckDbType type) => type.Kind switch
    {
        DuckDbKind.List => AsTexts(type.Element) is { } element ? element + "[]" : null,
        DuckDbKind.Varchar or DuckDbKind.BigInt or DuckDbKind.Integer or DuckDbKind.SmallInt or DuckDbKind.Boolean or DuckDbKind.HugeInt => "VARCHAR",
        _ => null,
    };

    // From one type into another: only what comes back from it as it was.
    private string FromTyped(DuckDbType from, DuckDbType to, int column)
    {
        const string X = FileColumn.Hole;
        if (from == to || ParquetInspector.Holds(to, from)) return from == to ? X : $"CAST({X} AS {to.ToSql()})";
        if (to.Kind == DuckDbKind.Varchar && !to.IsJson) return from.IsNested ? $"CAST(to_json({X}) AS VARCHAR)" : $"CAST({X} AS VARCHAR)";
        if (from.Kind == DuckDbKind.Varchar)
            return $"CASE WHEN {X} IS NULL THEN NULL WHEN {TextTypes.Keeps(to, new TextRules())} THEN {TextTypes.Cast(to, new TextRules())} ELSE {BadValue.Sql(_rejects, column, X)} END";
        return $"CASE WHEN {X} IS NULL THEN NULL WHEN TRY_CAST(TRY_CAST({X} AS {to.ToSql()}) AS {from.ToSql()}) IS NOT DISTINCT FROM {X}"
            + $" THEN TRY_CAST({X} AS {to.ToSql()}) ELSE {BadValue.Sql(_rejects, column, $"CAST({X} AS VARCHAR)")} END";
    }

    // Every value of the one type is one of the other.
    private static bool IsLossless(DuckDbType from, DuckDbType to) => from == to || ParquetInspector.Holds(to, from) || (to.Kind == DuckDbKind.Varchar && !to.IsJson);

    private IEnumerable<int> Selected()
    {
        if (stream.Columns.IsDefaultOrEmpty) return Enumerable.Range(0, _columns.Count);
        var chosen = new List<int>();
        if (stream.Columns.All(item => item.StartsWith('-') && Find(item) < 0)) chosen.AddRange(Enumerable.Range(0, _columns.Count));
        foreach (var item in stream.Columns)
        {
            if (item == "*")
            {
                chosen.AddRange(Enumerable.Range(0, _columns.Count).Where(i => !chosen.Contains(i)));
                continue;
            }

            var place = Find(item);
            var leaveOut = place < 0 && item.StartsWith('-');
            if (leaveOut) place = Find(item[1..]);
            if (place < 0) throw NoColumn("columns", item.TrimStart('-'));
            chosen.Remove(place);
            if (!leaveOut) chosen.Add(place);
        }

        if (chosen.Count == 0) throw SourceFaults.Job(stream.MarkOf("columns"), "no column is left", "Name at least one column, or leave `columns` out.");
        return chosen;
    }

    private int Find(string name)
    {
        var exact = _columns.FindIndex(column => column.Name == name);
        return exact >= 0 ? exact : _columns.FindIndex(column => column.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
    }

    private string Renamed(string column)
    {
        foreach (var (from, to) in stream.Rename)
        {
            if (Find(from) < 0) throw NoColumn("rename." + from, from);
            if (from.Equals(column, StringComparison.OrdinalIgnoreCase)) return to;
        }

        return column;
    }

    private void RefuseEqualNames(List<Column> columns)
    {
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var column in columns)
        {
            if (!seen.Add(column.Name))
                throw SourceFaults.Job(stream.MarkOf("rename"), $"two columns would be named \"{column.Name}\"", "Rename one of them, or leave it out of `columns`.");
        }
    }

    private Fault NoColumn(string key, string name) => SourceFaults.Job(
        stream.MarkOf(key), $"found the column '{name}', which the files do not have",
        $"They have: {string.Join(", ", _columns.Take(20).Select(column => column.Name))}{(_columns.Count > 20 ? ", …" : "")}.");
}
