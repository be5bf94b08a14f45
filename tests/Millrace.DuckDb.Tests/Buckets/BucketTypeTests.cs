using Millrace.DuckDb.Tests.Hashing;

namespace Millrace.DuckDb.Tests.Buckets;

/// <summary>Values of every type come back as they were.</summary>
public sealed class BucketTypeTests
{
    private const int Rows = 3000;

    private static readonly string[] Conditions =
        ["true", "c0 IS NOT NULL", "c0 IS NULL", "id < 1500 OR c0 IS NOT NULL", "id >= 1500 OR c0 IS NOT NULL"];

    [Fact]
    public void Random_values_of_random_types_come_back()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        using var bed = new BucketTestbed(("threads", "1"));
        for (var round = 0; round < 12; round++)
        {
            var types = Enumerable.Range(0, random.Next(1, 6)).Select(_ => DuckDbType.Parse(TypeOf(random, 3))).ToArray();
            var columns = types.Select(static (type, i) => new TableColumn($"c{i}", type)).Append(new TableColumn("id", DuckDbType.BigInt)).ToArray();
            var what = $"seed {seed}, round {round}: {string.Join(", ", types.Select(static t => t.ToSql()))}";
            var values = random.Next();
            var (settings, source) = (new BucketSettings(random.Next(1, 40), 2, 4096 << random.Next(5)), RandomSource(columns, values));
            var path = bed.Write($"SELECT *, id % 20, c0 FROM {bed.Database.Add(source)}", settings);
            if (BucketIndex.Read(path).Rows != Rows) Assert.Fail(what);
            bed.Database.Connection.Execute($"CREATE OR REPLACE TABLE t AS FROM {bed.Database.Add(source)}");
            var read = bed.Source(columns, 0, settings.Buckets, path);
            Assert.True(bed.HashOf("FROM t") == bed.HashOf($"FROM {read}"), what);
            Assert.True(bed.HashOf("SELECT id, c0 FROM t") == bed.HashOf($"SELECT id, c0 FROM {read}"), what);
            path = bed.Write("SELECT *, id % 20, c0 FROM t WHERE id % 3 > 0", settings);
            Assert.True(bed.HashOf("FROM t WHERE id % 3 > 0") == bed.HashOf($"FROM {bed.Source(columns, 0, settings.Buckets, path)}"), what);
        }
    }

    [Fact]
    public void Every_type_comes_back_alone_with_and_without_NULLs()
    {
        using var bed = new BucketTestbed(("threads", "1"));
        foreach (var sql in RandomRows.Types)
        {
            TableColumn[] columns = [new("c0", DuckDbType.Parse(sql)), new("id", DuckDbType.BigInt)];
            bed.Database.Connection.Execute($"CREATE OR REPLACE TABLE t AS FROM {bed.Database.Add(RandomSource(columns, 7))}");
            foreach (var condition in Conditions)
            {
                var path = bed.Write($"SELECT *, id FROM t WHERE {condition}", new BucketSettings(3, 1, 64 * 1024));
                var read = bed.HashOf($"FROM {bed.Source(columns, 0, 3, path)}");
                Assert.True(bed.HashOf($"FROM t WHERE {condition}") == read, $"{sql} where {condition}");
            }
        }
    }

    [Fact]
    public void Bits_of_floats_and_types_that_only_DuckDB_makes_come_back()
    {
        using var bed = new BucketTestbed();
        const string Rare =
            """
            SELECT i AS id, ('101' || repeat('0', (i % 30)::INT))::BIT AS bits, (i::VARCHAR || '123456789012345678901234567890')::BIGNUM AS big,
                   NULL AS nothing, CASE WHEN i % 3 = 0 THEN '{"a": 1}'::JSON END AS json,
                   [NULL, NULL] AS nothings, i::VARIANT::VARCHAR AS text
            FROM range(1000) AS r(i)
            """;
        var path = bed.Write(Rare, new BucketSettings(1, 0, 4096));
        Assert.Equal(0, bed.Differences($"FROM {bed.Source(bed.ColumnsOf(Rare), 0, 1, path)}", Rare));

        ulong[] words = [0x7FF0_0000_0000_0001, 0xFFFF_FFFF_FFFF_FFFF, 0x7FF8_0000_0000_0000, 0x8000_0000_0000_0000, 0, 0x7FF0_0000_0000_0000, 1];
        TableColumn[] columns = [new("d", DuckDbType.Double), new("f", DuckDbType.Float)];
        var source = new ScriptedSource
        {
            Columns = columns,
            Reader = ScriptedSource.Once((in chunk) =>
            {
                for (var i = 0; i < words.Length; i++)
                {
                    chunk.Column(0).Set(i, words[i]);
                    chunk.Column(1).Set(i, (uint)(words[i] >> 32) | 1);
                }

                return words.Length;
            }),
        };
        path = bed.Write($"FROM {bed.Database.Add(source)}", new BucketSettings(1, 0, 4096));
        using var result = bed.Database.Connection.Query($"FROM {bed.Source(columns, 0, 1, path)}");
        Assert.True(result.NextChunk());
        Assert.Equal(words, result.Chunk.Column(0).Values<ulong>().ToArray());
        Assert.Equal(words.Select(static w => (uint)(w >> 32) | 1), result.Chunk.Column(1).Values<uint>().ToArray());
    }

    [Fact]
    public void A_variant_is_refused()
    {
        using var bed = new BucketTestbed();
        var error = Assert.Throws<DuckDbException>(() => bed.Write("SELECT [1::VARIANT] AS v", new BucketSettings(1, 0, 4096)));
        Assert.Contains("VARIANT", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(bed.Folder.Path));
    }

    /// <summary>Rows of all columns, the last of which is the row's number; the same ones in each scan.</summary>
    private static ScriptedSource RandomSource(TableColumn[] columns, int seed) => new()
    {
        Columns = columns,
        Reader = _ =>
        {
            var (random, next) = (new Random(seed), 0L);
            return (in chunk) =>
            {
                var rows = (int)Math.Min(Rows - next, 700);
                for (var i = 0; i < columns.Length - 1; i++)
                {
                    var writer = chunk.Column(i);
                    for (var row = 0; row < rows; row++) RandomRows.Write(ref writer, row, RandomRows.Value(columns[i].Type, random));
                }

                for (var row = 0; row < rows; row++) chunk.Column(columns.Length - 1).Set(row, next++);
                return rows;
            };
        },
    };

    private static string TypeOf(Random random, int depth) => random.Next(depth > 0 ? 3 : 1) switch
    {
        0 => RandomRows.Types[random.Next(RandomRows.Types.Length)],
        _ => random.Next(5) switch
        {
            0 => $"{TypeOf(random, depth - 1)}[]",
            1 => $"{TypeOf(random, depth - 1)}[{random.Next(1, 5)}]",
            2 => $"MAP(VARCHAR, {TypeOf(random, depth - 1)})",
            3 => $"UNION(n {TypeOf(random, depth - 1)}, t {TypeOf(random, depth - 1)})",
            _ => $"STRUCT(a {TypeOf(random, depth - 1)}, b {TypeOf(random, depth - 1)})",
        },
    };
}
