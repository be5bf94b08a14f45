using System.Globalization;
using System.Text;

namespace Millrace.DuckDb.Tests;

public sealed class VectorTests
{
    private delegate void Write(ref VectorWriter column, int row);

    // One row per kind: the type, how a value is written, and how DuckDB prints it.
    private static readonly (string Type, Write Write, string Printed)[] Kinds =
    [
        ("BOOLEAN", (ref c, r) => c.Set(r, (byte)1), "true"),
        ("TINYINT", (ref c, r) => c.Set(r, (sbyte)-128), "-128"),
        ("SMALLINT", (ref c, r) => c.Set(r, short.MinValue), "-32768"),
        ("INTEGER", (ref c, r) => c.Set(r, int.MinValue), "-2147483648"),
        ("BIGINT", (ref c, r) => c.Set(r, long.MinValue), "-9223372036854775808"),
        ("HUGEINT", (ref c, r) => c.Set(r, Int128.MinValue), "-170141183460469231731687303715884105728"),
        ("UTINYINT", (ref c, r) => c.Set(r, byte.MaxValue), "255"),
        ("USMALLINT", (ref c, r) => c.Set(r, ushort.MaxValue), "65535"),
        ("UINTEGER", (ref c, r) => c.Set(r, uint.MaxValue), "4294967295"),
        ("UBIGINT", (ref c, r) => c.Set(r, ulong.MaxValue), "18446744073709551615"),
        ("UHUGEINT", (ref c, r) => c.Set(r, UInt128.MaxValue), "340282366920938463463374607431768211455"),
        ("FLOAT", (ref c, r) => c.Set(r, 1.5f), "1.5"),
        ("DOUBLE", (ref c, r) => c.Set(r, double.NegativeInfinity), "-inf"),
        ("DECIMAL(4,1)", (ref c, r) => c.Set(r, (short)-9999), "-999.9"),
        ("DECIMAL(9,2)", (ref c, r) => c.Set(r, 123456789), "1234567.89"),
        ("DECIMAL(18,3)", (ref c, r) => c.Set(r, -1L), "-0.001"),
        ("DECIMAL(38,38)", (ref c, r) => c.Set(r, (Int128)1), ".00000000000000000000000000000000000001"),
        ("DATE", (ref c, r) => c.Set(r, -1), "1969-12-31"),
        ("DATE", (ref c, r) => c.Set(r, -int.MaxValue), "-infinity"),
        ("TIME", (ref c, r) => c.Set(r, 86_399_999_999L), "23:59:59.999999"),
        ("TIME_NS", (ref c, r) => c.Set(r, 1L), "00:00:00.000000001"),
        ("TIME WITH TIME ZONE", (ref c, r) => c.SetTimeTz(r, 3_600_000_000L, -5400), "01:00:00-01:30"),
        ("TIMESTAMP", (ref c, r) => c.Set(r, 1L), "1970-01-01 00:00:00.000001"),
        ("TIMESTAMP", (ref c, r) => c.Set(r, long.MaxValue), "infinity"),
        ("TIMESTAMP_S", (ref c, r) => c.Set(r, 1L), "1970-01-01 00:00:01"),
        ("TIMESTAMP_MS", (ref c, r) => c.Set(r, 1L), "1970-01-01 00:00:00.001"),
        ("TIMESTAMP_NS", (ref c, r) => c.Set(r, 1L), "1970-01-01 00:00:00.000000001"),
        ("TIMESTAMP WITH TIME ZONE", (ref c, r) => c.Set(r, -1L), "1969-12-31 23:59:59.999999+00"),
        ("INTERVAL", (ref c, r) => c.Set(r, new DuckDbInterval(14, -3, 1)), "1 year 2 months -3 days 00:00:00.000001"),
        ("UUID", (ref c, r) => c.SetUuid(r, [0x12, 0x34, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0xff]), "12340000-0000-0000-8000-0000000000ff"),
        ("VARCHAR", (ref c, r) => Assert.True(c.SetString(r, "Grüße"u8)), "Grüße"),
        ("JSON", (ref c, r) => Assert.True(c.SetString(r, "{\"a\": [1, 2, 3]}"u8)), "{\"a\": [1, 2, 3]}"),
        ("BLOB", (ref c, r) => c.SetBlob(r, [0, 0xff, (byte)'a']), "\\x00\\xFFa"),
        ("BIT", (ref c, r) => c.SetBlob(r, [5, 0b1111_1101]), "101"),
        ("ENUM('a', 'b''c')", (ref c, r) => c.Set(r, (byte)1), "b'c"),
        ("INTEGER[]", WriteList, "[7, NULL]"),
        ("INTEGER[][]", WriteListOfLists, "[[7, NULL], []]"),
        ("INTEGER[2]", WriteArray, "[5, NULL]"),
        ("STRUCT(\"a\" INTEGER, \"b\" VARCHAR)", WriteStruct, "{'a': 5, 'b': a text of some length}"),
        ("MAP(VARCHAR, INTEGER)", WriteMap, "{k=9}"),
        ("UNION(\"n\" INTEGER, \"t\" VARCHAR)", WriteUnion, "word"),
    ];

    [Fact]
    public void Every_kind_is_written_and_printed_by_DuckDB_as_meant()
    {
        using var db = new TestDatabase();
        db.Connection.Execute("SET TimeZone = 'UTC'");
        foreach (var (sql, write, printed) in Kinds)
        {
            var type = DuckDbType.Parse(sql);
            var source = new ScriptedSource
            {
                Columns = [new("v", type)],
                Reader = ScriptedSource.Once((in chunk) =>
                {
                    var column = chunk.Column(0);
                    write(ref column, 0);
                    column.SetNull(1);
                    write(ref column, 2);
                    return 3;
                }),
            };
            var rows = db.Rows($"SELECT v, typeof(v) FROM {db.Add(source)}");
            var text = rows.Select(r => r.Split('|')).ToArray();
            Assert.Equal([printed, "∅", printed], text.Select(t => t[0]));
            Assert.Equal(type, DuckDbType.Parse(text[0][1]));
        }
    }

    // A chunk's lists have 9,000 elements here: room for them is made three times, while earlier elements lie there.
    [Fact]
    public void Lists_of_every_kind_keep_their_elements_while_they_grow()
    {
        const int Chunks = 3, Rows = 900, Elements = 10;
        using var db = new TestDatabase();
        db.Connection.Execute("SET TimeZone = 'UTC'");
        foreach (var (sql, write, printed) in Kinds)
        {
            var chunks = 0;
            var source = new ScriptedSource
            {
                Columns = [new("v", DuckDbType.List(DuckDbType.Parse(sql)))],
                Reader = _ => (in chunk) =>
                {
                    if (chunks++ == Chunks) return 0;
                    var column = chunk.Column(0);
                    for (var row = 0; row < Rows; row++)
                    {
                        var child = column.AppendList(row, Elements, out var at);
                        for (var i = 0; i < Elements; i++)
                        {
                            if ((row + i) % 3 == 0) child.SetNull(at + i);
                            else write(ref child, at + i);
                        }
                    }

                    return Rows;
                },
            };
            var rows = db.Rows($"SELECT e::text, count(*) FROM (SELECT unnest(v) AS e FROM {db.Add(source)}) GROUP BY ALL ORDER BY ALL NULLS FIRST");
            Assert.Equal(["∅|9000", $"{printed}|18000"], rows);
        }
    }

    [Fact]
    public void Every_kind_survives_a_way_through_DuckDB()
    {
        using var db = new TestDatabase();
        foreach (var (sql, _, _) in Kinds)
        {
            var type = DuckDbType.Parse(sql);
            using var result = db.Connection.Query($"SELECT NULL::{type.ToSql()} AS v");
            Assert.Equal(type, result.Columns[0].Type);
            Assert.True(result.Read());
            Assert.True(result.IsNull(0));
        }
    }

    [Fact]
    public void A_row_made_null_can_be_made_valid_again()
    {
        using var db = new TestDatabase();
        var source = new ScriptedSource
        {
            Columns = [new("i", DuckDbType.Integer)],
            Reader = ScriptedSource.Once((in chunk) =>
            {
                var column = chunk.Column(0);
                for (var row = 0; row < chunk.Capacity; row++) column.SetNull(row);
                column.SetValid(70);
                column.Values<int>()[70] = 5;
                return chunk.Capacity;
            }),
        };
        Assert.Equal(["2048|1|5"], db.Rows($"SELECT count(*), count(i), sum(i) FROM {db.Add(source)}"));
    }

    [Fact]
    public void Nulls_inside_of_a_null_struct_can_not_be_seen()
    {
        using var db = new TestDatabase();
        var source = new ScriptedSource
        {
            Columns = [new("s", DuckDbType.Parse("struct(a int, b struct(c int)[2])"))],
            Reader = ScriptedSource.Once((in chunk) =>
            {
                chunk.Column(0).SetNull(0);
                return 1;
            }),
        };
        Assert.Equal(["∅|∅|∅"], db.Rows($"SELECT s.a, s.b, s.b[1].c FROM {db.Add(source)}"));
    }

    [Fact]
    public void Lists_with_far_more_elements_than_rows_keep_values_and_nulls()
    {
        using var db = new TestDatabase();
        var seed = Random.Shared.Next();
        var lists = RandomLists(seed);
        var source = new ScriptedSource
        {
            Columns = [new("l", DuckDbType.Parse("text[][]"))],
            Reader = ScriptedSource.Once((in chunk) =>
            {
                var column = chunk.Column(0);
                for (var row = 0; row < lists.Length; row++) WriteNested(ref column, row, lists[row]);
                return lists.Length;
            }),
        };
        using var result = db.Connection.Query($"SELECT l::json::text FROM {db.Add(source)}");
        for (var row = 0; row < lists.Length; row++)
        {
            Assert.True(result.Read());
            Assert.True((Json(lists[row]) ?? "null") == (result.GetText(0) ?? "null"), $"seed {seed}, row {row}");
        }
    }

    [Fact]
    public void A_list_can_be_filled_in_bulk()
    {
        using var db = new TestDatabase();
        var source = new ScriptedSource
        {
            Columns = [new("l", DuckDbType.List(DuckDbType.Integer))],
            Reader = ScriptedSource.Once((in chunk) =>
            {
                var column = chunk.Column(0);
                var elements = column.ResizeList(10_000).Values<int>();
                for (var i = 0; i < elements.Length; i++) elements[i] = i;
                for (var row = 0; row < 100; row++) column.SetListEntry(row, row * 100, 100);
                return 100;
            }),
        };
        Assert.Equal(["10000|49995000|100"], db.Rows($"SELECT count(*), sum(e), max(n) FROM (SELECT unnest(l) AS e, len(l) AS n FROM {db.Add(source)})"));
    }

    [Fact]
    public void A_list_may_be_more_than_DuckDB_may_use()
    {
        const int Elements = 5_000_000;
        using var db = new TestDatabase(("memory_limit", "16MB"), ("threads", "1"), ("temp_directory", ""));
        var source = new ScriptedSource
        {
            Columns = [new("l", DuckDbType.List(DuckDbType.BigInt))],
            Reader = ScriptedSource.Once((in chunk) =>
            {
                var column = chunk.Column(0);
                column.AppendList(0, 1, out var first).Set(first, 7L);
                column.AppendList(1, Elements, out var at).Values<long>()[at..].Fill(3);
                return 2;
            }),
        };
        Assert.Equal(["7|1", $"3|{Elements}"], db.Rows($"SELECT l[-1], len(l) FROM {db.Add(source)}"));

        // What must copy it is refused, and the process lives.
        var refused = Assert.Throws<DuckDbException>(() => db.Connection.Execute($"CREATE TABLE t AS FROM {db.Add(source)}"));
        Assert.Equal(DuckDbErrorType.OutOfMemory, refused.Type);
    }

    private static string?[]?[]?[] RandomLists(int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, 2048).Select(_ => random.Next(10) == 0 ? null : (string?[]?[])
            [.. Enumerable.Range(0, random.Next(6)).Select(_ => random.Next(10) == 0 ? null : (string?[])
                [.. Enumerable.Range(0, random.Next(6)).Select(_ => random.Next(5) == 0 ? null : new string('a', random.Next(30)) + random.Next())])])];
    }

    private static void WriteNested(ref VectorWriter column, int row, string?[]?[]? lists)
    {
        if (lists is null)
        {
            column.SetNull(row);
            return;
        }

        var inner = column.AppendList(row, lists.Length, out var at);
        foreach (var list in lists)
        {
            if (list is null)
            {
                inner.SetNull(at++);
                continue;
            }

            var texts = inner.AppendList(at++, list.Length, out var first);
            foreach (var text in list)
            {
                if (text is null) texts.SetNull(first++);
                else texts.SetString(first++, Encoding.UTF8.GetBytes(text));
            }
        }
    }

    private static string? Json(string?[]?[]? lists) => lists is null
        ? null
        : "[" + string.Join(",", lists.Select(l => l is null ? "null" : "[" + string.Join(",", l.Select(t => t is null ? "null" : $"\"{t}\"")) + "]")) + "]";

    private static void WriteList(ref VectorWriter column, int row)
    {
        var child = column.AppendList(row, 2, out var at);
        child.Set(at, 7);
        child.SetNull(at + 1);
    }

    private static void WriteListOfLists(ref VectorWriter column, int row)
    {
        var child = column.AppendList(row, 2, out var at);
        WriteList(ref child, at);
        child.AppendList(at + 1, 0, out _);
    }

    private static void WriteArray(ref VectorWriter column, int row)
    {
        var elements = column.ArrayElements();
        elements.Set(row * 2, 5);
        elements.SetNull((row * 2) + 1);
    }

    private static void WriteStruct(ref VectorWriter column, int row)
    {
        column.Field(0).Set(row, 5);
        column.Field(1).SetString(row, "a text of some length"u8);
    }

    private static void WriteMap(ref VectorWriter column, int row)
    {
        var entries = column.AppendList(row, 1, out var at);
        entries.Field(0).SetString(at, "k"u8);
        entries.Field(1).Set(at, 9);
    }

    private static void WriteUnion(ref VectorWriter column, int row)
    {
        column.SetTag(row, 1);
        column.Field(1).SetString(row, "word"u8);
    }
}
