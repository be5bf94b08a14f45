namespace Millrace.DuckDb.Tests;

public sealed class DatabaseTests
{
    [Fact]
    public void Control_results_are_read_typed()
    {
        using var db = new TestDatabase();
        using var result = db.Connection.Query(
            """
            SELECT * FROM (VALUES (1::tinyint, 2::hugeint, 'x', 1.5::double, true, ['a', NULL], 'b'::enum('a','b'), 4::ubigint, 2.5::float),
                                  (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL))
            """);
        Assert.True(result.Read());
        Assert.Equal(1, result.GetInt64(0));
        Assert.Equal(2, result.GetInt64(1));
        Assert.Equal("x", result.GetText(2));
        Assert.Equal(1.5, result.GetDouble(3));
        Assert.True(result.GetBoolean(4));
        Assert.Equal(["a", null], result.GetTextList(5)!);
        Assert.Equal("b", result.GetText(6));
        Assert.Equal(4, result.GetInt64(7));
        Assert.Equal(2.5, result.GetDouble(8));
        Assert.Throws<InvalidOperationException>(() => result.GetInt64(2));
        Assert.Throws<InvalidOperationException>(() => result.GetText(0));
        Assert.True(result.Read());
        Assert.True(result.IsNull(0));
        Assert.Null(result.GetText(2));
        Assert.Null(result.GetTextList(5));
        Assert.Throws<InvalidOperationException>(() => result.GetInt64(0));
        Assert.False(result.Read());
        Assert.False(result.Read());
        Assert.Throws<InvalidOperationException>(() => result.GetInt64(0));
    }

    [Fact]
    public void Chunks_hold_all_rows()
    {
        using var db = new TestDatabase();
        using var result = db.Connection.Query("SELECT i FROM range(10000) r(i)");
        long rows = 0, sum = 0;
        while (result.NextChunk())
        {
            foreach (var value in result.Chunk.Column(0).Values<long>()) sum += value;
            rows += result.Chunk.Rows;
        }

        Assert.Equal((10000, 49_995_000), (rows, sum));
        Assert.Throws<InvalidOperationException>(() => result.Chunk.Rows);
    }

    [Theory]
    [InlineData("SELEC 1", DuckDbErrorType.Parser)]
    [InlineData("SELECT nothing", DuckDbErrorType.Binder)]
    // As a text of C it would end there, and run.
    [InlineData("SELECT 1;\0 and more", DuckDbErrorType.Parser)]
    [InlineData("FROM nothing", DuckDbErrorType.Catalog)]
    [InlineData("SELECT 'x'::int", DuckDbErrorType.Conversion)]
    [InlineData("FROM read_csv('/nothing/at/all.csv')", DuckDbErrorType.IO)]
    [InlineData("SELECT 100::tinyint * 100::tinyint", DuckDbErrorType.OutOfRange)]
    [InlineData("SET nothing = 1", DuckDbErrorType.Catalog)]
    public void Errors_are_typed(string sql, DuckDbErrorType type)
    {
        using var db = new TestDatabase();
        Assert.Equal(type, Assert.Throws<DuckDbException>(() => db.Connection.Execute(sql)).Type);
        Assert.Equal(["1"], db.Rows("SELECT 1"));
    }

    [Fact]
    public void Out_of_memory_is_typed_and_leaves_the_database_usable()
    {
        using var db = new TestDatabase(("memory_limit", "32MB"), ("threads", "1"), ("temp_directory", ""));
        var error = Assert.Throws<DuckDbException>(() => db.Connection.Execute("SELECT list(i) FROM range(100000000) r(i)"));
        Assert.Equal(DuckDbErrorType.OutOfMemory, error.Type);
        Assert.Equal(["1"], db.Rows("SELECT 1"));
    }

    [Fact]
    public void Opening_fails_typed()
    {
        var unknown = Assert.Throws<DuckDbException>(() => DuckDbDatabase.Open([KeyValuePair.Create("no_such_setting", "1")]));
        Assert.Contains("no_such_setting", unknown.Message);
        Assert.Equal(DuckDbErrorType.IO, Assert.Throws<DuckDbException>(() => DuckDbDatabase.Open(path: "/nothing/at/all.db")).Type);
    }

    [Fact]
    public void A_file_keeps_what_was_written_and_handles_may_be_disposed_in_any_order()
    {
        var folder = Directory.CreateTempSubdirectory("millrace-duckdb");
        try
        {
            var path = Path.Combine(folder.FullName, "a.db");
            var database = DuckDbDatabase.Open(path: path);
            var connection = database.Connect();
            database.Dispose();
            connection.Execute("CREATE TABLE t AS SELECT 42 AS i; CHECKPOINT");
            var kept = connection.Query("FROM t");
            connection.Dispose();
            Assert.True(kept.Read());
            Assert.Equal(42, kept.GetInt64(0));
            kept.Dispose();
            using var again = DuckDbDatabase.Open(path: path);
            using var second = again.Connect();
            using var result = second.Query("FROM t");
            Assert.True(result.Read());
            Assert.Throws<ObjectDisposedException>(() => database.Connect());
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task A_cancelled_query_without_callbacks_stops()
    {
        using var db = new TestDatabase();
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
        const string Endless = "SELECT sum(a.i * b.i) FROM range(10000000) a(i), range(10000000) b(i)";
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => db.Connection.ExecuteAsync(Endless, cancel.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => db.Connection.ExecuteAsync("SELECT 1", cancel.Token));
        Assert.Equal(["1"], db.Rows("SELECT 1"));
    }

    [Fact]
    public void The_library_says_its_version() => Assert.StartsWith("v1.", DuckDbLibrary.Version);
}
