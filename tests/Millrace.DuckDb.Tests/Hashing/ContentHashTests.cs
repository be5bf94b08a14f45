namespace Millrace.DuckDb.Tests.Hashing;

/// <summary>
/// What must hold of a content hash: the quick way gives what the slow one gives, nothing but the values counts, and every change is seen.
/// </summary>
public sealed class ContentHashTests
{
    [Fact]
    public void Every_type_has_the_hash_that_the_reference_gives_at_the_source_and_at_a_tap()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        using var db = new TestDatabase();
        var taps = new HashTaps("tap");
        taps.Attach(db.Connection);
        foreach (var sql in RandomRows.Types)
        {
            DuckDbType[] types = [DuckDbType.Parse(sql), DuckDbType.Integer];
            var rows = Rows(types, random.Next(2100), random);
            var expected = ReferenceHash.Of(types, rows);
            var (source, tapped) = Move(db, taps, types, rows, random);
            Assert.True(expected == source, $"seed {seed}, {sql}: {expected}, at the source {source}");
            Assert.True(expected == tapped, $"seed {seed}, {sql}: {expected}, at the tap {tapped}");
        }
    }

    [Fact]
    public void Neither_order_nor_chunks_nor_threads_nor_forms_of_vectors_matter()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        using var db = new TestDatabase(("threads", "4"), ("preserve_insertion_order", "false"));
        var taps = new HashTaps("tap");
        taps.Attach(db.Connection);
        var types = new[] { "BIGINT", "VARCHAR", "VARCHAR", "DECIMAL(12,2)", "INTEGER[]" }.Select(DuckDbType.Parse).ToArray();
        var rows = Rows(types, 5_000, random);
        // Few texts, many times: DuckDB keeps them as dictionaries.
        foreach (var row in rows) row[2] = random.Next(5) switch { 0 => null, 1 => "", 2 => "short", var i => new string('x', i * 20) };
        var expected = ReferenceHash.Of(types, rows);
        random.Shuffle(rows);
        Assert.True(expected == Move(db, taps, types, rows, random).Source, $"seed {seed}: another order");

        var columns = string.Join(", ", types.Select((_, i) => $"c{i}"));
        db.Connection.Execute($"CREATE TABLE kept AS SELECT {columns} FROM {Source(db, types, rows, random)}");
        db.Connection.Execute("CREATE TABLE twice AS SELECT * FROM kept UNION ALL SELECT * FROM kept");
        foreach (var select in new[]
        {
            $"SELECT {columns} FROM kept",
            $"SELECT {columns} FROM kept ORDER BY c0",
            $"SELECT {columns} FROM (SELECT *, row_number() OVER (ORDER BY c1) AS n FROM kept) WHERE n % 2 >= 0",
            $"SELECT DISTINCT ON (kept.rowid) kept.* FROM kept JOIN range(3) AS three(n) ON true",
        })
            Assert.True(expected == Tapped(db, taps, select, types.Length), $"seed {seed}: {select}");

        Assert.True(ContentHash.TryParse(expected, out var once));
        Assert.Equal((once + once).ToString(), Tapped(db, taps, $"SELECT {columns} FROM twice", types.Length));
        Assert.Equal(ReferenceHash.Of([DuckDbType.Integer, DuckDbType.Varchar], Enumerable.Repeat(new object?[] { (Int128)5, "constant" }, 5000)),
            Tapped(db, taps, "SELECT 5 AS c0, 'constant' AS c1 FROM range(5000)", 2));
    }

    [Fact]
    public void Every_single_change_is_seen()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        using var db = new TestDatabase();
        var taps = new HashTaps("tap");
        taps.Attach(db.Connection);
        var types = RandomRows.Types.Select(DuckDbType.Parse).ToArray();
        var rows = Rows(types, 60, random);
        var seen = new Dictionary<string, string> { [Move(db, taps, types, rows, random).Tapped] = "nothing" };
        for (var step = 0; step < 200; step++)
        {
            var (row, column) = (random.Next(rows.Length), random.Next(types.Length));
            var before = ReferenceHash.Of([types[column]], [[rows[row][column]]]);
            var value = RandomRows.Value(types[column], random);
            // The same value again is no change.
            if (before == ReferenceHash.Of([types[column]], [[value]])) continue;
            rows[row][column] = value;
            var what = $"seed {seed}, step {step}: row {row}, {types[column].ToSql()}";
            Assert.True(seen.TryAdd(Move(db, taps, types, rows, random).Tapped, what), what);
        }
    }

    [Fact]
    public void Neighbours_are_told_apart()
    {
        DuckDbType[] types = [DuckDbType.Varchar, DuckDbType.Varchar, DuckDbType.Double, DuckDbType.Double];
        object?[] plain = ["a", "b", 1.5, -1.5];
        object?[][][] sets =
        [
            [plain, plain, ["c", "d", 0.0, 2.0]],
            [["c", "d", 0.0, 2.0]],
            [plain, ["c", "d", 0.0, 2.0]],
            [plain, plain, ["d", "c", 0.0, 2.0]],
            [plain, plain, ["c", "d", 2.0, 0.0]],
            [plain, plain, ["c", "d", -0.0, 2.0]],
            [plain, plain, [null, "d", 0.0, 2.0]],
            [plain, plain, ["", "d", 0.0, 2.0]],
            [plain, plain, ["\0", "d", 0.0, 2.0]],
            [plain, plain, ["c", "d", null, 2.0]],
            [["a", "b", -1.5, 1.5], ["a", "b", -1.5, 1.5], ["c", "d", 0.0, 2.0]],
            [["c", "b", 1.5, -1.5], plain, ["a", "d", 0.0, 2.0]],
            [["a", "d", 1.5, -1.5], plain, ["c", "b", 0.0, 2.0]],
            [plain, plain, plain, plain, ["c", "d", 0.0, 2.0]],
        ];
        using var db = new TestDatabase();
        var taps = new HashTaps("tap");
        taps.Attach(db.Connection);
        var hashes = sets.Select(rows => Move(db, taps, types, rows, new Random(1)).Source).ToArray();
        Assert.Equal(sets.Length, hashes.Distinct(StringComparer.Ordinal).Count());
        // Without the number of rows too: it must not be what tells them apart.
        Assert.Equal(sets.Length, hashes.Select(hash => hash.Split(':')[2]).Distinct(StringComparer.Ordinal).Count());
    }

    [Theory]
    [InlineData("SELECT 1::BIGINT AS c0", "SELECT 1::TINYINT AS c0")]
    [InlineData("SELECT 1::HUGEINT AS c0", "SELECT 1::UBIGINT AS c0")]
    [InlineData("SELECT 18446744073709551615::HUGEINT AS c0", "SELECT 18446744073709551615::UBIGINT AS c0")]
    [InlineData("SELECT 1.50::DECIMAL(4,2) AS c0", "SELECT 1.50::DECIMAL(38,2) AS c0")]
    [InlineData("SELECT 1.5::FLOAT AS c0", "SELECT 1.5::DOUBLE AS c0")]
    [InlineData("SELECT 'nan'::FLOAT AS c0", "SELECT -('nan'::DOUBLE) AS c0")]
    [InlineData("SELECT 'b'::ENUM('a', 'b') AS c0", "SELECT 'b' AS c0")]
    [InlineData("SELECT TIMESTAMP_S '2024-01-01 00:00:01' AS c0", "SELECT TIMESTAMP '2024-01-01 00:00:01' AS c0")]
    [InlineData("SELECT [1, NULL]::INTEGER[2] AS c0", "SELECT [1, NULL]::BIGINT[] AS c0")]
    [InlineData("SELECT NULL::INTEGER AS c0", "SELECT NULL::VARCHAR AS c0")]
    public void Equal_values_of_kindred_types_have_equal_hashes(string one, string other)
    {
        using var db = new TestDatabase();
        var taps = new HashTaps("tap");
        taps.Attach(db.Connection);
        Assert.Equal(Tapped(db, taps, one, 1), Tapped(db, taps, other, 1));
    }

    [Fact]
    public void Hashing_allocates_nothing()
    {
        using var db = new TestDatabase();
        var types = RandomRows.Types.Select(DuckDbType.Parse).ToArray();
        var rows = Rows(types, 100, new Random(7));
        var hasher = Hasher(types);
        long allocated = -1;
        db.Connection.Execute($"SELECT {string.Join(", ", types.Select((_, i) => $"count(c{i})"))} FROM {db.Add(new ScriptedSource
        {
            Columns = Columns(types),
            Reader = ScriptedSource.Once((in chunk) =>
            {
                var count = Fill(chunk, rows);
                hasher.Hash(chunk, count);
                var before = GC.GetAllocatedBytesForCurrentThread();
                for (var i = 0; i < 10; i++) hasher.Hash(chunk, count);
                allocated = GC.GetAllocatedBytesForCurrentThread() - before;
                return count;
            }),
        })}");
        Assert.Equal(0, allocated);
    }

    [Fact]
    public void The_text_form_reads_back_and_no_other_text_does()
    {
        var hash = new ContentHash(12, 0xFEDC, 1);
        Assert.Equal("h1:12:000000000000fedc0000000000000001", hash.ToString());
        Assert.True(ContentHash.TryParse(hash.ToString(), out var read));
        Assert.Equal(hash, read);
        foreach (var text in new[] { null, "", "h2:12:000000000000fedc0000000000000001", "h1:-1:000000000000fedc0000000000000001", "h1:1:00", "h1:1:000000000000fedc000000000000000g" })
            Assert.False(ContentHash.TryParse(text, out _), text);
    }

    [Fact]
    public void A_tap_that_is_closed_or_has_no_constant_token_fails_the_query()
    {
        using var db = new TestDatabase();
        var taps = new HashTaps("tap");
        taps.Attach(db.Connection);
        var tap = taps.Open();
        var sql = tap.Over("SELECT 1 AS c0", ["c0"]);
        tap.Dispose();
        Assert.Throws<DuckDbException>(() => db.Connection.Execute(sql));
        Assert.Throws<DuckDbException>(() => db.Connection.Execute("SELECT * FROM range(3) AS r(i) WHERE tap(i, i)"));
    }

    private static object?[][] Rows(DuckDbType[] types, int count, Random random) =>
        [.. Enumerable.Range(0, count).Select(_ => types.Select(type => RandomRows.Value(type, random)).ToArray())];

    private static (string Source, string Tapped) Move(TestDatabase db, HashTaps taps, DuckDbType[] types, object?[][] rows, Random random)
    {
        var sum = new ContentSum();
        var from = Source(db, types, rows, random, sum);
        var tapped = Tapped(db, taps, $"SELECT {string.Join(", ", types.Select((_, i) => $"c{i}"))} FROM {from}", types.Length);
        return (sum.Value.ToString(), tapped);
    }

    private static string Tapped(TestDatabase db, HashTaps taps, string select, int columns)
    {
        using var tap = taps.Open();
        db.Connection.Execute(tap.Over(select, Enumerable.Range(0, columns).Select(i => $"c{i}")));
        return tap.Hash.ToString();
    }

    private static string Source(TestDatabase db, DuckDbType[] types, object?[][] rows, Random random, ContentSum? sum = null)
    {
        var hasher = Hasher(types);
        var at = 0;
        return db.Add(new ScriptedSource
        {
            Columns = Columns(types),
            Reader = _ => (in chunk) =>
            {
                var step = rows.AsSpan(at, Math.Min(rows.Length - at, random.Next(1, chunk.Capacity + 1)));
                at += Fill(chunk, step);
                sum?.Add(hasher.Hash(chunk, step.Length));
                return step.Length;
            },
        });
    }

    private static int Fill(in ChunkWriter chunk, ReadOnlySpan<object?[]> rows)
    {
        for (var i = 0; i < chunk.ColumnCount; i++)
        {
            var column = chunk.Column(i);
            for (var row = 0; row < rows.Length; row++) RandomRows.Write(ref column, row, rows[row][i]);
        }

        return rows.Length;
    }

    private static TableColumn[] Columns(DuckDbType[] types) => [.. types.Select((type, i) => new TableColumn($"c{i}", type))];

    private static ChunkHasher Hasher(DuckDbType[] types) => new([.. types.Select((type, i) => new HashedColumn(type, i, i))]);
}
