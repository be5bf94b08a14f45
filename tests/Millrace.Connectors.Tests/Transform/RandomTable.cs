using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Millrace.Connectors.Tests.Transform;

/// <summary>A column of a random table.</summary>
/// <param name="Name">Its name, unquoted.</param>
/// <param name="Type">What its values are; the words of <see cref="RandomTable"/>.</param>
internal sealed record RandomColumn(string Name, string Type)
{
    /// <summary>Its name in SQL.</summary>
    public string Sql => $"\"{Name}\"";
}

/// <summary>How often the values of a key come.</summary>
internal enum KeySpread
{
    /// <summary>A few values, each often.</summary>
    Few,

    /// <summary>Many values, each a few times.</summary>
    Many,

    /// <summary>Half of the rows have one value.</summary>
    Skewed,

    /// <summary>Each value once.</summary>
    Different,

    /// <summary>One value.</summary>
    Equal,

    /// <summary>Nothing but NULL.</summary>
    Nulls,
}

/// <summary>A table whose width, types and values follow from a <see cref="Random"/>: a SELECT of DuckDB.</summary>
internal sealed class RandomTable
{
    // Values over h, 64 random bits of each.
    private static readonly (string Type, string Sql)[] s_values =
    [
        ("INTEGER", "(h % 200)::INTEGER - 100"),
        ("BIGINT", "CASE h % 7 WHEN 0 THEN 9223372036854775807 WHEN 1 THEN -9223372036854775808 ELSE (h % 1000)::BIGINT END"),
        ("UTINYINT", "(h % 256)::UTINYINT"),
        ("DECIMAL(9,2)", "((h % 19999)::INTEGER - 9999) * 0.01"),
        ("DECIMAL(38,10)", "((h % 1999999)::BIGINT - 999999)::DECIMAL(38,10) * 1000003"),
        ("DOUBLE", "CASE h % 23 WHEN 0 THEN 'nan'::DOUBLE WHEN 1 THEN 'inf'::DOUBLE WHEN 2 THEN -0.0::DOUBLE WHEN 3 THEN 0.0 ELSE (h % 1000003) / 7.0 END"),
        ("DOUBLE", "(h % 1000003) / 7.0"),
        ("FLOAT", "CASE h % 11 WHEN 0 THEN '-inf'::FLOAT WHEN 1 THEN -0.0::FLOAT ELSE ((h % 999) / 7.0)::FLOAT END"),
        ("VARCHAR", "CASE h % 7 WHEN 0 THEN '' WHEN 1 THEN 'ü€😀 ' || (h % 5) WHEN 2 THEN repeat('long ', (h % 60)::INTEGER) WHEN 3 THEN 'a\"b,''c' || chr(10) ELSE 'v' || (h % 300) END"),
        ("DATE", "CASE h % 13 WHEN 0 THEN 'infinity'::DATE WHEN 1 THEN '-infinity'::DATE ELSE DATE '1960-01-01' + (h % 40000)::INTEGER END"),
        ("TIMESTAMP", "CASE h % 13 WHEN 0 THEN 'infinity'::TIMESTAMP WHEN 1 THEN '-infinity'::TIMESTAMP ELSE make_timestamp((h % 4000000000000000)::BIGINT) END"),
        ("TIMESTAMPTZ", "make_timestamptz((h % 4000000000000000)::BIGINT)"),
        ("TIME", "make_time((h % 24)::BIGINT, (h % 60)::BIGINT, (h % 59999999) / 1e6)"),
        ("BOOLEAN", "h % 3 = 0"),
        ("BLOB", "CASE h % 5 WHEN 0 THEN ''::BLOB ELSE unhex(md5((h % 500)::VARCHAR)) END"),
        ("UUID", "md5((h % 700)::VARCHAR)::UUID"),
        ("INTEGER[]", "CASE h % 6 WHEN 0 THEN [] WHEN 1 THEN [NULL::INTEGER] ELSE list_transform(range((h % 4)::BIGINT), x -> (x * (h % 9)::BIGINT)::INTEGER) END"),
        ("VARCHAR[]", "CASE h % 5 WHEN 0 THEN []::VARCHAR[] ELSE ['', NULL, 'ü' || (h % 9)] END"),
        ("STRUCT(a INTEGER, b VARCHAR)", "CASE h % 4 WHEN 0 THEN {'a': NULL::INTEGER, 'b': NULL::VARCHAR} ELSE {'a': (h % 5)::INTEGER, 'b': 'x' || (h % 3)} END"),
        ("STRUCT(a INTEGER, b DOUBLE)[]", "CASE h % 4 WHEN 0 THEN NULL ELSE [{'a': (h % 5)::INTEGER, 'b': (h % 7) / 8.0}, NULL] END"),
    ];

    // Keys over n, the number of the key; a type of the same group can be joined with it.
    private static readonly (string Type, int Group, string Sql)[] s_keys =
    [
        ("INTEGER", 0, "n::INTEGER"),
        ("BIGINT", 0, "n::BIGINT"),
        ("USMALLINT", 0, "n::USMALLINT"),
        ("DECIMAL(12,2)", 0, "n::DECIMAL(12,2)"),
        ("DOUBLE", 1, "CASE n WHEN 0 THEN CASE WHEN i % 2 = 0 THEN 0.0::DOUBLE ELSE -0.0::DOUBLE END WHEN 1 THEN 'nan'::DOUBLE WHEN 2 THEN 'inf'::DOUBLE WHEN 3 THEN '-inf'::DOUBLE ELSE n / 8.0 END"),
        ("FLOAT", 1, "CASE n WHEN 0 THEN CASE WHEN i % 2 = 0 THEN 0.0::FLOAT ELSE -0.0::FLOAT END WHEN 1 THEN 'nan'::FLOAT WHEN 2 THEN 'inf'::FLOAT WHEN 3 THEN '-inf'::FLOAT ELSE (n / 8.0)::FLOAT END"),
        ("VARCHAR", 2, "CASE n WHEN 0 THEN '' WHEN 1 THEN 'ü€😀' WHEN 2 THEN repeat('long ', 80) ELSE 'k' || n END"),
        ("DATE", 3, "CASE n WHEN 0 THEN 'infinity'::DATE WHEN 1 THEN '-infinity'::DATE ELSE DATE '2000-01-01' + n::INTEGER END"),
        ("TIMESTAMP", 4, "CASE n WHEN 0 THEN 'infinity'::TIMESTAMP WHEN 1 THEN '-infinity'::TIMESTAMP ELSE make_timestamp(n::BIGINT * 1000001) END"),
        ("BOOLEAN", 5, "n % 2 = 0"),
        ("BLOB", 6, "CASE n WHEN 0 THEN ''::BLOB ELSE encode('k' || n) END"),
        ("UUID", 7, "md5(n::VARCHAR)::UUID"),
        ("INTEGER[]", 8, "CASE n WHEN 0 THEN [] WHEN 1 THEN [NULL::INTEGER] ELSE [n::INTEGER, (n % 3)::INTEGER] END"),
        ("STRUCT(a INTEGER, b VARCHAR)", 9, "CASE n WHEN 0 THEN {'a': NULL::INTEGER, 'b': ''} ELSE {'a': (n % 5)::INTEGER, 'b': 'x' || n} END"),
    ];

    private static readonly string[] s_names = ["select", "Größe", "input", "l", "millrace"];

    private readonly List<string> _expressions = [];
    private readonly int _salt;

    private RandomTable(string name, int rows, int salt)
    {
        Name = name;
        Rows = rows;
        _salt = salt;
    }

    public string Name { get; }

    public int Rows { get; }

    /// <summary>The key's columns.</summary>
    public ImmutableArray<RandomColumn> Keys { get; private set; } = [];

    /// <summary>All columns.</summary>
    public ImmutableArray<RandomColumn> Columns { get; private set; } = [];

    /// <summary>How often each key comes.</summary>
    public KeySpread Spread { get; private set; }

    /// <summary>The rows.</summary>
    public string Select => string.Create(CultureInfo.InvariantCulture, $"SELECT {string.Join(", ", _expressions)} FROM range({Rows}) AS r(i)");

    /// <summary>The table that a pipeline begins with.</summary>
    public static RandomTable Left(Random random)
    {
        var table = new RandomTable("t", random.Next(6) switch { 0 => random.Next(3), 1 => random.Next(3, 200), _ => random.Next(1000, 4000) }, random.Next());
        var spread = (KeySpread)random.Next(6);
        for (var key = random.Next(1, 4); key > 0; key--) table.AddKey($"k{key}", random.Next(s_keys.Length), key == 1 ? spread : (KeySpread)random.Next(2), random);
        table.Spread = spread;
        var unusual = random.Next(s_names.Length * 2);
        for (var column = random.Next(0, 7); column > 0; column--)
        {
            table.AddValue(column == 1 && unusual < s_names.Length ? s_names[unusual] : $"c{column}", random);
        }

        return table;
    }

    /// <summary>A table that can be joined by these keys; small where each of its rows may find many.</summary>
    public static RandomTable Side(string name, IReadOnlyList<RandomColumn> keys, bool isHeavy, Random random)
    {
        var spread = (KeySpread)random.Next(6);
        var rows = random.Next(5) == 0 ? random.Next(2) : spread == KeySpread.Different || (spread == KeySpread.Many && !isHeavy) ? random.Next(3000) : random.Next(25);
        var table = new RandomTable(name, rows, random.Next()) { Spread = spread };
        foreach (var key in keys)
        {
            var group = s_keys.First(known => known.Type == key.Type).Group;
            var types = s_keys.Select(static (known, i) => (known, i)).Where(one => one.known.Group == group).Select(static one => one.i).ToArray();
            table.AddKey($"{name}{key.Name}", types[random.Next(types.Length)], keys[0] == key ? spread : (KeySpread)random.Next(2), random);
        }

        for (var column = random.Next(1, 4); column > 0; column--) table.AddValue($"{name}c{column}", random);
        return table;
    }

    /// <summary>Whether a column can be one of a join's key.</summary>
    public static bool IsKey(RandomColumn column) => s_keys.Any(known => known.Type == column.Type);

    private void AddKey(string name, int kind, KeySpread spread, Random random)
    {
        var hash = HashOf(random);
        var number = spread switch
        {
            KeySpread.Few => $"{hash} % 4",
            KeySpread.Many => $"{hash} % 700",
            KeySpread.Skewed => $"CASE WHEN {hash} % 2 = 0 THEN 5 ELSE {hash} % 300 END",
            KeySpread.Different => "i",
            KeySpread.Equal => "3",
            _ => "NULL::BIGINT",
        };
        if (random.Next(2) == 0 && spread != KeySpread.Equal) number = $"CASE WHEN {HashOf(random)} % 9 > 0 THEN {number} END";
        Add(new RandomColumn(name, s_keys[kind].Type), $"CASE WHEN ({number}) IS NOT NULL THEN ({Regex.Replace(s_keys[kind].Sql, @"\bn\b", $"({number})")}) END");
        Keys = Keys.Add(Columns[^1]);
    }

    private void AddValue(string name, Random random)
    {
        var (type, sql) = s_values[random.Next(s_values.Length)];
        var hash = HashOf(random);
        var value = Regex.Replace(sql, @"\bh\b", hash);
        Add(new RandomColumn(name, type), random.Next(3) == 0 ? value : string.Create(CultureInfo.InvariantCulture, $"CASE WHEN {HashOf(random)} % {random.Next(2, 20)} > 0 THEN ({value}) END"));
    }

    private void Add(RandomColumn column, string sql)
    {
        Columns = Columns.Add(column);
        _expressions.Add($"CAST({sql} AS {column.Type}) AS {column.Sql}");
    }

    private string HashOf(Random random) => string.Create(CultureInfo.InvariantCulture, $"hash(i * 31 + {_salt % 1000003}, {random.Next(1_000_000)})");
}
