using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using Millrace.DuckDb;

namespace Millrace.Connectors.Files.Source;

/// <summary>
/// The part of a unit's SELECT that rejects rows where a stream has a quarantine. A bad value is NULL there, and beside the values their raw
/// texts are carried, so that a value that is NULL without reason is known, and the row's file and number. What makes the note of a row is
/// computed for bad rows only.
/// </summary>
/// <param name="layout">How files are read.</param>
/// <param name="column">What the column of notes is called.</param>
internal sealed class RejectSql(FileLayout layout, string column)
{
    private const string File = "\"millrace at\"";
    private const string Row = $"\"{UnitScan.Row}\"";
    private const string Broken = $"\"{UnitScan.Broken}\"";
    private const string Record = $"\"{UnitScan.Record}\"";

    private static readonly HashSet<string> Comparing = new(StringComparer.OrdinalIgnoreCase) { "and", "or", "not", "in", "like", "ilike", "between", "true", "false", "date", "timestamp" };

    // What the target gets, and what the condition may look at: a value that neither has need not be right.
    private readonly ImmutableArray<(FileColumn Column, int Place, bool IsMentioned)> _watched =
    [
        .. layout.Columns.Select((one, place) => (Column: one, place, IsMentioned: Mentions(layout.Where, one.Name)))
            .Where(one => one.IsMentioned || layout.Output.Any(output => output.Source == one.Column.Name)),
    ];

    /// <summary>
    /// Whether every scan has the columns <see cref="UnitScan.Broken"/> and <see cref="UnitScan.Record"/>: records whose structure is broken
    /// are rows there that are rejected, whatever the condition says, which has nothing to look at.
    /// </summary>
    public bool TakesBroken { get; set; }

    /// <summary>What a scan gives beside the values.</summary>
    /// <param name="raw">SQL of a column's raw value there.</param>
    /// <param name="file">SQL of the path of the file that a row is from.</param>
    /// <param name="row">SQL of the row's number there; null: not known.</param>
    public string Beside(Func<FileColumn, string> raw, string file, string? row)
    {
        var raws = _watched.Select(one => $", CAST({raw(one.Column)} AS VARCHAR) AS {Raw(one.Place)}");
        return $"{string.Concat(raws)}, {file} AS {File}, {row ?? "NULL::BIGINT"} AS {Row}{(TakesBroken ? $", {Broken}, {Record}" : "")}";
    }

    /// <summary>
    /// The condition, and rows with a bad value unless it is false for them whatever that value is. Comparisons with NULL are neither true nor
    /// false, so they tell; what asks for NULL itself does not: there, a row whose bad value the condition may look at is always rejected.
    /// </summary>
    public string Where(string condition)
    {
        var bad = _watched.Where(static one => one.Column.Nothing is not null).ToArray();
        var broken = TakesBroken ? $" WHEN {Broken} IS NOT NULL THEN true" : "";
        if (bad.Length == 0) return TakesBroken ? $"CASE{broken} ELSE ({condition}\n) END" : $"({condition}\n)";
        var mentioned = TellsFalse(condition) ? [] : bad.Where(static one => one.IsMentioned).Select(IsBad).ToArray();
        var open = mentioned.Length == 0 ? "" : $" WHEN {string.Join(" OR ", mentioned)} THEN true";
        return $"CASE{broken}{open} WHEN {string.Join(" OR ", bad.Select(IsBad))} THEN coalesce(({condition}\n), true) ELSE ({condition}\n) END";
    }

    /// <summary>The column of notes: see <see cref="Extract.RejectNote"/>.</summary>
    public string Note()
    {
        var causes = new List<(string Condition, string Reject)>();
        foreach (var one in _watched.Where(static one => one.Column.Nothing is not null))
            causes.Add((IsBad(one), Reject(one.Column, Raw(one.Place), $", expected {ReadErrors.Expected(one.Column)}")));
        foreach (var output in layout.Output.Where(static output => output.Refuses))
        {
            var (source, place, _) = _watched.First(one => one.Column.Name == output.Source);
            var value = SqlText.Name(source.Name);
            var fit = output.Fit.Replace(FileColumn.Hole, value, StringComparison.Ordinal);
            causes.Add(($"({value} IS NOT NULL AND {fit} IS NULL)", Reject(source, Text(source, place), $", which the target can't hold as {source.Type}")));
        }

        var at = $"'place', {layout.BelowRoot(File)} || coalesce(', row ' || {Row}, '')";
        var broken = !TakesBroken ? "" : $" WHEN {Broken} IS NOT NULL THEN CAST(json_object({at}, 'rejects', [{{'column': NULL::VARCHAR, 'reason': {Broken},"
            + $" 'value': left({Record}, {Limits.RejectValueCharsMax})}}], 'text', {Record}) AS VARCHAR)";
        if (causes.Count == 0) return $"{(TakesBroken ? $"CASE{broken} END" : "NULL::VARCHAR")} AS {SqlText.Name(column)}";
        var rejects = string.Join(", ", causes.Select(static cause => $"CASE WHEN {cause.Condition} THEN {cause.Reject} END"));
        var row = string.Join(", ", _watched.Select(one => $"{SqlText.Literal(one.Column.Name)}, {Text(one.Column, one.Place)}"));
        return $"CASE{broken} WHEN {string.Join(" OR ", causes.Select(static cause => cause.Condition))} THEN CAST(json_object({at}, 'rejects',"
            + $" list_filter([{rejects}], lambda x: x IS NOT NULL), 'row', json_object({row})) AS VARCHAR) END AS {SqlText.Name(column)}";
    }

    /// <summary>The row as its file spells it; what was read without its text, which is spelled the usual way then, as it is printed.</summary>
    private static string Text(FileColumn column, int place) => $"coalesce({Raw(place)}, CAST({SqlText.Name(column.Name)} AS VARCHAR))";

    private static string Reject(FileColumn column, string value, string reason) =>
        $"{{'column': {SqlText.Literal(column.Name)}, 'reason': 'found ''' || left({value}, {BadValue.ValueCharsMax}) || '''' || {SqlText.Literal(reason)},"
        + $" 'value': left({value}, {Limits.RejectValueCharsMax})}}";

    private static string IsBad((FileColumn Column, int Place, bool IsMentioned) one) =>
        $"({SqlText.Name(one.Column.Name)} IS NULL AND NOT ({one.Column.Nothing!.Replace(FileColumn.Hole, Raw(one.Place), StringComparison.Ordinal)}))";

    private static string Raw(int place) => string.Create(CultureInfo.InvariantCulture, $"\"millrace raw {place}\"");

    /// <summary>Whether a condition that is false with NULL in the place of some value is false with every value: it only compares.</summary>
    private bool TellsFalse(string condition)
    {
        var words = Regex.Matches(
            Regex.Replace(condition, "'[^']*'|\"[^\"]*\"", " ", RegexOptions.NonBacktracking),
            @"(?<word>[^\W\d]\w*)(?<call>\s*\()?|[\[\]{}?:$]|--|/\*", RegexOptions.NonBacktracking);
        return words.All(word => Comparing.Contains(word.Groups["word"].Value)
            || (!word.Groups["call"].Success && layout.Columns.Any(one => one.Name.Equals(word.Value, StringComparison.OrdinalIgnoreCase))));
    }

    /// <summary>Whether a condition may look at a column; a word in a text of the condition counts too.</summary>
    private static bool Mentions(string? condition, string name) => condition is not null
        && (condition.Contains(SqlText.Name(name), StringComparison.OrdinalIgnoreCase)
            || Regex.Matches(condition, @"\w+", RegexOptions.NonBacktracking).Any(word => word.Value.Equals(name, StringComparison.OrdinalIgnoreCase)));
}
