using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;

namespace Millrace.Transform;

/// <summary>
/// A small locked in-memory DuckDB in the coordinator that types and checks SQL without reading a row. What passes gives the same rows when a
/// unit is tried again or divided. Used by one thread at a time.
/// </summary>
internal sealed class SqlCheck : IDisposable
{
    private const string Input = "input";
    private const string RowWise = "this SQL may look at one row at a time, and must give the same in every try";
    private const string RowWiseValue = "this must be a value of one row, the same in every try";
    private const string Aggregated = "this must be an aggregate that gives the same in every try";

    private readonly DuckDbDatabase _database;
    private readonly DuckDbConnection _connection;
    private readonly SqlParser _parser;
    private readonly FunctionList _functions;

    /// <summary>Opens the database.</summary>
    /// <param name="runStart">What time it is for <see cref="RunFunctions"/>.</param>
    public SqlCheck(DateTimeOffset runStart)
    {
        _database = DuckDbDatabase.Open(new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["threads"] = "1",
            ["memory_limit"] = Limits.SqlCheckBytesMax.ToString(CultureInfo.InvariantCulture) + "B",
            ["autoinstall_known_extensions"] = "false",
            ["autoload_known_extensions"] = "false",
            ["allow_community_extensions"] = "false",
        });
        try
        {
            _connection = _database.Connect();
            RunFunctions.Attach(_connection, runStart);
            _parser = new SqlParser(_connection);
            _functions = FunctionList.Read(_connection, sql => _parser.Select(new SqlSource(sql, new Mark("macro"))));

            // A table's rows have numbers that SQL can name; a view over it hides them.
            _connection.Execute("CREATE SCHEMA millrace_rows");
            _connection.Execute("SET GLOBAL TimeZone = 'UTC'");
            _connection.Execute("SET GLOBAL enable_external_access = false");
            _connection.Execute("SET GLOBAL lock_configuration = true");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The functions of this DuckDB.</summary>
    public FunctionList Functions => _functions;

    /// <summary>The columns that a SELECT over relations gives. It reads nothing else, and is stable; it need not be row-wise.</summary>
    /// <param name="sql">One SELECT.</param>
    /// <param name="relations">What it can read: names and columns.</param>
    /// <param name="mark">Where it stands.</param>
    /// <exception cref="Fault">The SQL is wrong.</exception>
    public ImmutableArray<TableColumn> ColumnsOf(string sql, IReadOnlyDictionary<string, ImmutableArray<TableColumn>> relations, Mark mark)
    {
        var source = SourceOf(sql, relations, mark);
        var findings = new SqlFindings(source);
        var tree = _parser.Select(source);
        var text = _parser.Enclosable(source);
        new SelectWalk(rowWise: false, RulesFor(tree, source, findings), source, findings).Query(tree, NoTables);
        findings.ThrowIfAny("this SQL must give the same in every try, and read only what it is given");
        return With(relations, source, () =>
        {
            new PlanCheck(_functions, findings).Check(PlanOf(text, source), rowWise: false);
            findings.ThrowIfAny("this SQL must give the same in every try, and read only what it is given");
            return Described(text, source);
        });
    }

    /// <summary>The columns that SQL of Millrace's own gives, made of parts that were checked.</summary>
    /// <param name="sql">One SELECT.</param>
    /// <param name="relations">What it reads: names and columns.</param>
    /// <param name="mark">Where the step stands that it is for.</param>
    /// <exception cref="Fault">A name or a type does not fit.</exception>
    public ImmutableArray<TableColumn> ColumnsOfStep(string sql, IReadOnlyDictionary<string, ImmutableArray<TableColumn>> relations, Mark mark)
    {
        var source = SourceOf(sql, relations, mark);
        return With(relations, source, () => Described(sql, source));
    }

    /// <summary>Refuses SQL of <c>map</c> that is not row-wise over <c>input</c>, or not stable.</summary>
    /// <param name="sql">One SELECT over <c>input</c>.</param>
    /// <param name="input">The columns of <c>input</c>.</param>
    /// <param name="mark">Where it stands.</param>
    /// <exception cref="Fault">What was found, and the step that would do it.</exception>
    public void AssertRowWise(string sql, ImmutableArray<TableColumn> input, Mark mark)
    {
        var relations = OnlyInput(input);
        var source = SourceOf(sql, relations, mark);
        var findings = new SqlFindings(source);
        var tree = _parser.Select(source);
        var text = _parser.Enclosable(source);
        new SelectWalk(rowWise: true, RulesFor(tree, source, findings), source, findings).Query(tree, NoTables);
        findings.ThrowIfAny(RowWise);
        With(relations, source, () =>
        {
            new PlanCheck(_functions, findings, PlanCheck.Unnest).Check(PlanOf(text, source), rowWise: true);
            findings.ThrowIfAny(RowWise);
            return Described(text, source);
        });
    }

    /// <summary>Refuses an expression or condition (of <c>expect</c>, <c>by</c>, an order) that is not a value of one row, or not stable.</summary>
    /// <param name="expression">One scalar expression.</param>
    /// <param name="input">The columns of the row.</param>
    /// <param name="mark">Where it stands.</param>
    /// <returns>Its type.</returns>
    /// <exception cref="Fault">What was found.</exception>
    public DuckDbType AssertRowWiseExpression(string expression, ImmutableArray<TableColumn> input, Mark mark)
    {
        var source = SourceOf(expression, OnlyInput(input), mark) with { Before = "SELECT ".Length };
        var findings = new SqlFindings(source);
        var tree = _parser.Expression(source);
        Scalar(RulesFor(tree, source, findings), source, findings).Expression(tree);
        findings.ThrowIfAny(RowWiseValue);
        return TypeOf(source, input, new PlanCheck(_functions, findings), findings, RowWiseValue);
    }

    /// <summary>Refuses an expression of <c>group</c> that is not made of aggregates over row-wise arguments, or not stable.</summary>
    /// <param name="expression">One expression.</param>
    /// <param name="input">The columns of the rows.</param>
    /// <param name="mark">Where it stands.</param>
    /// <returns>Its type.</returns>
    /// <exception cref="Fault">What was found.</exception>
    public DuckDbType AssertAggregate(string expression, ImmutableArray<TableColumn> input, Mark mark)
    {
        var source = SourceOf(expression, OnlyInput(input), mark) with { Before = "SELECT ".Length };
        var findings = new SqlFindings(source);
        var tree = _parser.Expression(source);
        var rules = RulesFor(tree, source, findings);
        new AggregateWalk(_functions, rules, Scalar(rules, source, findings), source, findings).Expression(tree);
        findings.ThrowIfAny(Aggregated);
        return TypeOf(source, input, new PlanCheck(_functions, findings, PlanCheck.Aggregate), findings, Aggregated);
    }

    /// <summary>A value of the job as SQL of a type; one that it can't hold as it stands there is refused.</summary>
    /// <exception cref="Fault">It is no value of the type.</exception>
    public string LiteralOf(string value, DuckDbType type, Mark mark)
    {
        var (text, sql) = (SqlText.Literal(value), type.ToSql());
        var holds = type.Kind switch
        {
            DuckDbKind.TinyInt or DuckDbKind.SmallInt or DuckDbKind.Integer or DuckDbKind.BigInt or DuckDbKind.HugeInt or DuckDbKind.UTinyInt
                or DuckDbKind.USmallInt or DuckDbKind.UInteger or DuckDbKind.UBigInt or DuckDbKind.UHugeInt or DuckDbKind.Decimal
                => $"CAST(TRY_CAST({text} AS {sql}) AS DOUBLE) = TRY_CAST({text} AS DOUBLE)",
            DuckDbKind.Date => $"CAST(TRY_CAST({text} AS DATE) AS TIMESTAMP) = TRY_CAST({text} AS TIMESTAMP)",
            _ => $"TRY_CAST({text} AS {sql}) IS NOT NULL",
        };
        if (Evaluated($"coalesce({holds}, false)", out _) == "true") return $"CAST({text} AS {sql})";
        throw new Fault(FaultKind.JobFile, $"found {Words.Quote(value)}, which is no value of type {sql}")
        {
            Side = FaultSide.Job, Where = mark.ToString(), Advice = "Write a value of the column's type, or cast the column in a map before.",
        };
    }

    /// <summary>Whether SQL of <c>map</c> passes columns on as they are, beyond doubt.</summary>
    public bool Passes(string sql, ImmutableArray<string> columns, Mark mark)
    {
        if (columns.IsEmpty) return false;
        var tree = _parser.Select(new SqlSource(sql, mark));
        return columns.All(column => PassedColumns.Has(tree, Input, column));
    }

    /// <summary>
    /// SQL of <c>map</c> that does the same and carries one more column along; null where that is not certain to change nothing else.
    /// </summary>
    /// <param name="sql">SQL that was checked, as <see cref="OneSelect"/> gives it.</param>
    /// <param name="input">The columns that it was checked with.</param>
    /// <param name="given">The columns that it gives.</param>
    /// <param name="carried">The column; <paramref name="input"/> has none of its name.</param>
    /// <param name="mark">Where it stands.</param>
    public string? Carrying(string sql, ImmutableArray<TableColumn> input, ImmutableArray<TableColumn> given, TableColumn carried, Mark mark)
    {
        const string Select = "SELECT";
        if (!PassedColumns.IsBlindToOthers(_parser.Select(new SqlSource(sql, mark)), Input)) return null;
        var trimmed = sql.TrimStart();
        var named = trimmed.StartsWith(Select, StringComparison.OrdinalIgnoreCase) && trimmed.Length > Select.Length && char.IsWhiteSpace(trimmed[Select.Length])
            ? $"{Select} {SqlText.Name(carried.Name)},{trimmed[Select.Length..]}" : sql;
        var relations = OnlyInput(input.Add(carried));
        foreach (var candidate in (ReadOnlySpan<string>)[sql, named])
        {
            try
            {
                var columns = ColumnsOfStep(candidate, relations, mark);
                if (columns.Contains(carried) && columns.Remove(carried).SequenceEqual(given)) return candidate;
            }
            catch (Fault)
            {
                // A star brings the column, and it has been named as well.
            }
        }

        return null;
    }

    /// <summary>Whether an expression that was checked takes all columns of a row, whatever they are.</summary>
    public bool SeesWholeRows(string expression, Mark mark) => SqlTree.Expressions(_parser.Expression(new SqlSource(expression, mark)))
        .Any(static part => SqlTree.ClassOf(part) == "STAR" || (SqlTree.ClassOf(part) == "COLUMN_REF" && string.Equals(SqlTree.OnlyName(part), Input, StringComparison.OrdinalIgnoreCase)));

    /// <summary>Refuses a text that is no regular expression.</summary>
    /// <exception cref="Fault">What is wrong with it.</exception>
    public void AssertPattern(string pattern, Mark mark)
    {
        if (Evaluated($"regexp_matches('', {SqlText.Literal(pattern)})", out var error) is not null) return;
        throw new Fault(FaultKind.JobFile, $"found {Words.Quote(pattern)}, which is no regular expression: {error?.Message}", error)
        {
            Side = FaultSide.Job, Where = mark.ToString(), Advice = "Regular expressions are those of RE2.",
        };
    }

    /// <summary>
    /// The text of one SELECT statement and nothing else, such that it can stand in parentheses: without a semicolon at its end, with a line's
    /// end after a comment.
    /// </summary>
    /// <exception cref="Fault">It is none, or more than that.</exception>
    public string OneSelect(string sql, Mark mark) => _parser.Enclosable(new SqlSource(sql, mark));

    /// <summary>The text of an expression in parentheses, whatever it ends with.</summary>
    public static string Enclosed(string expression) => $"({expression}\n)";

    /// <inheritdoc/>
    public void Dispose()
    {
        _connection?.Dispose();
        _database.Dispose();
    }

    private static ImmutableDictionary<string, bool> NoTables { get; } = ImmutableDictionary.Create<string, bool>(StringComparer.OrdinalIgnoreCase);

    private static Dictionary<string, ImmutableArray<TableColumn>> OnlyInput(ImmutableArray<TableColumn> input) =>
        new(StringComparer.OrdinalIgnoreCase) { [Input] = input };

    private static SqlSource SourceOf(string sql, IReadOnlyDictionary<string, ImmutableArray<TableColumn>> relations, Mark mark) => new(sql, mark)
    {
        Relations = [.. relations.Keys],
        Columns = [.. relations.Values.SelectMany(columns => columns).Select(column => column.Name).Distinct(StringComparer.OrdinalIgnoreCase)],
    };

    private static ScalarWalk Scalar(FunctionRules rules, SqlSource source, SqlFindings findings) =>
        new(new SelectWalk(rowWise: true, rules, source, findings), source, findings);

    // A name that the SQL itself gives to something, or that a column has, is no function.
    private FunctionRules RulesFor(JsonElement tree, SqlSource source, SqlFindings findings)
    {
        var names = new HashSet<string>(source.Columns, StringComparer.OrdinalIgnoreCase);
        SqlTree.AddNames(tree, names);
        return new FunctionRules(_functions, source, findings, names);
    }

    private DuckDbType TypeOf(SqlSource source, ImmutableArray<TableColumn> input, PlanCheck plan, SqlFindings findings, string rule)
    {
        var sql = $"SELECT {source.Sql}\nFROM {Input}";
        return With(OnlyInput(input), source, () =>
        {
            plan.Check(PlanOf(sql, source), rowWise: true);
            findings.ThrowIfAny(rule);
            var columns = Described(sql, source);
            return columns is [var only] ? only.Type : throw source.Fault("this gives several columns", "Write one expression for each.");
        });
    }

    private string? Evaluated(string constant, out DuckDbException? error)
    {
        error = null;
        try
        {
            using var result = _connection.Query($"SELECT CAST({constant} AS VARCHAR)");
            return result.Read() ? result.GetText(0) : null;
        }
        catch (DuckDbException failed)
        {
            error = failed;
            return null;
        }
    }

    private JsonElement PlanOf(string sql, SqlSource source)
    {
        const string Options = "skip_null := true, skip_empty := true, skip_default := true, optimize := false";
        using var result = _connection.Query($"SELECT json_serialize_plan({SqlText.Literal(sql)}, {Options})::VARCHAR");
        result.Read();
        var plan = source.Tree(result.GetText(0)!);
        return plan.GetProperty("error").GetBoolean() ? throw source.Refusal(plan) : plan.GetProperty("plans")[0];
    }

    private ImmutableArray<TableColumn> Described(string sql, SqlSource source)
    {
        try
        {
            using var result = _connection.Query($"SELECT column_name, column_type FROM (DESCRIBE {sql}\n)");
            var columns = ImmutableArray.CreateBuilder<TableColumn>();
            var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
            while (result.Read())
            {
                var (name, type) = (result.GetText(0)!, result.GetText(1)!);
                if (!names.Add(name))
                    throw source.Fault($"two columns have the name {Words.Quote(name)}",
                        "Give one another name with AS, or use * REPLACE (...) or * EXCLUDE (...).");
                if (!DuckDbType.TryParse(type, out var parsed))
                    throw source.Fault($"column {Words.Quote(name)} has the type {type}, which can't be moved", "Cast it to another type.");
                columns.Add(new TableColumn(name, parsed));
            }

            return columns.ToImmutable();
        }
        catch (DuckDbException error)
        {
            throw source.Fault($"the SQL can't be used: {error.Message.Split("\n\n")[0]}", inner: error);
        }
    }

    // The relations are there while the work is done, and never hold a row.
    private T With<T>(IReadOnlyDictionary<string, ImmutableArray<TableColumn>> relations, SqlSource source, Func<T> work)
    {
        _connection.Execute("BEGIN");
        try
        {
            foreach (var (relation, columns) in relations)
            {
                var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
                foreach (var column in columns)
                {
                    if (!names.Add(column.Name))
                        throw source.Fault($"two columns of {relation} have the name {Words.Quote(column.Name)}, letter case apart", "Rename one.");
                }

                var name = SqlText.Name(relation);
                var list = string.Join(", ", columns.Select(column => $"{SqlText.Name(column.Name)} {column.Type.ToSql()}"));
                _connection.Execute($"CREATE TABLE millrace_rows.{name} ({list})");
                _connection.Execute($"CREATE VIEW main.{name} AS FROM millrace_rows.{name}");
            }

            return work();
        }
        finally
        {
            _connection.Execute("ROLLBACK");
        }
    }
}
