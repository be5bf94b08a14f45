using System.Collections.Immutable;
using System.Text;

namespace Millrace.Connectors.Tests.Transform;

/// <summary>One to three random steps over a random table: what a job file says of them, and the same in plain SQL.</summary>
internal sealed class RandomPipeline
{
    private readonly Random _random;
    private readonly List<string> _steps = [];
    private readonly List<string> _streams = [];
    private ImmutableArray<RandomColumn> _keys;
    private ImmutableArray<RandomColumn> _columns;
    private string? _nested;
    private bool _isLast;

    /// <summary>The pipeline that follows from a generator.</summary>
    public RandomPipeline(Random random)
    {
        _random = random;
        var table = RandomTable.Left(random);
        Tables.Add(table);
        _keys = table.Keys;
        _columns = table.Columns;
        Sql = $"SELECT * FROM '@/{table.Name}.parquet'";
        IsHeavy = table.Spread is KeySpread.Few or KeySpread.Skewed or KeySpread.Equal;
        for (var step = random.Next(1, 4); step > 0 && !_isLast; step--) Step(step);
        WithoutInfinity();
        if (_keys.Length > 0 && random.Next(5) == 0) Unique();
    }

    /// <summary>The files that are read.</summary>
    public List<RandomTable> Tables { get; } = [];

    /// <summary>The rows that must come out; <c>@</c> is the folder.</summary>
    public string Sql { get; private set; }

    /// <summary>Columns whose values may differ in their last digits: sums of floating-point numbers.</summary>
    public List<RandomColumn> Near { get; } = [];

    /// <summary>The key of the rows that come out, where there are such columns.</summary>
    public IReadOnlyList<RandomColumn> Keys => _keys;

    /// <summary>Queries of which one gives true where the job must fail.</summary>
    public List<string> MustFail { get; } = [];

    /// <summary>Queries of which one gives true where the job may fail.</summary>
    public List<string> MayFail { get; } = [];

    private bool IsHeavy { get; set; }

    private string Expect { get; set; } = "";

    /// <summary>The job file.</summary>
    public string Job(int workers, int? unitRows)
    {
        var text = new StringBuilder($"source: '@'\ntarget: '@/out'\nengine: inproc\nlimits: {{memory: 512MB, workers: {workers}}}\nstreams:\n");
        foreach (var stream in _streams) text.Append(stream);
        text.Append("  t.parquet:\n    to: t\n");
        if (unitRows is not null) text.Append($"    partition: {{rows: {unitRows}}}\n");
        text.Append("    transform:\n");
        foreach (var step in _steps) text.Append($"      - {step}\n");
        return text.Append(Expect).ToString();
    }

    private void Step(int left)
    {
        switch (_random.Next(_nested is null ? 10 : 12))
        {
            case 0 or 1:
                Map();
                break;
            case 2 when _nested is null && _keys.Length < _columns.Length:
                Nest(left);
                break;
            case 3 or 4:
                Dedupe();
                break;
            case 5 or 6:
                Group(left);
                break;
            case < 10 when _keys.Any(RandomTable.IsKey):
                Join(left);
                break;
            case > 9:
                Unnest();
                break;
            default:
                Map();
                break;
        }
    }

    private void Map()
    {
        var column = Any();
        var sql = _random.Next(3) switch
        {
            0 => $"select * from input where {column.Sql} is not null",
            1 => $"select *, {column.Sql} is null as m{_steps.Count} from input",
            _ => $"select * from input where hash({string.Join(", ", _columns.Where(static one => RandomTable.IsKey(one) && one.Type is not ("DOUBLE" or "FLOAT")).Select(static one => one.Sql).Append("1"))}) % 3 > 0",
        };
        if (sql.Contains(" as m", StringComparison.Ordinal)) _columns = _columns.Add(new RandomColumn($"m{_steps.Count}", "BOOLEAN"));
        _steps.Add($"map: {Yaml(sql)}");
        Sql = sql.Replace("from input", $"from ({Sql})", StringComparison.Ordinal);
    }

    // Parquet has no infinite dates: they become texts in the end.
    private void WithoutInfinity()
    {
        var replaced = _columns.Where(static column => IsDate(column)).Select(static column => $"{column.Sql}::VARCHAR AS {column.Sql}").ToList();
        if (_nested is not null && Fields.Any(IsDate))
        {
            var fields = Fields.Select(static one => $"{one.Sql} := e.{one.Sql}{(IsDate(one) ? "::VARCHAR" : "")}");
            replaced.Add($"list_transform({_nested}, lambda e: struct_pack({string.Join(", ", fields)})) AS {_nested}");
        }

        if (replaced.Count == 0) return;
        var sql = $"select * replace ({string.Join(", ", replaced)}) from input";
        _steps.Add($"map: {Yaml(sql)}");
        Sql = sql.Replace("from input", $"from ({Sql})", StringComparison.Ordinal);
    }

    private static bool IsDate(RandomColumn column) => column.Type.EndsWith("DATE", StringComparison.Ordinal) || column.Type.EndsWith("TIMESTAMP", StringComparison.Ordinal);

    private void Nest(int left)
    {
        var others = Others();
        var order = Order(others);
        var name = $"n{left}";
        _steps.Add($"nest: {{by: {Names(_keys)}, as: {name}{order.Yaml}}}");
        var fields = string.Join(", ", others.Select(static one => $"{one.Sql} := {one.Sql}"));
        Sql = $"SELECT {Columns(_keys)}, list(struct_pack({fields}) ORDER BY {order.Sql}) AS {name} FROM ({Sql}) GROUP BY {Columns(_keys)}";
        _columns = [.. _keys, new RandomColumn(name, "nested")];
        _nested = name;
        Fields = others;
        IsHeavy = false;
    }

    private ImmutableArray<RandomColumn> Fields { get; set; } = [];

    private void Unnest()
    {
        var at = _columns.IndexOf(_columns.First(column => column.Name == _nested));
        var isOuter = _random.Next(2) == 0;
        _steps.Add(isOuter ? $"unnest: {{column: {_nested}, outer: true}}" : $"unnest: {_nested}");
        var list = isOuter ? $"CASE WHEN len({_nested}) > 0 THEN {_nested} ELSE [NULL] END" : _nested;
        var selected = _columns.SelectMany(column => column.Name == _nested ? Fields.Select(static one => $"struct_extract(e, '{one.Name}') AS {one.Sql}") : [column.Sql]);
        Sql = $"SELECT {string.Join(", ", selected)} FROM (SELECT *, unnest({list}) AS e FROM ({Sql}))";
        _columns = _columns.RemoveAt(at).InsertRange(at, Fields);
        _nested = null;
        IsHeavy = true;
    }

    private void Dedupe()
    {
        var order = Order(Others());
        var keep = order.Yaml.Length > 0 ? ((string[])["first", "last"])[_random.Next(2)] : _random.Next(4) == 0 ? "error" : "first";
        _steps.Add($"dedupe: {{by: {Names(_keys)}{order.Yaml}, keep: {keep}}}");
        if (keep == "error") MustFail.Add($"SELECT count(*) > 0 FROM (SELECT 1 FROM ({Sql}) GROUP BY {Columns(_keys)} HAVING count(*) > 1)");
        var terms = $"{order.Sql}{(order.Sql.Length > 0 ? ", " : "")}1";
        if (keep == "last") terms = Reversed(terms);
        Sql = $"SELECT {Columns(_columns)} FROM (SELECT *, row_number() OVER (PARTITION BY {Columns(_keys)} ORDER BY {terms}) AS place FROM ({Sql})) WHERE place = 1";
        IsHeavy = false;
    }

    private void Group(int left)
    {
        var aggregates = new List<(string Sql, string Type)> { ("count(*)", "BIGINT") };
        var others = Others();
        for (var i = _random.Next(4); i > 0 && others.Length > 0; i--)
        {
            var column = others[_random.Next(others.Length)];
            var isNumber = column.Type is "INTEGER" or "BIGINT" or "UTINYINT" or "DECIMAL(9,2)" or "DECIMAL(38,10)";
            var isFloat = column.Type is "DOUBLE" or "FLOAT";
            aggregates.Add(_random.Next(7) switch
            {
                _ when column.Type == "nested" => ($"count({column.Sql})", "BIGINT"),
                0 => ($"count({column.Sql})", "BIGINT"),
                1 => ($"count(DISTINCT {column.Sql})", "BIGINT"),
                2 => ($"max({column.Sql})", column.Type),
                3 when isNumber => ($"sum({column.Sql})", "sum"),
                4 when isNumber || isFloat => ($"avg({column.Sql})", "near"),
                5 when column.Type == "VARCHAR" => ($"string_agg({column.Sql}, ';' ORDER BY {column.Sql})", "VARCHAR"),
                < 6 when isFloat => ($"sum({column.Sql})", "near"),
                _ => ($"min({column.Sql})", column.Type),
            });
        }

        var named = aggregates.Select((one, i) => (Column: new RandomColumn($"g{left}_{i}", one.Type), one.Sql)).ToArray();
        _steps.Add($"group: {{by: {Names(_keys)}{string.Concat(named.Select(one => $", {one.Column.Name}: {Yaml(one.Sql)}"))}}}");
        Sql = $"SELECT {Columns(_keys)}{string.Concat(named.Select(static one => $", {one.Sql} AS {one.Column.Sql}"))} FROM ({Sql}) GROUP BY {Columns(_keys)}";
        _columns = [.. _keys, .. named.Select(static one => one.Column)];
        Near.AddRange(_columns.Where(static column => column.Type == "near"));
        _isLast = Near.Count > 0;
        _nested = null;
        IsHeavy = false;
    }

    private void Join(int left)
    {
        var keys = _keys.Where(RandomTable.IsKey).Take(_random.Next(1, 4)).ToArray();
        var side = RandomTable.Side($"r{left}", keys, IsHeavy || keys.Length < _keys.Length, _random);
        Tables.Add(side);
        var how = ((string[])["left", "left", "inner", "full", "anti", "semi"])[_random.Next(6)];
        var many = how is "anti" or "semi" ? "all" : ((string[])["all", "all", "first", "error"])[_random.Next(4)];
        var pairs = string.Join(", ", keys.Select((key, i) => $"'{key.Name}': '{side.Keys[i].Name}'"));
        var right = $"SELECT * FROM '@/{side.Name}.parquet'";
        var with = $"'@/{side.Name}.parquet'";
        if (_random.Next(3) == 0 && !side.Columns.Any(IsDate))
        {
            var map = $"select * from input where {side.Columns[^1].Sql} is not null";
            _streams.Add($"  {side.Name}.parquet:\n    to: {side.Name}\n    transform:\n      - map: {Yaml(map)}\n");
            with = side.Name;
            right = map.Replace("from input", $"from ({right})", StringComparison.Ordinal);
        }

        _steps.Add($"join: {{with: {with}, on: {{{pairs}}}, how: {how}{(many == "all" ? "" : $", many: {many}")}}}");
        var on = string.Join(" AND ", keys.Select((key, i) => $"l.{key.Sql} = r.{side.Keys[i].Sql}"));
        if (many != "all")
        {
            var isThere = string.Join(" AND ", side.Keys.Select(static key => $"{key.Sql} IS NOT NULL"));
            var twice = $"SELECT {Columns(side.Keys)} FROM ({right}) WHERE {isThere} GROUP BY {Columns(side.Keys)} HAVING count(*) > 1";
            if (many == "error")
            {
                MayFail.Add($"SELECT count(*) > 0 FROM ({twice})");
                MustFail.Add($"SELECT count(*) > 0 FROM ({Sql}) AS l JOIN ({twice}) AS r ON {on}");
            }

            // NULL is equal to nothing: rows with it are no several rows of one key.
            var order = string.Join(", ", side.Columns.Select(static column => $"{column.Sql} NULLS LAST"));
            right = $"SELECT {Columns(side.Columns)} FROM (SELECT *, row_number() OVER (PARTITION BY {Columns(side.Keys)} ORDER BY {order}) AS place FROM ({right})) WHERE place = 1 OR NOT ({isThere})";
        }

        var brought = side.Columns.RemoveRange(side.Keys);
        Sql = how switch
        {
            "anti" => $"SELECT l.* FROM ({Sql}) AS l WHERE NOT EXISTS (SELECT 1 FROM ({right}) AS r WHERE {on})",
            "semi" => $"SELECT l.* FROM ({Sql}) AS l WHERE EXISTS (SELECT 1 FROM ({right}) AS r WHERE {on})",
            _ => $"SELECT {string.Join(", ", _columns.Select(column => Taken(column, how, keys, side)).Concat(brought.Select(static column => $"r.{column.Sql}")))} FROM ({Sql}) AS l {how} JOIN ({right}) AS r ON {on}",
        };
        if (how is not ("anti" or "semi")) _columns = _columns.AddRange(brought);
        if (how == "full") _keys = [.. _keys.Select(key => keys.Contains(key) ? key with { Type = $"joined {key.Type}" } : key)];
        if (how == "full") _columns = [.. _columns.Select(column => keys.Contains(column) ? column with { Type = $"joined {column.Type}" } : column)];
        IsHeavy = true;
    }

    private static string Taken(RandomColumn column, string how, RandomColumn[] keys, RandomTable side)
    {
        var at = Array.IndexOf(keys, column);
        return how == "full" && at >= 0 ? $"coalesce(l.{column.Sql}, r.{side.Keys[at].Sql}) AS {column.Sql}" : $"l.{column.Sql}";
    }

    private void Unique()
    {
        var isThere = string.Join(" AND ", _keys.Select(static key => $"{key.Sql} IS NOT NULL"));
        var warns = _random.Next(2) == 0;
        Expect = $"    expect:\n      - unique: {Names(_keys)}\n{(warns ? "        action: warn\n" : "")}";
        if (!warns) MustFail.Add($"SELECT count(*) > 0 FROM (SELECT 1 FROM ({Sql}) WHERE {isThere} GROUP BY {Columns(_keys)} HAVING count(*) > 1)");
    }

    private (string Yaml, string Sql) Order(ImmutableArray<RandomColumn> others)
    {
        var terms = others.Select(static column => (column.Sql, Ending: "ASC NULLS LAST", Name: "")).ToList();
        if (others.Length == 0 || _random.Next(2) == 0) return ("", string.Join(", ", terms.Select(static term => $"{term.Sql} {term.Ending}")));
        var column = others[_random.Next(others.Length)];
        var (isDescending, isFirst) = (_random.Next(2) == 0, _random.Next(2) == 0);
        terms.RemoveAll(term => term.Sql == column.Sql);
        terms.Insert(0, (column.Sql, $"{(isDescending ? "DESC" : "ASC")} NULLS {(isFirst ? "FIRST" : "LAST")}", column.Name));
        var yaml = $", order_by: ['{column.Name}{(isDescending ? " desc" : "")}{(isFirst ? " nulls first" : "")}']";
        return (yaml, string.Join(", ", terms.Select(static term => $"{term.Sql} {term.Ending}")));
    }

    private static string Reversed(string terms) => terms.Replace("ASC NULLS LAST", "DESC NULLS_FIRST", StringComparison.Ordinal)
        .Replace("ASC NULLS FIRST", "DESC NULLS_LAST", StringComparison.Ordinal)
        .Replace("DESC NULLS LAST", "ASC NULLS FIRST", StringComparison.Ordinal)
        .Replace("DESC NULLS FIRST", "ASC NULLS LAST", StringComparison.Ordinal)
        .Replace("NULLS_", "NULLS ", StringComparison.Ordinal);

    private RandomColumn Any() => _columns[_random.Next(_columns.Length)];

    private ImmutableArray<RandomColumn> Others() => [.. _columns.Where(column => !_keys.Any(key => key.Name == column.Name))];

    private static string Columns(IEnumerable<RandomColumn> columns) => string.Join(", ", columns.Select(static column => column.Sql));

    private static string Names(IEnumerable<RandomColumn> columns) => $"[{string.Join(", ", columns.Select(static column => $"'{column.Name}'"))}]";

    private static string Yaml(string sql) => $"\"{sql.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
