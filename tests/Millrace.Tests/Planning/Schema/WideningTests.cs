using Millrace.DuckDb;
using Millrace.Planning;

namespace Millrace.Tests.Planning.Schema;

/// <summary>What counts as wider really is: DuckDB takes values there and back.</summary>
public sealed class WideningTests
{
    [Theory]
    [InlineData("smallint", "bigint")]
    [InlineData("bigint", "hugeint")]
    [InlineData("uinteger", "bigint")]
    [InlineData("utinyint", "usmallint")]
    [InlineData("integer", "double")]
    [InlineData("smallint", "float")]
    [InlineData("float", "double")]
    [InlineData("decimal(10,2)", "decimal(12,2)")]
    [InlineData("decimal(10,2)", "decimal(12,4)")]
    [InlineData("bigint", "decimal(19,0)")]
    [InlineData("integer", "decimal(12,2)")]
    [InlineData("integer[]", "bigint[]")]
    [InlineData("integer[3]", "bigint[3]")]
    [InlineData("map(integer, float)", "map(bigint, double)")]
    [InlineData("struct(a integer)", "struct(a bigint, b text)")]
    [InlineData("struct(a integer, b text)[]", "struct(b text, a integer)[]")]
    [InlineData("enum('a', 'b')", "enum('b', 'c', 'a')")]
    [InlineData("enum('a')", "text")]
    public void Wider_types_hold_and_narrower_do_not(string narrow, string wide)
    {
        Assert.True(Widening.Holds(wide, narrow));
        if (narrow.StartsWith("struct", StringComparison.Ordinal) && wide.Length == narrow.Length) return;
        Assert.False(Widening.Holds(narrow, wide));
    }

    [Theory]
    [InlineData("bigint", "double")]
    [InlineData("integer", "float")]
    [InlineData("bigint", "ubigint")]
    [InlineData("ubigint", "bigint")]
    [InlineData("bigint", "decimal(18,0)")]
    [InlineData("integer", "decimal(11,2)")]
    [InlineData("decimal(10,2)", "decimal(12,1)")]
    [InlineData("decimal(10,2)", "decimal(11,4)")]
    [InlineData("decimal(4,1)", "double")]
    [InlineData("integer", "text")]
    [InlineData("date", "timestamp")]
    [InlineData("timestamp", "timestamptz")]
    [InlineData("json", "text")]
    [InlineData("text", "json")]
    [InlineData("text", "blob")]
    [InlineData("boolean", "integer")]
    [InlineData("integer[]", "integer[3]")]
    [InlineData("struct(a integer, b integer)", "struct(a integer)")]
    [InlineData("enum('a', 'b')", "enum('a')")]
    [InlineData("integer", "no type")]
    public void Other_types_do_not_hold(string narrow, string wide) => Assert.False(Widening.Holds(wide, narrow));

    [Fact]
    public void A_spelling_that_is_not_known_holds_itself_alone()
    {
        Assert.True(Widening.Holds("no type", "no type"));
        Assert.False(Widening.Holds("no type", "other"));
    }

    [Fact]
    public void Wider_than_wider_is_wider()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var types = new RandomTypes(random);
        DuckDbType[] pool = [.. Enumerable.Range(0, 120).Select(i => types.Next(i % 3))];
        var chains = 0;
        foreach (var a in pool)
        {
            Assert.True(Widening.Holds(a, a));
            foreach (var b in pool.Where(b => Widening.Holds(b, a)))
            {
                foreach (var c in pool.Where(c => Widening.Holds(c, b)))
                {
                    chains++;
                    Assert.True(Widening.Holds(c, a), $"{a} to {b} to {c}, seed {seed}");
                }
            }
        }

        Assert.True(chains > pool.Length, $"{chains} chains, seed {seed}");
    }

    [Fact]
    public void No_value_changes_on_its_way_into_a_wider_type_and_back()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var types = new RandomTypes(random);
        using var database = DuckDbDatabase.Open();
        using var connection = database.Connect();
        DuckDbType[] pool = [.. Enumerable.Range(0, 150).Select(i => types.Next(i % 3))];
        var pairs = 0;
        foreach (var narrow in pool)
        {
            foreach (var wide in pool.Where(wide => wide != narrow && Widening.Holds(wide, narrow)).Take(6))
            {
                pairs++;
                var rows = string.Join(", ", Enumerable.Range(0, 20).Select(_ => $"({types.Value(narrow)})"));
                using var lost = connection.Query(
                    $"SELECT v::VARCHAR FROM (VALUES {rows}) AS r(v) WHERE CAST(CAST(v AS {wide.ToSql()}) AS {narrow.ToSql()}) IS DISTINCT FROM v");
                Assert.False(lost.Read(), $"{narrow} to {wide}: seed {seed}");
            }
        }

        Assert.True(pairs > 50, $"{pairs} pairs, seed {seed}");
    }
}
