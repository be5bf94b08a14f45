using System.Collections.Immutable;
using System.Globalization;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Transform;

namespace Millrace.Connectors.DuckDbFile;

/// <summary>A DuckDB file as a store of lookups, opened read only in a database of its own, which can reach nothing else.</summary>
internal sealed class DuckDbLookup : ILookupStore
{
    /// <summary>The name of the keys' column in SQL, before its number.</summary>
    internal const string KeyColumn = "millrace_key_";

    /// <summary>The name of a key's place.</summary>
    internal const string PlaceColumn = "millrace_place";

    private readonly string _path;
    private readonly Mark _mark;
    private readonly Lock _lock = new();
    private readonly TableRegistry _keys = new("millrace_keys");
    private DuckDbDatabase? _database;

    internal DuckDbLookup(string path, Mark mark) => (_path, _mark) = (path, mark);

    /// <inheritdoc/>
    public string Place => _path;

    /// <inheritdoc/>
    public ValueTask<LookupTable> DescribeAsync(LookupQuestion question, CancellationToken cancel)
    {
        using var connection = Database().Connect();
        var (schema, name) = Find(connection, question);
        var table = $"{SqlText.Name(schema)}.{SqlText.Name(name)}";
        IReadOnlyList<TableColumn> columns;
        using (var result = connection.Query($"SELECT * FROM {table} LIMIT 0")) columns = result.Columns;
        var keys = question.Key.Select(key => Column(question, columns, key)).ToImmutableArray();
        foreach (var key in keys) AssertKey(question, key);
        ImmutableArray<TableColumn> wanted = question.Columns.IsEmpty
            ? [.. columns.Where(column => !question.Key.Contains(column.Name))]
            : [.. question.Columns.Select(wish => Column(question, columns, wish))];
        var on = keys.Select((key, i) => $"t.{SqlText.Name(key.Name)} = CAST(u.{KeyColumn}{Number(i)} AS {key.Type.ToSql()})");
        var sql = $"SELECT u.{PlaceColumn}{string.Concat(wanted.Select(static column => $", t.{SqlText.Name(column.Name)}"))} FROM "
            + $"{DuckDbLookupSession.Hole} AS u JOIN {table} AS t ON {string.Join(" AND ", on)}";
        return ValueTask.FromResult(new LookupTable
        {
            Name = $"{schema}.{name}",
            Key = [.. keys.Select(static key => new LookupColumn(key.Name, key.Type.ToSql()))],
            Columns = [.. wanted.Select(static column => new LookupColumn(column.Name, column.Type.ToSql()))],
            IsUnique = IsUnique(connection, schema, name, question.Key),
            QueryJson = sql,
        });
    }

    /// <inheritdoc/>
    public ValueTask<ILookupSession> OpenAsync(CancellationToken cancel) => ValueTask.FromResult<ILookupSession>(new DuckDbLookupSession(Database().Connect(), _keys, _path));

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        lock (_lock) _database?.Dispose();
        return ValueTask.CompletedTask;
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private DuckDbDatabase Database()
    {
        lock (_lock)
        {
            if (_database is not null) return _database;
            if (!File.Exists(_path)) throw new Fault(FaultKind.JobFile, $"found no file {_path}") { Side = FaultSide.Job, Where = _mark.ToString(), Advice = "Correct the path." };
            var options = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["access_mode"] = "READ_ONLY",
                ["threads"] = "1",
                ["external_threads"] = "1",
                ["memory_limit"] = Number((int)Limits.LookupStoreBytes) + "B",
                ["autoinstall_known_extensions"] = "false",
                ["autoload_known_extensions"] = "false",
                ["allow_community_extensions"] = "false",
            };
            DuckDbDatabase? opened = null;
            try
            {
                opened = DuckDbDatabase.Open(options, _path);
                using var connection = opened.Connect();
                _keys.Attach(connection);
                connection.Execute("SET GLOBAL TimeZone = 'UTC'");
                connection.Execute("SET GLOBAL enable_external_access = false");
                connection.Execute("SET GLOBAL lock_configuration = true");
                return _database = opened;
            }
            catch (DuckDbException error)
            {
                opened?.Dispose();
                throw new Fault(FaultKind.Refused, $"{_path} can't be opened: {error.Message}", error)
                {
                    Side = FaultSide.Source, Where = _mark.ToString(), Advice = "It must be a DuckDB file that no other process has open for writing.",
                };
            }
        }
    }

    /// <summary>The table's schema and name: as they are written, <c>main</c> where there is no schema.</summary>
    private (string Schema, string Name) Find(DuckDbConnection connection, LookupQuestion question)
    {
        var known = new List<string>();
        using var result = connection.Query(
            "SELECT schema_name, table_name FROM (SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = current_database()"
            + " UNION ALL SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = current_database() AND NOT internal) ORDER BY ALL");
        while (result.Read())
        {
            var (schema, name) = (result.GetText(0)!, result.GetText(1)!);
            if (question.Table == $"{schema}.{name}" || (schema == "main" && question.Table == name)) return (schema, name);
            known.Add(schema == "main" ? name : $"{schema}.{name}");
        }

        var near = Words.Nearest(question.Table, known);
        throw Refused(question, $"found no table {question.Table} in {_path}", near is null ? "Name a table of the file." : $"Did you mean '{near}'?");
    }

    private static TableColumn Column(LookupQuestion question, IReadOnlyList<TableColumn> columns, string name)
    {
        if (columns.FirstOrDefault(column => column.Name == name) is { } found) return found;
        var near = Words.Nearest(name, columns.Select(static column => column.Name));
        throw Refused(question, $"found {Words.Quote(name)}, which is no column of {question.Table}", near is null ? "Name a column of the table." : $"Did you mean '{near}'?");
    }

    /// <summary>Types whose values have one text, which reads back as that value.</summary>
    private static void AssertKey(LookupQuestion question, TableColumn key)
    {
        if (!key.Type.IsNested && key.Type.Kind is not (DuckDbKind.Blob or DuckDbKind.Bit or DuckDbKind.Interval or DuckDbKind.Variant or DuckDbKind.Geometry)) return;
        throw Refused(question, $"found the key {Words.Quote(key.Name)} of type {key.Type.ToSql()}, which can't be looked up", "Keys are numbers, booleans, text, uuid, dates or times.");
    }

    private static bool IsUnique(DuckDbConnection connection, string schema, string name, ImmutableArray<string> key)
    {
        using var result = connection.Query(
            "SELECT array_to_string(constraint_column_names, chr(0)) FROM duckdb_constraints() WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE')"
            + $" AND database_name = current_database() AND schema_name = {SqlText.Literal(schema)} AND table_name = {SqlText.Literal(name)}");
        while (result.Read())
        {
            if (result.GetText(0)!.Split('\0').All(key.Contains)) return true;
        }

        return false;
    }

    private static Fault Refused(LookupQuestion question, string message, string advice) =>
        new(FaultKind.JobFile, message) { Side = FaultSide.Job, Where = question.Mark.ToString(), Advice = advice };
}
