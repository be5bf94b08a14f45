using System.Text;

namespace Millrace.DuckDb.Tests;

/// <summary>Texts on their way into vectors: every length, every byte.</summary>
public sealed class TextTests
{
    [Fact]
    public void Text_of_every_length_around_the_inline_limit_is_exact()
    {
        using var db = new TestDatabase();
        var texts = Enumerable.Range(0, 40).Select(n => new string([.. Enumerable.Range(0, n).Select(i => (char)('a' + ((n + i) % 26)))]))
            .Concat(Enumerable.Range(0, 14).Select(n => string.Concat(Enumerable.Repeat("é", n))))
            .Append("a\0b").Append("\0").Append("😀😀😀").Append("x😀y😀z").ToArray();
        var source = new ScriptedSource
        {
            Columns = [new("s", DuckDbType.Varchar), new("b", DuckDbType.Blob)],
            Reader = ScriptedSource.Once((in chunk) =>
            {
                var text = chunk.Column(0);
                var blob = chunk.Column(1);
                for (var i = 0; i < texts.Length; i++)
                {
                    var utf8 = Encoding.UTF8.GetBytes(texts[i]);
                    Assert.True(text.SetString(i, utf8));
                    blob.SetBlob(i, utf8);
                }

                return texts.Length;
            }),
        };
        using var result = db.Connection.Query($"SELECT s, hex(s), hex(b), hash(s) = hash(decode(b)), s = decode(b) FROM {db.Add(source)}");
        foreach (var text in texts)
        {
            Assert.True(result.Read());
            Assert.Equal(text, result.GetText(0));
            Assert.Equal(Convert.ToHexString(Encoding.UTF8.GetBytes(text)), result.GetText(1));
            Assert.Equal(result.GetText(1), result.GetText(2));
            Assert.True(result.GetBoolean(3));
            Assert.True(result.GetBoolean(4));
        }
    }

    [Fact]
    public void Texts_of_all_sizes_stay_exact_over_many_chunks_and_threads()
    {
        const int Rows = 60_000;
        using var db = new TestDatabase(("threads", "2"), ("preserve_insertion_order", "false"));
        var next = 0;
        var source = new ScriptedSource
        {
            Columns =
            [
                new("i", DuckDbType.BigInt), new("s", DuckDbType.Varchar), new("l", DuckDbType.Parse("text[]")),
                new("t", DuckDbType.Parse("struct(a text, b text)")),
            ],
            MaxThreads = 2,
            Reader = _ =>
            {
                var buffer = new byte[3000];
                return (in chunk) =>
                {
                    var first = Interlocked.Add(ref next, chunk.Capacity) - chunk.Capacity;
                    var rows = Math.Clamp(Rows - first, 0, chunk.Capacity);
                    var (id, text, list, pair) = (chunk.Column(0), chunk.Column(1), chunk.Column(2), chunk.Column(3));
                    for (var row = 0; row < rows; row++)
                    {
                        var i = first + row;
                        id.Set(row, (long)i);
                        buffer.AsSpan().Fill((byte)('a' + (i % 26)));

                        // Mostly short; in every tenth chunk up to 2,499 bytes, beyond what is taken from blocks.
                        var length = i / 2048 % 10 == 9 ? (int)(i * 7919L % 2500) : i % 60;
                        text.SetString(row, buffer.AsSpan(0, length));
                        var copy = text;
                        if (i % 3 == 0) copy.SetString(row, buffer.AsSpan(0, length));
                        var texts = list.AppendList(row, 2, out var at);
                        texts.SetString(at, buffer.AsSpan(0, length));
                        texts.SetBlob(at + 1, buffer.AsSpan(0, i % 40));
                        pair.Field(0).SetString(row, buffer.AsSpan(0, i % 50));
                        pair.Field(1).SetString(row, buffer.AsSpan(0, length));
                    }

                    return rows;
                };
            },
        };
        var rows = db.Rows(
            $"""
             WITH x AS (SELECT *, chr(97 + (i % 26)::int) AS c, CASE WHEN i // 2048 % 10 = 9 THEN i * 7919 % 2500 ELSE i % 60 END AS n
                        FROM {db.Add(source)})
             SELECT count(*), sum(i),
                    count(*) FILTER (s = repeat(c, n) AND l = [s, repeat(c, i % 40)] AND t.a = repeat(c, i % 50) AND t.b = s) FROM x
             """);
        Assert.Equal([$"{Rows}|{(long)Rows * (Rows - 1) / 2}|{Rows}"], rows);
    }

    [Fact]
    public void A_text_of_40_MB_goes_through()
    {
        const int Length = 40 * 1024 * 1024;
        using var db = new TestDatabase();
        var text = new byte[Length];
        Array.Fill(text, (byte)'x');
        text[^1] = (byte)'y';
        var source = new ScriptedSource
        {
            Columns = [new("s", DuckDbType.Varchar)],
            Reader = ScriptedSource.Once((in chunk) => chunk.Column(0).SetString(0, text) ? 1 : 0),
        };
        Assert.Equal([$"{Length}|xy"], db.Rows($"SELECT length(s), s[-2:] FROM {db.Add(source)}"));
    }

    [Theory]
    [InlineData(new byte[] { 0xff })]
    [InlineData(new byte[] { (byte)'a', 0xc3 })]
    [InlineData(new byte[] { 0xed, 0xa0, 0x80 })]
    [InlineData(new byte[] { 0xc0, 0x80 })]
    [InlineData(new byte[] { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0x80 })]
    [InlineData(new byte[] { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0xf5, 0x80, 0x80, 0x80 })]
    public void Invalid_UTF8_is_refused_and_the_row_can_be_written_again(byte[] bytes)
    {
        using var db = new TestDatabase();
        bool? written = null;
        var source = new ScriptedSource
        {
            Columns = [new("s", DuckDbType.Varchar)],
            Reader = ScriptedSource.Once((in chunk) =>
            {
                var column = chunk.Column(0);
                written = column.SetString(0, bytes);
                column.SetNull(0);
                return 1;
            }),
        };
        Assert.Equal(["∅"], db.Rows($"FROM {db.Add(source)}"));
        Assert.False(written);
    }

    [Fact]
    public void One_byte_that_is_not_ASCII_is_seen_at_every_place_of_texts_of_every_length()
    {
        const int LengthMax = 100;
        using var db = new TestDatabase();
        var (refused, expected) = (0, new List<string>());
        var length = 1;
        var source = new ScriptedSource
        {
            Columns = [new("s", DuckDbType.Varchar)],
            Reader = _ => (in chunk) =>
            {
                if (length > LengthMax) return 0;
                var column = chunk.Column(0);
                var row = 0;
                for (var at = 0; at < length; at++)
                {
                    var bytes = new byte[length];
                    bytes.AsSpan().Fill((byte)'a');
                    bytes[at] = 0xff;
                    if (!column.SetString(row, bytes)) refused++;
                    bytes[at] = (byte)'b';
                    if (at + 1 < length) "é"u8.CopyTo(bytes.AsSpan(at));
                    Assert.True(column.SetString(row++, bytes));
                    expected.Add(Encoding.UTF8.GetString(bytes));
                }

                length++;
                return row;
            },
        };
        var rows = db.Rows($"FROM {db.Add(source)}");
        Assert.Equal(expected, rows);
        Assert.Equal(expected.Count, refused);
    }

    [Fact]
    public void Texts_of_a_chunk_may_be_more_than_DuckDB_may_use()
    {
        using var db = new TestDatabase(("memory_limit", "16MB"), ("threads", "1"), ("temp_directory", ""));
        var text = new byte[20_000];
        var source = new ScriptedSource
        {
            Columns = [new("s", DuckDbType.Varchar)],
            Reader = ScriptedSource.Once((in chunk) =>
            {
                for (var row = 0; row < chunk.Capacity; row++) Assert.True(chunk.Column(0).SetString(row, text));
                return chunk.Capacity;
            }),
        };
        Assert.Equal(["40960000"], db.Rows($"SELECT sum(strlen(s)) FROM {db.Add(source)}"));
    }

    // The memory of a chunk's texts serves the next chunk too: whatever keeps a row must have copied it.
    [Theory]
    [InlineData("SELECT i, s FROM {0} WHERE i % 997 = 0", 61)]
    [InlineData("SELECT i, first(s) AS s FROM {0} GROUP BY i", 60_000)]
    [InlineData("SELECT max(i) AS i, arg_max(s, i) AS s FROM {0} GROUP BY i % 1000", 1_000)]
    [InlineData("SELECT DISTINCT i, s FROM {0}", 60_000)]
    [InlineData("SELECT i, s FROM {0} ORDER BY s", 60_000)]
    [InlineData("SELECT i, s FROM {0} ORDER BY i % 1009 LIMIT 3000", 3_000)]
    [InlineData("SELECT i, s FROM {0} LIMIT 5000", 5_000)]
    [InlineData("SELECT i, s FROM {0} USING SAMPLE 700 ROWS", 700)]
    [InlineData("SELECT a.i, s FROM {0} AS a JOIN range(0, 60000, 7) AS r(i) ON a.i = r.i", 8_572)]
    [InlineData("SELECT r.i, s FROM range(0, 600000) AS r(i) JOIN {0} AS b ON b.i = r.i", 60_000)]
    [InlineData("SELECT i, lag(s, 0) OVER (ORDER BY i % 1009, i) AS s FROM {0}", 60_000)]
    [InlineData("SELECT r.i AS i, r.s AS s FROM (SELECT unnest(list({{'i': i, 's': s}})) AS r FROM {0})", 60_000)]
    [InlineData("WITH kept AS MATERIALIZED (SELECT i, s FROM {0}) SELECT i, s FROM kept WHERE i % 3 = 0", 20_000)]
    [InlineData("SELECT i, s FROM {0} UNION ALL SELECT 7, repeat('7-', 20)", 60_001)]
    public void What_is_kept_of_a_chunk_outlives_its_memory(string select, int rows)
    {
        const int Rows = 60_000;
        using var db = new TestDatabase(("threads", "2"), ("preserve_insertion_order", "false"));
        var next = 0;
        var source = new ScriptedSource
        {
            Columns = [new("i", DuckDbType.BigInt), new("s", DuckDbType.Varchar)],
            MaxThreads = 2,
            Reader = _ => (in chunk) =>
            {
                var first = Interlocked.Add(ref next, chunk.Capacity) - chunk.Capacity;
                var filled = Math.Clamp(Rows - first, 0, chunk.Capacity);
                for (var row = 0; row < filled; row++)
                {
                    chunk.Column(0).Set(row, (long)(first + row));
                    Assert.True(chunk.Column(1).SetString(row, Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat($"{first + row}-", 20)))));
                }

                return filled;
            },
        };
        db.Connection.Execute($"CREATE TABLE kept AS {string.Format(System.Globalization.CultureInfo.InvariantCulture, select, db.Add(source))}");
        Assert.Equal([rows.ToString(System.Globalization.CultureInfo.InvariantCulture)], db.Rows("SELECT count(*) FROM kept"));
        Assert.Equal(["0"], db.Rows("SELECT count(*) FROM kept WHERE s IS DISTINCT FROM repeat(i || '-', 20)"));
    }
}
