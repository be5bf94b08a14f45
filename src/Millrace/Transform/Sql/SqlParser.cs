using System.Text.Json;
using Millrace.DuckDb;

namespace Millrace.Transform;

/// <summary>SQL as DuckDB's own parser reads it. Nothing is looked up and nothing runs.</summary>
internal sealed class SqlParser(DuckDbConnection connection)
{
    // How often a semicolon is looked for that ends the statement; those in texts and comments count.
    private const int SemicolonsMax = 16;

    /// <summary>The tree of one SELECT.</summary>
    /// <exception cref="Faults.Fault">It is none, or more than that.</exception>
    public JsonElement Select(SqlSource source) => SelectOf(source.Sql, source);

    /// <summary>The text of one SELECT so that it can stand in parentheses: without a semicolon, and with a line's end after a comment.</summary>
    /// <exception cref="Faults.Fault">It is none, or more than that.</exception>
    public string Enclosable(SqlSource source)
    {
        var text = source.Sql;
        Select(source);
        var tree = Serialized(text);
        for (var at = text.Length; at >= 0;)
        {
            foreach (var candidate in (ReadOnlySpan<string>)[text, text + "\n"])
            {
                if (IsOneSubquery(source.Tree(Serialized($"SELECT * FROM ({candidate})")))) return candidate;
            }

            at = NextSemicolon(ref text, at, tree);
        }

        throw source.Fault("the SQL is more than a SELECT", "Write one SELECT, without anything before or after it.");
    }

    /// <summary>The tree of one scalar expression, whose text can stand in parentheses with a line's end after it.</summary>
    /// <exception cref="Faults.Fault">It is none, or more than that.</exception>
    public JsonElement Expression(SqlSource source)
    {
        // By itself and in parentheses: `a, b` is a row in parentheses, and `a) or (b` closes one pair and opens another.
        var item = OnlyItem(SelectOf("SELECT " + source.Sql, source));
        if (item is not null && OnlyItem(SelectOf($"SELECT ({source.Sql}\n)", source)) is not null) return item.Value;
        throw source.Fault("this is not one expression", "Write one expression, such as lower(name), without AS and without SELECT.");
    }

    private JsonElement SelectOf(string sql, SqlSource source)
    {
        if (sql.Length > Limits.SqlCharsMax) throw source.Fault($"the SQL has {sql.Length} characters; at most {Limits.SqlCharsMax} are allowed");
        if (sql.Contains('\0', StringComparison.Ordinal)) throw source.Fault("the SQL holds a NUL character");
        var parsed = source.Tree(Serialized(sql));
        if (parsed.GetProperty("error").GetBoolean())
        {
            throw parsed.GetProperty("error_type").GetString() == "not implemented"
                ? source.Fault("only a SELECT can stand here", "Write one SELECT. PIVOT, COPY, SET and the like are no SELECT.")
                : source.Refusal(parsed);
        }

        var statements = parsed.GetProperty("statements");
        if (statements.GetArrayLength() == 0) throw source.Fault("there is no SQL", "Write one SELECT.");
        if (statements.GetArrayLength() > 1) throw source.Fault("there are several statements", "Write one SELECT.");
        if (statements[0].TryGetProperty("named_param_map", out var parameters) && parameters.GetArrayLength() > 0)
            throw source.Fault("the SQL has a parameter, which nobody fills", "Write the value itself, or ${NAME}.");
        return statements[0].GetProperty("node");
    }

    // Takes the last semicolon before a place out of the text when the statement stays what it is; -1 when there is no further one to try.
    private int NextSemicolon(ref string text, int at, string tree)
    {
        for (var tries = 0; tries < SemicolonsMax && at > 0; tries++)
        {
            at = text.LastIndexOf(';', at - 1);
            if (at < 0) return -1;
            var without = string.Concat(text.AsSpan(0, at), " ", text.AsSpan(at + 1));
            if (Serialized(without) != tree) continue;
            text = without;
            return at;
        }

        return -1;
    }

    private static bool IsOneSubquery(JsonElement parsed) =>
        !parsed.GetProperty("error").GetBoolean()
        && parsed.GetProperty("statements") is var statements
        && statements.GetArrayLength() == 1
        && statements[0].GetProperty("node") is var node
        && node.GetProperty("type").GetString() == "SELECT_NODE"
        && IsPlain(node)
        && node.GetProperty("from_table").GetProperty("type").GetString() == "SUBQUERY";

    private static JsonElement? OnlyItem(JsonElement node) =>
        node.GetProperty("type").GetString() == "SELECT_NODE"
        && IsPlain(node)
        && node.GetProperty("from_table").GetProperty("type").GetString() == "EMPTY"
        && node.GetProperty("select_list").GetArrayLength() == 1
        && node.GetProperty("select_list")[0] is var item
        && !item.TryGetProperty("alias", out _)
            ? item
            : null;

    // A SELECT list and a FROM, nothing else.
    private static bool IsPlain(JsonElement node)
    {
        foreach (var part in node.EnumerateObject())
        {
            if (part.Name is "type" or "select_list" or "from_table") continue;
            if (part.Name == "aggregate_handling" && part.Value.GetString() == "STANDARD_HANDLING") continue;
            return false;
        }

        return true;
    }

    // What is null, empty or not there is left out of the tree.
    private string Serialized(string sql)
    {
        const string Options = "skip_null := true, skip_empty := true, skip_default := false";
        using var result = connection.Query($"SELECT json_serialize_sql({SqlText.Literal(sql)}, {Options})::VARCHAR");
        result.Read();
        return result.GetText(0)!;
    }
}
