using System.Collections.Immutable;
using Millrace.Faults;

namespace Millrace.Jobs.Reading;

/// <summary>Reads an order: columns, each with a direction and the place of NULL behind it.</summary>
internal static class OrderReading
{
    /// <summary>A term or a list of them; none when the key is not there.</summary>
    public static ImmutableArray<OrderTerm> Read(MapReader reader, string key)
    {
        var texts = reader.Texts(key);
        var terms = ImmutableArray.CreateBuilder<OrderTerm>(texts.Length);
        foreach (var text in texts)
        {
            if (Term(text) is { } term)
            {
                terms.Add(term);
            }
            else
            {
                reader.Fault(key, $"found {Words.Quote(text)}, expected a column, with desc or nulls first behind it if need be", "Put a column with odd characters in double quotes: '\"the column\" desc'.");
            }
        }

        ColumnReading.Distinct(reader, key, terms.Select(term => term.Column));
        return terms.ToImmutable();
    }

    /// <summary>Reads <c>at</c>, <c>at desc</c>, <c>"the column" asc nulls first</c>. Null: it is none.</summary>
    private static OrderTerm? Term(string text)
    {
        var rest = text.AsSpan().Trim();
        var nullsFirst = Cut(ref rest, "nulls", "first");
        _ = nullsFirst || Cut(ref rest, "nulls", "last");
        var descending = Cut(ref rest, "desc");
        _ = descending || Cut(ref rest, "asc");
        if (rest.IsEmpty) return null;
        var column = rest[0] == '"' ? SqlWords.Name(rest.ToString()) : rest.ToString();
        return column is null ? null : new OrderTerm(column, descending, nullsFirst);
    }

    /// <summary>Takes words off the end; not when nothing else would be left: a column can be called <c>desc</c>.</summary>
    private static bool Cut(ref ReadOnlySpan<char> text, params ReadOnlySpan<string> words)
    {
        var rest = text;
        for (var i = words.Length - 1; i >= 0; i--)
        {
            if (!rest.EndsWith(words[i], StringComparison.OrdinalIgnoreCase)) return false;
            var before = rest[..^words[i].Length];
            rest = before.TrimEnd();
            if (rest.Length == before.Length) return false;
        }

        text = rest;
        return true;
    }
}
