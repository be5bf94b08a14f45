namespace Millrace.DuckDb.Tests.Values;

/// <summary>Functions whose values are written in C#, and values as bytes.</summary>
public sealed class ValueFunctionTests
{
    [Fact]
    public void Every_type_comes_back_as_it_went_through_bytes()
    {
        using var database = DuckDbDatabase.Open();
        using var connection = database.Connect();
        connection.Execute("CREATE TABLE all_types AS SELECT * FROM test_all_types(), range(700) ORDER BY random()");
        TableColumn[] columns;
        using (var result = connection.Query("SELECT * FROM all_types LIMIT 0")) columns = [.. result.Columns];
        for (var i = 0; i < columns.Length; i++)
        {
            var type = columns[i].Type;
            if (!ValueBytes.CanHold(type)) continue;
            connection.RegisterValueFunction($"echo_{i}", type, static _ => new Echo());
            var name = SqlText.Name(columns[i].Name);
            using var differing = connection.Query($"SELECT count(*) FROM all_types WHERE echo_{i}(1, {name}) IS DISTINCT FROM {name} OR CAST(echo_{i}(1, {name}) AS VARCHAR) IS DISTINCT FROM CAST({name} AS VARCHAR)");
            Assert.True(differing.Read());
            Assert.True(differing.GetInt64(0) == 0, $"{columns[i].Name} {type.ToSql()}: {differing.GetInt64(0)} rows differ");
        }

        Assert.True(columns.Length > 50);
    }

    [Fact]
    public void Copied_rows_are_those_that_they_were_copied_from()
    {
        using var database = DuckDbDatabase.Open();
        using var connection = database.Connect();
        var type = DuckDbType.Parse("STRUCT(a INTEGER, b VARCHAR, c VARCHAR[], d STRUCT(e DOUBLE[], f MAP(VARCHAR, INTEGER)))");
        connection.RegisterValueFunction("pairs", type, static _ => new Pairs());
        var sql = """
            CREATE TABLE t AS SELECT i, CAST(CASE WHEN i % 5 > 0 THEN {'a': CASE WHEN i % 3 > 0 THEN i::INTEGER END, 'b': repeat('text', (i % 9)::INTEGER), 'c': ['x' || i, NULL],
                'd': {'e': [i * 0.5], 'f': MAP {'k' || i: i::INTEGER}}} END AS @) AS v FROM range(5000) t(i);
            CREATE TABLE p AS SELECT i, v, pairs(1, v) AS p FROM t
            """;
        connection.Execute(sql.Replace("@", type.ToSql(), StringComparison.Ordinal));
        using var differing = connection.Query("SELECT count(*) FROM p JOIN t ON t.i = p.i // 2 * 2 WHERE p.p IS DISTINCT FROM t.v");
        Assert.True(differing.Read());
        Assert.Equal(0, differing.GetInt64(0));
    }

    [Fact]
    public void An_error_of_the_function_is_the_querys()
    {
        using var database = DuckDbDatabase.Open();
        using var connection = database.Connect();
        connection.RegisterValueFunction("fails", DuckDbType.Varchar, static _ => new Failing());
        var error = Assert.Throws<DuckDbException>(() => connection.Execute("SELECT fails(1, i) FROM range(10) t(i)"));
        Assert.IsType<NotSupportedException>(error.InnerException);
    }

    private sealed class Echo : IValueFunction, IValueWorker
    {
        private readonly ByteList _bytes = new();

        public IValueWorker Open() => new Echo();

        public void Run(in ChunkReader arguments, VectorWriter output)
        {
            _bytes.Clear(1024);
            var column = arguments.Column(1);
            for (var row = 0; row < arguments.Rows; row++) ValueBytes.Append(_bytes, column, row);
            var rest = _bytes.Written;
            for (var row = 0; row < arguments.Rows; row++) ValueBytes.Read(ref rest, ref output, row);
            Assert.True(rest.IsEmpty);
        }

        public void Dispose() => _bytes.Clear(0);
    }

    /// <summary>Each second row gets the value of the one before it.</summary>
    private sealed class Pairs : IValueFunction, IValueWorker
    {
        private readonly ByteList _bytes = new();

        public IValueWorker Open() => new Pairs();

        public void Run(in ChunkReader arguments, VectorWriter output)
        {
            var column = arguments.Column(1);
            for (var row = 0; row < arguments.Rows; row++)
            {
                if (row % 2 == 1)
                {
                    output.CopyRow(row - 1, row);
                    continue;
                }

                _bytes.Clear(1024);
                ValueBytes.Append(_bytes, column, row);
                var rest = _bytes.Written;
                ValueBytes.Read(ref rest, ref output, row);
            }
        }

        public void Dispose() => _bytes.Clear(0);
    }

    private sealed class Failing : IValueFunction, IValueWorker
    {
        public IValueWorker Open() => this;

        public void Run(in ChunkReader arguments, VectorWriter output) => throw new NotSupportedException("not today");

        public void Dispose()
        {
            // It has nothing.
        }
    }
}
