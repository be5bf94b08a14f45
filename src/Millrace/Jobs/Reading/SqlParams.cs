using System.Collections.Immutable;
using System.Text;
using Millrace.Faults;

namespace Millrace.Jobs.Reading;

/// <summary>
/// Puts parameters into SQL: <c>$name</c> becomes a literal wherever it is a word of its own, and nowhere inside of texts, quoted names,
/// comments, dollar quotes and names with a <c>$</c> in them. A literal can't become anything else, whatever stands beside it.
/// </summary>
internal sealed class SqlParams
{
    private const int NamesShownMax = 5;

    private readonly ImmutableSortedDictionary<string, JobParam> values;
    private readonly FaultList faults;
    private long filled;

    /// <summary>Parameters by name.</summary>
    /// <param name="values">The parameters.</param>
    /// <param name="faults">Takes every name that is none.</param>
    public SqlParams(ImmutableSortedDictionary<string, JobParam> values, FaultList faults)
    {
        this.values = values;
        this.faults = faults;
    }

    /// <summary>The SQL with its parameters; a mistake is noted at the mark and left as it is.</summary>
    public string Fill(string sql, Mark mark)
    {
        if (!sql.Contains('$', StringComparison.Ordinal)) return sql;
        var text = new StringBuilder(sql.Length);
        for (var at = 0; at < sql.Length;)
        {
            var end = SqlWords.End(sql, at);
            if (sql[at] == '$' && end > at + 1 && sql.IndexOf('$', at + 1, end - at - 1) < 0)
            {
                Put(text, sql, at, end, mark);
            }
            else
            {
                text.Append(sql, at, end - at);
            }

            at = end;
        }

        return text.ToString();
    }

    private void Put(StringBuilder text, string sql, int at, int end, Mark mark)
    {
        var name = sql[(at + 1)..end];
        if (!values.TryGetValue(name, out var value))
        {
            text.Append(sql, at, end - at);
            Unknown(name, mark);
            return;
        }

        var literal = value.Literal;
        filled += literal.Length;
        if (filled > Limits.ParamFilledCharsMax)
        {
            // Said once: what comes after it would only repeat it.
            if (filled - literal.Length <= Limits.ParamFilledCharsMax)
            {
                faults.Add(
                    mark,
                    $"found parameters that put more than {Limits.ParamFilledCharsMax} characters into the job's SQL",
                    "Use shorter values, or keep them in a table and join it.");
            }

            return;
        }

        // A text beside a text, or a number beside a point, would be read as one word.
        if (text.Length > 0 && text[^1] is '\'' or '.') text.Append(' ');
        text.Append(literal);
        if (end < sql.Length && sql[end] is '\'' or '.') text.Append(' ');
    }

    private void Unknown(string name, Mark mark)
    {
        var names = values.Keys.ToArray();
        var advice = Words.Nearest(name, names) is { } nearest ? $"Did you mean '${nearest}'?"
            : names.Length == 0 ? $"Add 'params: {{{name}: ...}}' to the top of the job file; text goes in single quotes."
            : "Add it to params at the top of the job file; text goes in single quotes.";
        string[] more = names.Length > NamesShownMax ? [$"{names.Length - NamesShownMax} more"] : [];
        var expected = names.Length == 0 ? "" : $", expected {Words.OneOf([.. names.Take(NamesShownMax).Select(one => "$" + one), .. more])}";
        faults.Add(mark, $"found {Words.Quote("$" + name)}, which is no parameter of this job{expected}", advice);
    }
}
