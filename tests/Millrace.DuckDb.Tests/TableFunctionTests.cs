namespace Millrace.DuckDb.Tests;

public sealed class TableFunctionTests
{
    private static readonly TableColumn[] Abc =
        [new("a", DuckDbType.Integer), new("b", DuckDbType.Varchar), new("c", DuckDbType.BigInt)];

    [Fact]
    public void Only_the_columns_that_a_query_uses_are_asked_for()
    {
        using var db = new TestDatabase();
        var source = new ScriptedSource
        {
            Columns = Abc,
            Reader = ScriptedSource.Once((in chunk) =>
            {
                Assert.Equal(2, chunk.ColumnCount);
                for (var i = 0; i < 2; i++) Assert.Contains(chunk.Column(i).Type, new[] { DuckDbType.Integer, DuckDbType.BigInt });
                for (var row = 0; row < 10; row++)
                {
                    for (var i = 0; i < 2; i++)
                    {
                        if (chunk.Column(i).Type == DuckDbType.Integer) chunk.Column(i).Set(row, row);
                        else chunk.Column(i).Set(row, row * 10L);
                    }
                }

                return 10;
            }),
        };
        Assert.Equal(["495"], db.Rows($"SELECT sum(c + a) FROM {db.Add(source)}"));
        Assert.Equal([0, 2], source.Projected!.Order());
    }

    [Fact]
    public void Counting_rows_asks_for_one_column()
    {
        using var db = new TestDatabase();
        var source = new ScriptedSource { Columns = Abc, Reader = ScriptedSource.Once((in _) => 1234) };
        using var result = db.Connection.Query($"SELECT count(*) FROM {db.Add(source)}");
        Assert.True(result.Read());
        Assert.Equal(1234, result.GetInt64(0));
        Assert.Single(source.Projected!);
    }

    [Fact]
    public void The_estimate_reaches_the_plan()
    {
        using var db = new TestDatabase();
        var source = new ScriptedSource { Columns = Abc, EstimatedRows = 4_321_000, Reader = ScriptedSource.Once((in _) => 0) };
        using var result = db.Connection.Query($"EXPLAIN SELECT a FROM {db.Add(source)}");
        Assert.True(result.Read());
        Assert.Matches("4,?321,?000", result.GetText(1));
        Assert.Equal(0, source.ReadersOpened);
        Assert.Equal(0, source.Open);
    }

    [Fact]
    public void Several_threads_share_one_scan_and_every_row_comes_once()
    {
        using var db = new TestDatabase(("threads", "4"), ("preserve_insertion_order", "false"));
        var next = 0;
        using var all = new Barrier(4);
        var source = new ScriptedSource
        {
            Columns = [new("i", DuckDbType.Integer)],
            MaxThreads = 4,
            Reader = _ =>
            {
                var met = false;
                return (in chunk) =>
                {
                    // Nobody goes on before four readers are open: proof that they run at the same time.
                    if (!met) Assert.True(all.SignalAndWait(TimeSpan.FromSeconds(30)));
                    met = true;
                    var piece = Interlocked.Increment(ref next) - 1;
                    if (piece >= 500) return 0;
                    var values = chunk.Column(0).Values<int>();
                    for (var row = 0; row < 1000; row++) values[row] = (piece * 1000) + row;
                    return 1000;
                };
            },
        };
        Assert.Equal(["500000|500000|0|499999"], db.Rows($"SELECT count(*), count(DISTINCT i), min(i), max(i) FROM {db.Add(source)}"));
        Assert.Equal(4, source.ReadersOpened);
        Assert.Equal(0, source.Open);
    }

    [Theory]
    [InlineData("columns", DuckDbErrorType.Binder)]
    [InlineData("scan", DuckDbErrorType.InvalidInput)]
    [InlineData("reader", DuckDbErrorType.InvalidInput)]
    [InlineData("fill", DuckDbErrorType.InvalidInput)]
    [InlineData("late", DuckDbErrorType.InvalidInput)]
    public void An_exception_in_a_callback_surfaces_whole_and_the_database_stays_usable(string where, DuckDbErrorType type)
    {
        using var db = new TestDatabase();
        var thrown = new FormatException("row 7 of café.csv is bent: 100% \0 {0}");
        void At(string place)
        {
            if (place == where) throw thrown;
        }

        var source = new ScriptedSource
        {
            Columns = where == "columns" ? new ThrowingList(thrown) : Abc,
            OnScan = () => At("scan"),
            Reader = _ =>
            {
                At("reader");
                var chunks = 0;
                return (in chunk) =>
                {
                    At("fill");
                    if (chunks++ == 3) At("late");
                    return chunks > 5 ? 0 : chunk.Capacity;
                };
            },
        };
        var error = Assert.Throws<DuckDbException>(() => db.Connection.Execute($"SELECT count(*) FROM {db.Add(source)}"));
        Assert.Same(thrown, error.InnerException);
        Assert.Equal(type, error.Type);
        Assert.Contains("row 7 of café.csv is bent: 100%", error.Message);
        Assert.DoesNotContain("millrace-callback", error.Message);
        Assert.Equal(0, source.Open);
        Assert.Equal(["1"], db.Rows("SELECT 1"));
    }

    [Fact]
    public void An_exception_of_the_resolver_surfaces()
    {
        using var db = new TestDatabase();
        var error = Assert.Throws<DuckDbException>(() => db.Connection.Execute("FROM source(99)"));
        Assert.IsType<ArgumentOutOfRangeException>(error.InnerException);
        Assert.Throws<DuckDbException>(() => db.Connection.Execute("FROM source(NULL)"));
    }

    [Fact]
    public void An_exception_in_dispose_is_dropped()
    {
        using var db = new TestDatabase();
        var source = new ScriptedSource
        {
            Columns = Abc,
            OnDispose = () => throw new InvalidOperationException("dropped"),
            Reader = ScriptedSource.Once((in _) => 1),
        };
        Assert.Equal(["1"], db.Rows($"SELECT count(*) FROM {db.Add(source)}"));
        Assert.Equal(0, source.Open);
    }

    [Fact]
    public void A_reader_that_claims_too_many_rows_is_refused()
    {
        using var db = new TestDatabase();
        var source = new ScriptedSource { Columns = Abc, Reader = _ => (in chunk) => chunk.Capacity + 1 };
        var error = Assert.Throws<DuckDbException>(() => db.Connection.Execute($"SELECT count(*) FROM {db.Add(source)}"));
        Assert.Contains("2049", error.Message);
    }

    [Fact]
    public async Task Scans_that_fail_at_once_each_report_their_own_exception()
    {
        using var db = new TestDatabase(("threads", "4"));
        using var together = new Barrier(8);
        var failures = Enumerable.Range(0, 8).Select(async i =>
        {
            using var connection = db.Database.Connect();
            for (var round = 0; round < 20; round++)
            {
                var thrown = new FormatException("the same text for all");
                var source = new ScriptedSource
                {
                    Columns = Abc,
                    MaxThreads = 2,
                    Reader = reader => reader == 0 ? (in _) => throw thrown : (in chunk) => chunk.Capacity,
                };
                var sql = $"SELECT count(*) FROM {db.Add(source)}";
                var error = await Assert.ThrowsAsync<DuckDbException>(() => connection.ExecuteAsync(sql, TestContext.Current.CancellationToken));
                Assert.Same(thrown, error.InnerException);
                Assert.Equal(0, source.Open);
            }
        });
        await Task.WhenAll(failures);
    }

    [Fact]
    public async Task Cancellation_interrupts_and_everything_is_disposed()
    {
        using var db = new TestDatabase(("threads", "2"));
        using var cancel = new CancellationTokenSource();
        var source = new ScriptedSource
        {
            Columns = Abc,
            MaxThreads = 2,
            Reader = _ => (in chunk) =>
            {
                cancel.Cancel();
                return chunk.Capacity;
            },
        };
        var sql = $"SELECT count(*) FROM {db.Add(source)}";
        var error = await Assert.ThrowsAsync<OperationCanceledException>(() => db.Connection.ExecuteAsync(sql, cancel.Token));
        Assert.Equal(DuckDbErrorType.Interrupt, Assert.IsType<DuckDbException>(error.InnerException).Type);
        Assert.Equal(0, source.Open);
        Assert.Equal(["1"], db.Rows("SELECT 1"));
    }

    [Fact]
    public async Task A_callback_that_waits_on_the_token_ends_as_cancelled_too()
    {
        using var db = new TestDatabase();
        using var cancel = new CancellationTokenSource();
        using var waiting = new ManualResetEventSlim();
        var source = new ScriptedSource
        {
            Columns = Abc,
            Reader = _ => (in _) =>
            {
                waiting.Set();
                cancel.Token.WaitHandle.WaitOne();
                throw new OperationCanceledException(cancel.Token);
            },
        };
        var query = db.Connection.ExecuteAsync($"FROM {db.Add(source)}", cancel.Token);
        Assert.True(waiting.Wait(TimeSpan.FromSeconds(30)));
        await cancel.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => query);
        Assert.Equal(0, source.Open);
    }

    [Fact]
    public async Task Interrupt_may_race_with_dispose()
    {
        using var db = new TestDatabase();
        for (var i = 0; i < 200; i++)
        {
            var connection = db.Database.Connect();
            using var start = new Barrier(2);
            var interrupting = Task.Run(() =>
            {
                start.SignalAndWait();
                for (var n = 0; n < 50; n++)
                {
                    connection.Interrupt();
                    _ = connection.Progress;
                }
            });
            start.SignalAndWait();
            connection.Dispose();
            await interrupting;
        }
    }

    [Fact]
    public async Task Dispose_during_a_query_waits_for_it()
    {
        using var db = new TestDatabase();
        using var running = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        var source = new ScriptedSource
        {
            Columns = Abc,
            Reader = ScriptedSource.Once((in _) =>
            {
                running.Set();
                goOn.Wait();
                return 5;
            }),
        };
        var connection = db.Database.Connect();
        var query = connection.QueryAsync($"SELECT count(*) FROM {db.Add(source)}", CancellationToken.None);
        Assert.True(running.Wait(TimeSpan.FromSeconds(30)));
        connection.Dispose();
        goOn.Set();
        using var result = await query;
        Assert.True(result.Read());
        Assert.Equal(5, result.GetInt64(0));
        Assert.Throws<ObjectDisposedException>(() => connection.Execute("SELECT 1"));
    }

    [Fact]
    public void A_column_name_and_type_come_out_as_they_went_in()
    {
        using var db = new TestDatabase();
        var source = new ScriptedSource
        {
            Columns = [new("a \"b\" ü", DuckDbType.Json), new("A", DuckDbType.Parse("struct(\"x y\" decimal(5,2))[]"))],
            Reader = ScriptedSource.Once((in _) => 0),
        };
        using var result = db.Connection.Query($"FROM {db.Add(source)}");
        Assert.Equal(source.Columns, result.Columns);
    }

    private sealed class ThrowingList(Exception error) : IReadOnlyList<TableColumn>
    {
        public int Count => throw error;

        public TableColumn this[int index] => throw error;

        public IEnumerator<TableColumn> GetEnumerator() => throw error;

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => throw error;
    }
}
