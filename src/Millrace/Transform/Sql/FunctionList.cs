using System.Collections.Frozen;
using System.Text.Json;
using Millrace.DuckDb;

namespace Millrace.Transform;

/// <summary>What a function of DuckDB's is to a transform.</summary>
internal enum FunctionNature
{
    /// <summary>The same value for the same arguments, always.</summary>
    Stable = 0,

    /// <summary>Tells the time: here the run's start.</summary>
    OfTime = 1,

    /// <summary>Needs several rows.</summary>
    Aggregate = 2,

    /// <summary>May give something else in another try: random numbers, counters, what the session or the catalog is like.</summary>
    Unstable = 3,
}

/// <summary>The functions that DuckDB has, and what each is: its own list says so, and its macros are what they are made of.</summary>
internal sealed class FunctionList
{
    /// <summary>Names that SQL takes for a function when there is no such column, and the function.</summary>
    public static readonly FrozenDictionary<string, string> Keywords = new Dictionary<string, string>
    {
        ["current_date"] = "current_date",
        ["current_time"] = "get_current_time",
        ["current_timestamp"] = "get_current_timestamp",
        ["localtime"] = "current_localtime",
        ["localtimestamp"] = "current_localtimestamp",
        ["current_catalog"] = "current_catalog",
        ["current_schema"] = "current_schema",
        ["current_role"] = "current_role",
        ["current_user"] = "current_user",
        ["session_user"] = "session_user",
        ["user"] = "user",
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    // CONSISTENT in DuckDB's list, but not what a transform may stand on: the session, the version, the catalog, how a vector lies in memory.
    private static readonly string[] AlsoUnstable =
        ["current_setting", "getvariable", "getenv", "version", "json_serialize_plan", "vector_type", "reservoir_quantile"];

    // Aggregates whose value does not hang on the order that rows come in (a sum of floats does in its last digits only).
    private static readonly FrozenSet<string> OrderFree = new[]
    {
        "approx_count_distinct", "avg", "bit_and", "bit_or", "bit_xor", "bitstring_agg", "bool_and", "bool_or", "corr", "count", "count_if",
        "count_star", "countif", "covar_pop", "covar_samp", "entropy", "favg", "fsum", "histogram", "histogram_exact", "kahan_sum", "kurtosis",
        "kurtosis_pop", "mad", "max", "mean", "median", "min", "product", "quantile", "quantile_cont", "quantile_disc", "regr_avgx", "regr_avgy",
        "regr_count", "regr_intercept", "regr_r2", "regr_slope", "regr_sxx", "regr_sxy", "regr_syy", "sem", "skewness", "stddev", "stddev_pop",
        "stddev_samp", "sum", "sum_no_overflow", "sumkahan", "var_pop", "var_samp", "variance",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private readonly Dictionary<string, FunctionNature> _natures = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, List<(HashSet<string> Parameters, string Body)>> _macros = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, bool> _orderFree = new(StringComparer.OrdinalIgnoreCase);
    private readonly Func<string, JsonElement> _parse;

    private FunctionList(Func<string, JsonElement> parse) => _parse = parse;

    /// <summary>Reads DuckDB's list.</summary>
    /// <param name="connection">A connection.</param>
    /// <param name="parse">Gives the tree of a SELECT.</param>
    public static FunctionList Read(DuckDbConnection connection, Func<string, JsonElement> parse)
    {
        var list = new FunctionList(parse);
        using var functions = connection.Query("""
            SELECT function_name, function_type, stability, macro_definition, parameters
            FROM duckdb_functions() WHERE database_name = 'system' AND function_type IN ('scalar', 'aggregate', 'macro')
            """);
        while (functions.Read())
        {
            var name = functions.GetText(0)!;
            switch (functions.GetText(1))
            {
                case "macro":
                    var parameters = functions.GetTextList(4)!.OfType<string>().ToHashSet(StringComparer.OrdinalIgnoreCase);
                    if (!list._macros.TryGetValue(name, out var bodies)) list._macros[name] = bodies = [];
                    bodies.Add((parameters, functions.GetText(3)!));
                    break;
                case "aggregate":
                    list.Is(name, FunctionNature.Aggregate);
                    list._orderFree[name] = OrderFree.Contains(name);
                    break;
                default:
                    list.Is(name, functions.GetText(2) == "CONSISTENT" ? FunctionNature.Stable : FunctionNature.Unstable);
                    break;
            }
        }

        foreach (var name in AlsoUnstable) list.Is(name, FunctionNature.Unstable);
        foreach (var name in RunFunctions.OfTime) list._natures[name] = FunctionNature.OfTime;
        foreach (var name in list._macros.Keys) list.Is(name, list.NatureOfMacro(name, []));
        return list;
    }

    /// <summary>What a function is; null when there is none of that name. With several forms it is the worst of them.</summary>
    public FunctionNature? NatureOf(string name) => _natures.TryGetValue(name, out var nature) ? nature : null;

    /// <summary>Whether an aggregate, or every one in a macro, gives the same in whatever order rows come.</summary>
    public bool IsOrderFree(string aggregate) => _orderFree.GetValueOrDefault(aggregate);

    private void Is(string name, FunctionNature nature)
    {
        if (!_natures.TryGetValue(name, out var known) || known < nature) _natures[name] = nature;
    }

    private FunctionNature NatureOfMacro(string name, HashSet<string> open)
    {
        var worst = FunctionNature.Stable;
        var orderFree = true;
        if (!open.Add(name)) return worst;
        foreach (var (parameters, body) in _macros[name])
        {
            foreach (var element in SqlTree.Expressions(_parse("SELECT " + body)))
            {
                var (nature, isOrderFree) = Within(element, parameters, open);
                if (nature > worst) worst = nature;
                orderFree &= isOrderFree;
            }
        }

        _orderFree[name] = orderFree;
        return worst;
    }

    private (FunctionNature Nature, bool OrderFree) Within(JsonElement element, HashSet<string> parameters, HashSet<string> open)
    {
        switch (element.GetProperty("class").GetString())
        {
            case "SUBQUERY":
                // Over DuckDB's own tables: what they say is no value of a row.
                return (FunctionNature.Unstable, true);
            case "WINDOW":
                return (FunctionNature.Aggregate, false);
            case "FUNCTION":
                var called = element.GetProperty("function_name").GetString()!;
                return Called(called, open);
            case "COLUMN_REF" when SqlTree.OnlyName(element) is { } word && !parameters.Contains(word):
                return Keywords.TryGetValue(word, out var function) ? Called(function, open) : (FunctionNature.Stable, true);
            default:
                return (FunctionNature.Stable, true);
        }
    }

    private (FunctionNature Nature, bool OrderFree) Called(string name, HashSet<string> open)
    {
        var nature = _natures.GetValueOrDefault(name);
        if (_macros.ContainsKey(name) && NatureOfMacro(name, open) is var inner && inner > nature) nature = inner;
        return (nature, nature != FunctionNature.Aggregate || IsOrderFree(name));
    }
}
