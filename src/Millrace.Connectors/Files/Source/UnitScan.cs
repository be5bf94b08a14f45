using System.Collections.Immutable;
using System.Text;
using Millrace.DuckDb;

namespace Millrace.Connectors.Files.Source;

/// <summary>
/// The SELECT of one unit as it grows file by file: in the middle the decoded columns by their names in the files, outside the
/// condition and what the target can hold.
/// </summary>
internal sealed class UnitScan(FileLayout layout, RejectSql? rejects = null)
{
    /// <summary>The column that names the file a row is from, where several files are read by one scan.</summary>
    public const string FileName = "millrace file";

    /// <summary>The column with a row's number among its file's rows, from 1.</summary>
    public const string Row = "millrace row";

    /// <summary>The column that says what is broken about a record's structure; NULL: nothing.</summary>
    public const string Broken = "millrace broken";

    /// <summary>The column with a broken record's text.</summary>
    public const string Record = "millrace record";

    private readonly List<string> _scans = [];
    private readonly List<(string From, IReadOnlyDictionary<string, string> Raws, string? Objects)> _sources = [];
    private readonly Dictionary<string, string> _quick = new(StringComparer.OrdinalIgnoreCase);
    private readonly ImmutableArray<FileColumn> _needed = layout.Where is not null
        ? layout.Columns
        : [.. layout.Columns.Where(column => layout.Output.Any(output => output.Source == column.Name))];

    /// <summary>What rejects rows; null: nothing does.</summary>
    public RejectSql? Rejects => rejects;

    /// <summary>Whether a scan over several files must give the <see cref="FileName"/>.</summary>
    public bool NeedsFileName => rejects is not null || _needed.Any(column => column.Origin != ColumnOrigin.Content);

    /// <summary>Adds a relation.</summary>
    /// <param name="from">The relation.</param>
    /// <param name="raws">How the relation names the content's columns; one that is missing is NULL.</param>
    /// <param name="file">SQL of the absolute path of the file that a row is from.</param>
    /// <param name="objects">JSON: the relation of the objects' texts, before any check.</param>
    /// <param name="row">SQL of the row's number in its file; null: not known.</param>
    public void Add(string from, IReadOnlyDictionary<string, string> raws, string file, string? objects = null, string? row = null)
    {
        _sources.Add((from, raws, objects));
        var sql = new StringBuilder("SELECT ");
        foreach (var column in _needed)
        {
            sql.Append(Value(column, raws, file)).Append(" AS ").Append(SqlText.Name(column.Name)).Append(", ");
        }

        sql.Length -= 2;
        if (rejects is not null) sql.Append(rejects.Beside(column => Raw(column, raws, file), file, row));
        _scans.Add(sql.Append(" FROM ").Append(from).ToString());
    }

    /// <summary>
    /// Says that a column's values are there already wherever its raw text is NULL: only texts that are spelled in another way than the
    /// usual go through SQL.
    /// </summary>
    /// <param name="column">The column's name.</param>
    /// <param name="values">What the relation calls the values.</param>
    public void Quicken(string column, string values) => _quick[column] = values;

    /// <summary>The complete SELECT.</summary>
    public string Select()
    {
        var inner = _scans.Count == 0 ? Nothing() : string.Join(" UNION ALL ", _scans);
        var output = layout.Output.Select(column =>
            $"{column.Fit.Replace(FileColumn.Hole, SqlText.Name(column.Source), StringComparison.Ordinal)} AS {SqlText.Name(column.Name)}");
        // The line end keeps a comment in the condition from swallowing the parenthesis.
        var where = layout.Where is null ? "" : $" WHERE {rejects?.Where(layout.Where) ?? $"({layout.Where}\n)"}";
        if (rejects is not null) output = output.Append(rejects.Note());
        return $"SELECT {string.Join(", ", output)} FROM ({inner}) AS input{where}";
    }

    /// <summary>
    /// A relation for the search of one value: <c>v</c>, the value's text as the error showed it, and for JSON <c>j</c>, the object's.
    /// </summary>
    /// <param name="bad">What is looked for; null: an object that is no valid JSON.</param>
    public string Search(BadValue? bad)
    {
        var (from, raws, objects) = _sources[0];
        if (bad is null || bad.Reason is not (BadValue.Why.NoSuchValue or BadValue.Why.NotForTarget)) return $"(SELECT j, j AS v FROM {objects})";
        var column = layout.Columns[bad.Column];
        var raw = raws[column.Name];
        return $"(SELECT CAST({(bad.Reason == BadValue.Why.NotForTarget ? column.Over(raw) : raw)} AS VARCHAR) AS v FROM {from})";
    }

    private string Nothing() =>
        "SELECT " + string.Join(", ", _needed.Select(column => $"NULL::{column.Type} AS {SqlText.Name(column.Name)}")) + rejects?.Beside(static _ => "NULL", "NULL::VARCHAR", null) + " WHERE false";

    private string FileOf(string file) => layout.BelowRoot(file);

    private static string Raw(FileColumn column, IReadOnlyDictionary<string, string> raws, string file) => column.Origin switch
    {
        ColumnOrigin.FileName => "NULL",
        ColumnOrigin.Folder => Folder(column.Name, file),
        _ => raws.TryGetValue(column.Name, out var raw) ? raw : "NULL",
    };

    private string Value(FileColumn column, IReadOnlyDictionary<string, string> raws, string file) => column.Origin switch
    {
        ColumnOrigin.FileName => FileOf(file),
        ColumnOrigin.Folder => column.Over(Folder(column.Name, file)),
        _ when !raws.ContainsKey(column.Name) => $"NULL::{column.Type}",
        _ when _quick.TryGetValue(column.Name, out var values) => $"CASE WHEN {raws[column.Name]} IS NULL THEN {values} ELSE {column.Over(raws[column.Name])} END",
        _ => column.Over(raws[column.Name]),
    };

    private static string Folder(string key, string file)
    {
        var pattern = $"/{System.Text.RegularExpressions.Regex.Escape(Uri.EscapeDataString(key))}=([^/]*)/";
        return $"nullif(url_decode(regexp_extract({file}, {SqlText.Literal(pattern)}, 1)), '{LayoutBuilder.HiveNull}')";
    }
}
