using System.Diagnostics;

namespace Millrace.DuckDb.Tests;

/// <summary>Counts what the whole process holds, so it runs alone.</summary>
[Collection(nameof(Alone))]
public sealed class LeakTests
{
    private const long GrowthBytesMax = 32 << 20;

    [Fact]
    public void Ten_thousand_cycles_of_a_connection_and_its_queries_leak_nothing()
    {
        Assert.Equal(0, NativeState.Live);
        using (var db = new TestDatabase(("threads", "2")))
        {
            var current = new ScriptedSource { Columns = [], Reader = ScriptedSource.Once((in _) => 0) };
            db.Connection.RegisterTableFunction("current", _ => current);
            var sinks = 0;
            db.Connection.RegisterCopyFunction("sink", b => new CountingTarget(n => sinks += n, b.Options.ContainsKey("fail")));
            AssertNoGrowth(10_000, 2_000, number =>
            {
                current = NewSource(number);
                using var connection = db.Database.Connect();
                Run(connection, number);
                Assert.Equal(0, current.Open);
                Assert.Equal(0, sinks);
            });

            // The table function, the other one and the copy function; no query's state.
            Assert.Equal(3, NativeState.Live);
        }

        Assert.Equal(0, NativeState.Live);
    }

    [Fact]
    public void Cycles_of_a_whole_database_leak_nothing()
    {
        AssertNoGrowth(200, 50, number =>
        {
            using var db = DuckDbDatabase.Open([KeyValuePair.Create("threads", "2")]);
            using var connection = db.Connect();
            connection.RegisterTableFunction("current", _ => NewSource(number));
            connection.RegisterCopyFunction("sink", b => new CountingTarget(_ => { }, b.Options.ContainsKey("fail")));
            Run(connection, number);
        });
        Assert.Equal(0, NativeState.Live);
    }

    private static ScriptedSource NewSource(int number) => new()
    {
        Columns = [new("i", DuckDbType.Integer), new("s", DuckDbType.Parse("struct(a text[], b text)"))],
        OnScan = number % 5 == 1 ? () => throw new FormatException("scan") : null,
        Reader = ScriptedSource.Once((in chunk) =>
        {
            if (number % 5 == 2) throw new FormatException("fill");
            chunk.Column(0).Set(0, 1);
            var column = chunk.Column(1);
            column.Field(1).SetString(0, "longer than twelve bytes"u8);
            var elements = column.Field(0).AppendList(0, 2000, out var at);
            for (var i = 0; i < 2000; i++) elements.SetString(at + i, "longer than twelve bytes as well"u8);
            return 1;
        }),
    };

    private static void Run(DuckDbConnection connection, int number)
    {
        switch (number % 5)
        {
            case 0:
                using (var result = connection.Query("FROM current(1)"))
                {
                    while (result.NextChunk()) Assert.Equal(1, result.Chunk.Rows);
                }

                break;
            case 3:
                connection.Execute("COPY (FROM current(1)) TO 'x' (FORMAT sink, level 1)");
                break;
            case 4:
                Assert.Throws<DuckDbException>(() => connection.Execute("COPY (FROM current(1)) TO 'x' (FORMAT sink, fail)"));
                break;
            default:
                Assert.Throws<DuckDbException>(() => connection.Execute("FROM current(1)"));
                break;
        }
    }

    /// <summary>The first cycles fill the caches of the allocators and DuckDB's own; the others must not add to it.</summary>
    private static void AssertNoGrowth(int cycles, int warmUp, Action<int> cycle)
    {
        var before = 0L;
        for (var i = 0; i < cycles; i++)
        {
            if (i == warmUp) before = ResidentBytes();
            cycle(i);
        }

        var grown = ResidentBytes() - before;
        Assert.True(grown < GrowthBytesMax, $"{grown} bytes more after {cycles - warmUp} more cycles");
    }

    private static long ResidentBytes()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }

    private sealed class CountingTarget(Action<int> count, bool fail) : ICopyTarget
    {
        public ICopySink Open(string path) => new Sink(count, fail);

        private sealed class Sink : ICopySink
        {
            private readonly Action<int> _count;
            private readonly bool _fail;

            public Sink(Action<int> count, bool fail)
            {
                _count = count;
                _fail = fail;
                count(1);
            }

            public void Write(in ChunkReader chunk) => Assert.Equal(1, chunk.Rows);

            public void Complete()
            {
                if (_fail) throw new IOException("complete");
            }

            public void Dispose() => _count(-1);
        }
    }
}
