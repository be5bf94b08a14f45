using System.Text;

namespace Millrace.DuckDb.Tests;

public sealed class CopyFunctionTests
{
    [Fact]
    public void Rows_path_types_and_options_arrive()
    {
        using var db = new TestDatabase();
        var target = new RecordingTarget();
        CopyBinding? binding = null;
        db.Connection.RegisterCopyFunction("recorder", b =>
        {
            binding = b;
            return target;
        });
        using var copied = db.Connection.Query(
            """
            COPY (SELECT i, CASE WHEN i % 2 = 0 THEN 'text of row ' || i END AS t, [i, NULL, i + 1] AS l, {'a': i, 'b': 'x' || i} AS s,
                         map {'k': i} AS m, [i, i]::int[2] AS f
                  FROM range(5000) r(i))
            TO 'any where' (FORMAT recorder, level 3, names ['a', 'b'], flag)
            """);
        Assert.Equal(5000, copied.RowsChanged);
        Assert.Equal(["BIGINT", "VARCHAR", "BIGINT[]", "STRUCT(\"a\" BIGINT, \"b\" VARCHAR)", "MAP(VARCHAR, BIGINT)", "INTEGER[2]"], binding!.Types.Select(t => t.ToSql()));
        Assert.Equal(["flag=", "level=3", "names=[a, b]"], binding.Options.Select(o => $"{o.Key.ToLowerInvariant()}={o.Value}").Order());
        Assert.Equal("any where", target.Path);
        Assert.True(target.Completed);
        Assert.True(target.Disposed);
        Assert.Equal(5000, target.Rows.Count);
        foreach (var row in target.Rows)
        {
            var i = row.Key;
            var text = i % 2 == 0 ? "text of row " + i : "∅";
            Assert.Equal($"{i}|{text}|[{i},∅,{i + 1}]|({i},x{i})|[k={i}]|[{i},{i}]", row.Value);
        }
    }

    [Theory]
    [InlineData("bind", DuckDbErrorType.Binder)]
    [InlineData("open", DuckDbErrorType.InvalidInput)]
    [InlineData("write", DuckDbErrorType.InvalidInput)]
    [InlineData("complete", DuckDbErrorType.InvalidInput)]
    public void An_exception_in_a_callback_surfaces_whole_and_the_sink_is_given_up(string where, DuckDbErrorType type)
    {
        using var db = new TestDatabase();
        var thrown = new IOException("the target is full");
        var target = new RecordingTarget { FailAt = where, Error = thrown };
        db.Connection.RegisterCopyFunction("recorder", _ => where == "bind" ? throw thrown : target);
        var error = Assert.Throws<DuckDbException>(() => db.Connection.Execute("COPY (SELECT 1 FROM range(10000)) TO 'x' (FORMAT recorder)"));
        Assert.Same(thrown, error.InnerException);
        Assert.Equal(type, error.Type);
        Assert.False(target.Completed);
        Assert.Equal(where is "write" or "complete", target.Disposed);
        Assert.Equal(["1"], db.Rows("SELECT 1"));
    }

    [Fact]
    public void A_failing_source_gives_the_sink_up_and_reports_the_source()
    {
        using var db = new TestDatabase(("threads", "2"));
        var thrown = new FormatException("source");
        var target = new RecordingTarget();
        db.Connection.RegisterCopyFunction("recorder", _ => target);
        var chunks = 0;
        var source = new ScriptedSource
        {
            Columns = [new("i", DuckDbType.BigInt)],
            Reader = _ => (in chunk) =>
            {
                if (++chunks == 5) throw thrown;
                chunk.Column(0).Values<long>().Fill(chunks);
                return chunk.Capacity;
            },
        };
        var error = Assert.Throws<DuckDbException>(() => db.Connection.Execute($"COPY (FROM {db.Add(source)}) TO 'x' (FORMAT recorder)"));
        Assert.Same(thrown, error.InnerException);
        Assert.False(target.Completed);
        Assert.True(target.Disposed);
    }

    [Fact]
    public void Functions_in_CSharp_work_in_a_locked_database_that_allows_the_path()
    {
        using var db = new TestDatabase();
        var target = new RecordingTarget();
        db.Connection.RegisterCopyFunction("recorder", _ => target);
        db.Connection.Execute("SET allowed_paths = ['x']; SET enable_external_access = false; SET lock_configuration = true");
        var source = new ScriptedSource
        {
            Columns = [new("i", DuckDbType.BigInt)],
            Reader = ScriptedSource.Once((in chunk) =>
            {
                chunk.Column(0).Set(0, 7L);
                return 1;
            }),
        };
        db.Connection.Execute($"COPY (FROM {db.Add(source)}) TO 'x' (FORMAT recorder)");
        Assert.True(target.Completed);
        var error = Assert.Throws<DuckDbException>(() => db.Connection.Execute("COPY (SELECT 1) TO '/tmp/x.csv'"));
        Assert.Equal(DuckDbErrorType.Permission, error.Type);
    }

    [Fact]
    public void Every_way_of_reading_a_kind_agrees_with_DuckDB()
    {
        using var db = new TestDatabase();
        var seen = new List<string>();
        db.Connection.RegisterCopyFunction("reader", b => new DelegateTarget((in chunk) =>
        {
            Span<byte> uuid = stackalloc byte[16];
            chunk.Column(0).Uuid(0, uuid);
            seen.Add(Convert.ToHexString(uuid));
            seen.Add(chunk.Column(1).Get<Int128>(0).ToString());
            seen.Add(chunk.Column(2).Get<short>(0).ToString());
            seen.Add(chunk.Column(3).Get<DuckDbInterval>(0).ToString());
            seen.Add(chunk.Column(4).Tag(0).ToString() + Encoding.UTF8.GetString(chunk.Column(4).Field(1).Bytes(0)));
            seen.Add(Convert.ToHexString(chunk.Column(5).Bytes(0)));
            seen.Add(chunk.Column(6).Values<long>()[0].ToString());
            seen.Add(chunk.Column(7).AllValid.ToString() + chunk.Column(7).Get<byte>(0));
        }));
        db.Connection.Execute(
            """
            COPY (SELECT '12345678-9abc-def0-0123-456789abcdef'::uuid, (-7)::decimal(38,2), 1.5::decimal(4,2), INTERVAL '1 month 2 days 3 us',
                         union_value(t := 'abc')::union(n int, t varchar), 'a\x00b'::blob, 'infinity'::timestamp, true)
            TO 'x' (FORMAT reader)
            """);
        Assert.Equal(
            [
                "123456789ABCDEF00123456789ABCDEF", "-700", "150", new DuckDbInterval(1, 2, 3).ToString(), "1abc", "610062",
                long.MaxValue.ToString(), "True1",
            ],
            seen);
    }

    private sealed class DelegateTarget(DelegateTarget.Writer write) : ICopyTarget, ICopySink
    {
        public delegate void Writer(in ChunkReader chunk);

        public ICopySink Open(string path) => this;

        public void Write(in ChunkReader chunk) => write(chunk);

        public void Complete()
        {
        }

        public void Dispose()
        {
        }
    }

    private sealed class RecordingTarget : ICopyTarget, ICopySink
    {
        public string? FailAt { get; init; }

        public Exception? Error { get; init; }

        public string? Path { get; private set; }

        public bool Completed { get; private set; }

        public bool Disposed { get; private set; }

        public Dictionary<long, string> Rows { get; } = [];

        public ICopySink Open(string path)
        {
            At("open");
            Path = path;
            return this;
        }

        public void Write(in ChunkReader chunk)
        {
            At("write");
            if (FailAt is not null || chunk.ColumnCount == 1) return;
            lock (Rows)
            {
                for (var row = 0; row < chunk.Rows; row++)
                {
                    var cells = new string[chunk.ColumnCount];
                    for (var i = 0; i < cells.Length; i++) cells[i] = Print(chunk.Column(i), row);
                    Rows.Add(chunk.Column(0).Get<long>(row), string.Join('|', cells));
                }
            }
        }

        public void Complete()
        {
            At("complete");
            Completed = true;
        }

        public void Dispose() => Disposed = true;

        private static string Print(VectorReader column, int row)
        {
            if (column.IsNull(row)) return "∅";
            switch (column.Type.Kind)
            {
                case DuckDbKind.BigInt: return column.Get<long>(row).ToString();
                case DuckDbKind.Integer: return column.Get<int>(row).ToString();
                case DuckDbKind.Varchar: return Encoding.UTF8.GetString(column.Bytes(row));
                case DuckDbKind.Struct: return $"({Print(column.Field(0), row)},{Print(column.Field(1), row)})";
                case DuckDbKind.Array:
                    return "[" + string.Join(',', Enumerable.Range(0, column.Type.ArraySize).Select(e => Print(column.ArrayElements(), (row * column.Type.ArraySize) + e))) + "]";
            }

            var (offset, length) = column.List(row);
            var elements = column.ListElements();
            return column.Type.Kind == DuckDbKind.Map
                ? $"[{Print(elements.Field(0), offset)}={Print(elements.Field(1), offset)}]"
                : "[" + string.Join(',', Enumerable.Range(offset, length).Select(e => Print(elements, e))) + "]";
        }

        private void At(string place)
        {
            if (place == FailAt) throw Error!;
        }
    }
}
