namespace Millrace.DuckDb.Tests.Hashing;

/// <summary>What must hold of rows that come element by element: their number and hash are those of the whole rows, wherever chunks end.</summary>
public sealed class ElementTapTests
{
    // Keys of 1 to 5,000 elements, NULL among the keys and the values.
    private const string Elements = """
        SELECT CASE WHEN n = 3 THEN NULL ELSE n END AS k, 'key ' || n AS word, i, CASE WHEN i % 7 > 0 THEN 'text ' || i END AS t
        FROM (SELECT unnest([1, 5000, 1, 2048, 2, 300, 1]) AS length, generate_subscripts([1, 5000, 1, 2048, 2, 300, 1], 1) AS n), range(length) AS r(i)
        """;

    private const string Whole = $"SELECT k, word, list({{'i': i, 't': t}} ORDER BY i) AS items FROM ({Elements}) GROUP BY k, word";
    private const string Cut = $"SELECT k, word, [{{'i': i, 't': t}}] AS items, i = 0 AS first FROM ({Elements}) ORDER BY word, i";

    [Fact]
    public void The_hash_is_that_of_whole_rows()
    {
        using var db = new TestDatabase();
        var (taps, elementTaps) = (new HashTaps("tap"), new ElementTaps("element"));
        taps.Attach(db.Connection);
        elementTaps.Attach(db.Connection);
        using var whole = taps.Open();
        using var cut = elementTaps.Open("first");
        db.Connection.Execute($"SELECT count(*) FROM ({whole.Over(Whole, ["k", "word", "items"])})");
        db.Connection.Execute("SET threads = 1");
        db.Connection.Execute($"SELECT count(*) FROM ({cut.Over(Cut, ["k", "word", "items"])})");
        Assert.Equal((whole.Hash, 7L, 7353L), (cut.Hash, cut.Hash.Rows, cut.Elements));

        using var keys = taps.Open();
        using var cutKeys = elementTaps.Open("first", isOfKeys: true);
        db.Connection.Execute($"SELECT count(*) FROM ({keys.Over(Whole, ["word"])})");
        db.Connection.Execute($"SELECT count(*) FROM ({cutKeys.Over(Cut, ["word"])})");
        Assert.Equal(keys.Hash, cutKeys.Hash);
    }

    [Fact]
    public void Another_order_of_elements_is_another_hash()
    {
        using var db = new TestDatabase();
        var taps = new ElementTaps("element");
        taps.Attach(db.Connection);
        db.Connection.Execute("SET threads = 1");
        using var one = taps.Open("first");
        using var other = taps.Open("first");
        db.Connection.Execute($"SELECT count(*) FROM ({one.Over("SELECT [i] AS l, i = 0 AS first FROM range(10) AS r(i)", ["l"])})");
        db.Connection.Execute($"SELECT count(*) FROM ({other.Over("SELECT [9 - i] AS l, i = 0 AS first FROM range(10) AS r(i)", ["l"])})");
        Assert.Equal((1L, 1L, 10L), (one.Hash.Rows, other.Hash.Rows, other.Elements));
        Assert.NotEqual(one.Hash, other.Hash);
    }

    [Theory]
    [InlineData("[]::BIGINT[]")]
    [InlineData("[1, 2]")]
    [InlineData("NULL::BIGINT[]")]
    public void A_list_of_another_number_of_elements_is_an_error(string list)
    {
        using var db = new TestDatabase();
        var taps = new ElementTaps("element");
        taps.Attach(db.Connection);
        using var tap = taps.Open("first");
        var error = Assert.Throws<DuckDbException>(() => db.Connection.Execute($"SELECT count(*) FROM ({tap.Over($"SELECT {list} AS l, true AS first", ["l"])})"));
        Assert.Contains("one element", error.Message, StringComparison.Ordinal);
    }
}
