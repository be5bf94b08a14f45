using System.Text.Json;

namespace Millrace.DuckDb.Tests;

public sealed class DuckDbTypeTests
{
    [Theory]
    [InlineData("decimal(18,2)", "DECIMAL(18,2)")]
    [InlineData(" Numeric ( 5 ) ", "DECIMAL(5,0)")]
    [InlineData("decimal", "DECIMAL(18,3)")]
    [InlineData("text", "VARCHAR")]
    [InlineData("varchar(20)", "VARCHAR")]
    [InlineData("character varying(20)", "VARCHAR")]
    [InlineData("double precision", "DOUBLE")]
    [InlineData("int8", "BIGINT")]
    [InlineData("timestamptz", "TIMESTAMP WITH TIME ZONE")]
    [InlineData("timestamp  with\ttime zone", "TIMESTAMP WITH TIME ZONE")]
    [InlineData("timestamp without time zone", "TIMESTAMP")]
    [InlineData("bytea", "BLOB")]
    [InlineData("json[]", "JSON[]")]
    [InlineData("integer[][3]", "INTEGER[][3]")]
    [InlineData("struct(a int, \"b \"\"c\" text[])", "STRUCT(\"a\" INTEGER, \"b \"\"c\" VARCHAR[])")]
    [InlineData("map(text, struct(x double))", "MAP(VARCHAR, STRUCT(\"x\" DOUBLE))")]
    [InlineData("enum('a', 'it''s')", "ENUM('a', 'it''s')")]
    [InlineData("union(a int, b text)", "UNION(\"a\" INTEGER, \"b\" VARCHAR)")]
    public void Spellings_are_read(string sql, string printed) => Assert.Equal(printed, DuckDbType.Parse(sql).ToSql());

    [Theory]
    [InlineData("")]
    [InlineData(null)]
    [InlineData("moneybag")]
    [InlineData("decimal(39,2)")]
    [InlineData("decimal(5,6)")]
    [InlineData("decimal(5,2")]
    [InlineData("integer[")]
    [InlineData("integer[0]")]
    [InlineData("struct()")]
    [InlineData("struct(a)")]
    [InlineData("enum()")]
    [InlineData("enum('a','a')")]
    [InlineData("integer x")]
    [InlineData("varchar(x)")]
    [InlineData("integer(3)")]
    [InlineData("int; drop table t")]
    public void What_is_no_type_is_refused(string? sql) => Assert.False(DuckDbType.TryParse(sql, out _));

    [Fact]
    public void Nesting_without_end_is_refused() => Assert.False(DuckDbType.TryParse(string.Concat(Enumerable.Repeat("map(int,", 100_000)), out _));

    [Fact]
    public void Random_types_survive_text_JSON_and_DuckDB()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        using var db = new TestDatabase();
        for (var i = 0; i < 300; i++)
        {
            var type = RandomType(random, 3);
            var about = $"seed {seed}, number {i}: {type}";
            var parsed = DuckDbType.Parse(type.ToSql());
            Assert.True(type == parsed && type.GetHashCode() == parsed.GetHashCode(), about);
            Assert.True(type == DuckDbType.Parse(type.ToSql().ToLowerInvariant()) || type.ToSql().Any(c => c is 'É' or '\'' or '"'), about);
            Assert.True(type == JsonSerializer.Deserialize<DuckDbType>(JsonSerializer.Serialize(type)), about);
            using var result = Try(db, $"SELECT NULL::{type.ToSql()}", about);
            Assert.True(type == result.Columns[0].Type, about);
            var source = new ScriptedSource { Columns = [new("c", type)], Reader = ScriptedSource.Once((in _) => 0) };
            using var scanned = Try(db, $"FROM {db.Add(source)}", about);
            Assert.True(type == scanned.Columns[0].Type, about);
        }
    }

    [Theory]
    [InlineData("VARIANT")]
    [InlineData("struct(a variant[])")]
    public void A_type_that_can_not_be_written_is_refused_when_the_query_is_bound(string sql)
    {
        using var db = new TestDatabase();
        var source = new ScriptedSource { Columns = [new("c", DuckDbType.Parse(sql))], Reader = ScriptedSource.Once((in _) => 0) };
        var error = Assert.Throws<DuckDbException>(() => db.Connection.Execute($"FROM {db.Add(source)}"));
        Assert.Contains("VARIANT", error.Message);
        Assert.Equal(["1"], db.Rows("SELECT 1"));
        using var read = db.Connection.Query($"SELECT NULL::{sql}");
        Assert.Equal(DuckDbType.Parse(sql), read.Columns[0].Type);
    }

    [Fact]
    public void Types_differ_by_every_part()
    {
        string[] all =
        [
            "decimal(5,2)", "decimal(5,3)", "decimal(6,2)", "int", "int[]", "int[1]", "int[2]", "text", "json", "struct(a int)", "struct(b int)",
            "struct(a text)", "union(a int)", "map(int, int)", "enum('a')", "enum('b')", "timestamp", "timestamptz",
        ];
        Assert.Equal(all.Length, all.Select(DuckDbType.Parse).Distinct().Count());
    }

    private static DuckDbResult Try(TestDatabase db, string sql, string about)
    {
        try
        {
            return db.Connection.Query(sql);
        }
        catch (DuckDbException e)
        {
            throw new InvalidOperationException(about, e);
        }
    }

    private static DuckDbType RandomType(Random random, int depth)
    {
        var scalars = Enum.GetValues<DuckDbKind>();
        switch (random.Next(depth == 0 ? 3 : 9))
        {
            case 0:
                var width = random.Next(1, 39);
                return DuckDbType.Decimal(width, random.Next(width + 1));
            case 1: return random.Next(2) == 0 ? DuckDbType.Json : DuckDbType.Enum(Enumerable.Range(0, random.Next(1, 300)).Select(i => Name(random) + i));
            case 3: return DuckDbType.List(RandomType(random, depth - 1));
            case 4: return DuckDbType.Array(RandomType(random, depth - 1), random.Next(1, 9));
            case 5: return DuckDbType.Map(RandomType(random, 0), RandomType(random, depth - 1));
            case 6: return DuckDbType.Struct(Fields());
            case 7: return DuckDbType.Union(Fields());
        }

        while (true)
        {
            var kind = scalars[random.Next(scalars.Length)];
            if (kind is not (DuckDbKind.Null or DuckDbKind.Variant) && DuckDbTypeNames.IsScalar(kind)) return DuckDbType.Of(kind);
        }

        DuckDbField[] Fields() => [.. Enumerable.Range(0, random.Next(1, 4)).Select(i => new DuckDbField(Name(random) + i, RandomType(random, depth - 1)))];
    }

    private static string Name(Random random) => new([.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => "ab É'\"_,)]"[random.Next(10)])]);
}
