using System.Text;
using Millrace.DuckDb;
using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Transform;

namespace Millrace.Connectors.Files.Target;

/// <summary>The COPY statement of one attempt: every name and path quoted, every option in one place.</summary>
/// <param name="Settings">How the files are written.</param>
/// <param name="Columns">The stream's columns.</param>
/// <param name="Path">The file; for several files the folder.</param>
/// <param name="OneFolder">Whether all rows of the attempt go into one partition's folder, and those of each statement into one file.</param>
internal sealed record CopyText(WriteSettings Settings, IReadOnlyList<Column> Columns, string Path, bool OneFolder = false)
{
    /// <summary>The words with which a one-column CSV refuses NULL.</summary>
    public const string BlankLineError = "a CSV file with one column can't show NULL: readers skip the blank line";

    /// <summary>Whether DuckDB says how many rows each of several files has.</summary>
    public static bool ReportsRows(WriteSettings settings) => settings.Format == FileFormat.Parquet && settings.PartitionBy.Length == 0;

    /// <summary>The statement for a SELECT; row groups get so many times smaller in bytes.</summary>
    public string For(string select, int batchDivisor)
    {
        var text = new StringBuilder("COPY (");
        var rows = Shaped(Ordered(WithFolders(Parted(select))));
        if (HasFileColumn)
        {
            // A running number cut into stretches: the only way in which DuckDB's writer starts a file after an exact number of rows. As partitions
            // follow each other, each has at most one file more than its rows need.
            text.Append("SELECT *, ").Append(FileNumber(Settings.MaxRowsPerFile!.Value)).Append(" AS ").Append(SqlText.Name(FileColumn())).Append(" FROM (").Append(rows).Append(')');
        }
        else
        {
            text.Append(rows);
        }

        text.Append(") TO ").Append(SqlText.Literal(Path)).Append(" (");
        AppendFormat(text, batchDivisor);
        AppendSplit(text);
        return text.Append(')').ToString();
    }

    /// <summary>The statement for further rows of the one folder that the first one has made.</summary>
    public string ForNext(string select, string path, int batchDivisor)
    {
        var text = new StringBuilder("COPY (SELECT * EXCLUDE (").AppendJoin(", ", Settings.PartitionBy.Select(SqlText.Name)).Append(") FROM (").Append(Shaped(WithFolders(select)));
        text.Append(")) TO ").Append(SqlText.Literal(path)).Append(" (");
        AppendFormat(text, batchDivisor);
        return text.Append(')').ToString();
    }

    /// <summary>
    /// The statement for rows whose array comes element by element. What DuckDB's writer puts around rows and between them are pieces of JSON: the comma
    /// before the array's name, and those between its elements, come from there. One piece follows the other in the order of the rows.
    /// </summary>
    /// <param name="select">The stream's columns, an array of one element as the last of them, and <paramref name="first"/>.</param>
    /// <param name="first">Whether a row begins.</param>
    public string ForElements(string select, string first)
    {
        var keys = Columns.Take(Columns.Count - 1).ToArray();
        var array = SqlText.Name(Columns[^1].Name);
        var taken = Columns.Select(static column => column.Name).Append(first).ToList();
        var (number, next) = (Taken("millrace_number"), Taken("millrace_next"));
        var nextKeys = keys.Select((_, i) => Taken($"millrace_next_{i}")).ToArray();
        var ahead = keys.Select((key, i) => $", lead({SqlText.Name(key.Name)}) OVER () AS {nextKeys[i]}");
        var rows = $"SELECT *, row_number() OVER () AS {number}, lead({SqlText.Name(first)}) OVER () AS {next}{string.Concat(ahead)} FROM ({select})";
        var opened = Members(keys.Select(static key => SqlText.Name(key.Name)));
        var text = new StringBuilder("COPY (SELECT CASE WHEN ").Append(number).Append(" = 1 THEN ").Append(opened).Append(" || ',' ELSE '' END");
        text.Append(" || CASE WHEN ").Append(SqlText.Name(first)).Append(" THEN ").Append(NameOf(Columns[^1])).Append(" || ':[' ELSE '' END");
        text.Append(" || coalesce(to_json(").Append(array).Append("[1])::VARCHAR, 'null')");
        text.Append(" || CASE WHEN ").Append(next).Append(" THEN E']}\\n{' || ").Append(Members(nextKeys)).Append(" ELSE '' END AS json FROM (").Append(rows).Append(")) TO ");
        text.Append(SqlText.Literal(Path)).Append(" (");
        AppendLines(text);
        return text.Append(", PREFIX '{', NEW_LINE ',', SUFFIX E']}\\n')").ToString();

        string Members(IEnumerable<string> values) => string.Join(" || ',' || ", keys.Zip(values, static (key, value) => Member(key, value)));

        string Taken(string name)
        {
            var free = SqlText.Free(name, taken);
            taken.Add(free);
            return SqlText.Name(free);
        }
    }

    /// <summary>The partition folders of a written file, with <c>/</c> at their end, and whether its rows are those that the next load may replace.</summary>
    /// <param name="relative">The file's path below the unit's folder, with <c>/</c>.</param>
    public (string Folder, bool IsReplaceable) FolderOf(string relative)
    {
        var isReplaceable = false;
        if (IsParted)
        {
            var end = relative.IndexOf('/', StringComparison.Ordinal);
            isReplaceable = relative.AsSpan(0, end).EndsWith("=true", StringComparison.Ordinal);
            relative = relative[(end + 1)..];
        }

        if (Settings.PartitionBy.Length > 0 && HasFileColumn) relative = relative[(relative.IndexOf('/', StringComparison.Ordinal) + 1)..];
        return (Settings.PartitionBy.Length == 0 ? "" : relative[..(relative.LastIndexOf('/') + 1)], isReplaceable);
    }

    private bool IsParted => Settings.Parting?.From is not null;

    /// <summary>The rows of an incremental load, each with a cursor, and whether the next load may read it again.</summary>
    private string Parted(string select)
    {
        if (Settings.Parting is not { } parting) return select;
        var rows = parting.WithoutNulls(select);
        return IsParted ? parting.WithFlag(rows, WindowColumn()) : rows;
    }

    /// <summary>The values that are in the folders' names only.</summary>
    private string WithFolders(string select)
    {
        if (Settings.Folders.IsEmpty) return select;
        var text = new StringBuilder("SELECT *");
        foreach (var folder in Settings.Folders) text.Append(", (").Append(folder.Sql).Append("\n) AS ").Append(SqlText.Name(folder.Name));
        return text.Append(" FROM (").Append(select).Append(") AS ").Append(StageHeader.Input).ToString();
    }

    /// <summary>
    /// A partition's rows together: one file each, and few in memory at once. Unsorted, a thousand partitions took 15 times as long and gave 22
    /// files each; of twenty-four the sort costs a tenth.
    /// </summary>
    private string Ordered(string select)
    {
        if (!Settings.Sorts) return select;
        var terms = Settings.PartitionBy.Select(static name => new OrderTerm(name, Descending: false, NullsFirst: false)).Concat(Settings.ClusterBy);
        return $"SELECT * FROM ({select}) ORDER BY {string.Join(", ", terms.Select(term => term.ToSql(TypeOf(term.Column))))}";
    }

    private DuckDbType TypeOf(string name) => DuckDbType.Parse(FolderColumn.TypeOf(name, Settings.Folders, Columns)!);

    private bool IsPartition(Column column) => Settings.PartitionBy.Contains(column.Name, StringComparer.OrdinalIgnoreCase);

    private string Shaped(string select) => Settings.Format switch
    {
        FileFormat.Ndjson => JsonLines(select),
        FileFormat.Csv when Columns.Count - Settings.PartitionBy.Length + Settings.Folders.Length == 1 => OneColumn(select),
        _ => select,
    };

    /// <summary>A row whose only field is NULL would be a blank line, which most readers skip: a lost row.</summary>
    private string OneColumn(string select)
    {
        var text = new StringBuilder("SELECT ");
        foreach (var column in Columns)
        {
            if (text.Length > 7) text.Append(", ");
            var name = SqlText.Name(column.Name);
            if (IsPartition(column)) text.Append(name);
            else text.Append("CASE WHEN ").Append(name).Append(" IS NULL THEN error(").Append(SqlText.Literal(BlankLineError)).Append(") ELSE ").Append(name).Append(" END AS ").Append(name);
        }

        foreach (var folder in Settings.Folders) text.Append(", ").Append(SqlText.Name(folder.Name));
        if (IsParted) text.Append(", ").Append(SqlText.Name(WindowColumn()));
        return text.Append(" FROM (").Append(select).Append(')').ToString();
    }

    /// <summary>
    /// One JSON text a row. DuckDB's own JSON writer does the same but can't split into files, and it rewrites numbers inside JSON
    /// columns (12345678901234567890.5 becomes 1.2345678901234567e19): those columns' texts are put in as they are.
    /// </summary>
    private string JsonLines(string select)
    {
        var text = new StringBuilder("SELECT ");
        if (Columns.Any(column => !IsPartition(column) && IsJson(column)))
        {
            var lead = "'{' || ";
            foreach (var column in Columns)
            {
                if (IsPartition(column)) continue;
                text.Append(lead).Append(Member(column, SqlText.Name(column.Name)));
                lead = " || ',' || ";
            }

            text.Append(" || '}'");
        }
        else
        {
            text.Append("to_json(struct_pack(");
            var first = true;
            foreach (var column in Columns)
            {
                if (IsPartition(column)) continue;
                if (!first) text.Append(", ");
                first = false;
                text.Append(SqlText.Name(column.Name)).Append(" := ").Append(SqlText.Name(column.Name));
            }

            text.Append("))::VARCHAR");
        }

        text.Append(" AS ").Append(SqlText.Name(Free("json")));
        foreach (var name in Settings.PartitionBy) text.Append(", ").Append(SqlText.Name(name));
        if (IsParted) text.Append(", ").Append(SqlText.Name(WindowColumn()));
        return text.Append(" FROM (").Append(select).Append(')').ToString();
    }

    /// <summary>A column's name and value as JSON.</summary>
    /// <param name="column">The column.</param>
    /// <param name="value">SQL of the value.</param>
    private static string Member(Column column, string value)
    {
        var json = IsJson(column) ? $"replace(replace({value}::VARCHAR, chr(10), ' '), chr(13), ' ')" : $"to_json({value})::VARCHAR";
        return $"{NameOf(column)} || ':' || coalesce({json}, 'null')";
    }

    private static string NameOf(Column column) => $"to_json({SqlText.Literal(column.Name)})::VARCHAR";

    private void AppendLines(StringBuilder text) =>
        text.Append("FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER E'\\n', COMPRESSION ").Append(Settings.Codec);

    private void AppendFormat(StringBuilder text, int batchDivisor)
    {
        switch (Settings.Format)
        {
            case FileFormat.Parquet:
                // Version 2 pages are smaller, but Spark can't read all of them.
                text.Append("FORMAT parquet, PARQUET_VERSION v1, COMPRESSION ").Append(Settings.Codec);
                if (Settings.Level is { } level) text.Append(", COMPRESSION_LEVEL ").Append(level);
                // Into folders rows come stretch by stretch, and DuckDB writes one of more than half a row group at once, before what is left of
                // the one before: where they are in order, no stretch may be as long.
                var isOrdered = !Settings.ClusterBy.IsEmpty && HasFolders;
                var rows = isOrdered ? 2 * Math.Max(Settings.RowGroupRows, Settings.FlushRows + Limits.RowGroupRowsMin) : Settings.RowGroupRows;
                text.Append(", ROW_GROUP_SIZE ").Append(rows);
                text.Append(", ROW_GROUP_SIZE_BYTES ").Append(Limits.RowGroupBytesMax * (isOrdered ? 2 : 1) / batchDivisor);
                break;
            case FileFormat.Csv:
                text.Append("FORMAT csv, HEADER true, DELIMITER ").Append(SqlText.Literal(Settings.Delimiter.ToString()));
                text.Append(", QUOTE '\"', ESCAPE '\"', COMPRESSION ").Append(Settings.Codec);
                break;
            default:
                AppendLines(text);
                break;
        }
    }

    private void AppendSplit(StringBuilder text)
    {
        if (!Settings.ManyFiles) return;
        // The statistics have each file's rows, and take 12 KB of memory a file and more, too much for many folders. They cost 0.7 ms of the 1.9 ms that a COPY of a few rows takes: not for what is known without.
        text.Append(ReportsRows(Settings) ? ", RETURN_STATS true" : ", RETURN_FILES true");
        text.Append(", FILENAME_PATTERN 'part_{i}', FILE_EXTENSION ").Append(SqlText.Literal(Settings.Ending[1..]));
        if (Settings.MaxFileBytes is { } bytes)
        {
            text.Append(", FILE_SIZE_BYTES ").Append(bytes);
            return;
        }

        // The window's folder is the outermost: FolderOf takes it off.
        string[] folders = [.. IsParted ? [WindowColumn()] : Array.Empty<string>(), .. HasFileColumn ? [FileColumn()] : Array.Empty<string>(), .. Settings.PartitionBy];
        text.Append(", PARTITION_BY (").AppendJoin(", ", folders.Select(SqlText.Name));
        text.Append("), WRITE_PARTITION_COLUMNS false");
    }

    /// <summary>Whether rows are told the number of their file: not where a unit is one.</summary>
    private bool HasFileColumn => Settings.MaxRowsPerFile is not null && !OneFolder && !(Settings.IsGathered && !Settings.ClusterBy.IsEmpty);

    /// <summary>
    /// The number of a row's file. DuckDB puts fewer than 64 rows for a file aside, and behind later ones: where they are in order, a file begins where a
    /// vector of theirs does, or lies within one.
    /// </summary>
    private string FileNumber(long most)
    {
        const string Row = "(row_number() OVER () - 1)";
        const long Vector = Limits.RowGroupRowsMin;
        if (Settings.ClusterBy.IsEmpty) return $"{Row} // {most}";
        if (most >= Vector) return $"{Row} // {most / Vector * Vector}";
        var files = (Vector + most - 1) / most;
        return $"{Row} // {Vector} * {files} + {Row} % {Vector} // {(Vector + files - 1) / files}";
    }

    private bool HasFolders => Settings.MaxFileBytes is null && Settings.ManyFiles;

    private string FileColumn() => Free("millrace_file");

    private string WindowColumn() => Free("millrace_window");

    private string Free(string name) => SqlText.Free(name, Columns.Select(static column => column.Name).Concat(Settings.PartitionBy));

    private static bool IsJson(Column column) => DuckDbType.TryParse(column.Type, out var type) && type.IsJson;
}
