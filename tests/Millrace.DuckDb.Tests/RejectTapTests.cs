using System.Text;

namespace Millrace.DuckDb.Tests;

/// <summary>What must hold of rejected rows: each leaves the query once, whatever stands above the tap, and no other row is looked at.</summary>
public sealed class RejectTapTests
{
    [Theory]
    [InlineData("SELECT count(*), sum(i) FROM ({0})", 9_000L)]
    [InlineData("SELECT count(*), sum(i) FROM (SELECT * FROM ({0}) ORDER BY t DESC)", 9_000L)]
    [InlineData("SELECT count(*), 1 FROM ({0})", 9_000L)]
    public void Each_rejected_row_leaves_once(string above, long rows)
    {
        using var db = new TestDatabase(("threads", "2"));
        var taps = new RejectTaps("taken");
        taps.Attach(db.Connection);
        var taken = new List<string>();
        using var tap = taps.Open((rejects, row) =>
        {
            lock (taken) taken.Add($"{Encoding.UTF8.GetString(rejects)} {Encoding.UTF8.GetString(row)}");
        });
        // The row's SQL fails for every row that is not rejected.
        var select = tap.Over("SELECT i, 't' || i AS t, CASE WHEN i % 10 = 3 THEN 'why ' || i END AS \"no\"\"te\" FROM range(10000) AS r(i)", "no\"te", "CASE WHEN i % 10 = 3 THEN t ELSE error('looked at') END");
        using var result = db.Connection.Query(string.Format(System.Globalization.CultureInfo.InvariantCulture, above, select));
        Assert.True(result.Read());
        Assert.Equal(rows, result.GetInt64(0));
        Assert.Equal(Enumerable.Range(0, 1_000).Select(static i => $"why {(i * 10) + 3} t{(i * 10) + 3}").Order(StringComparer.Ordinal), taken.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void What_the_taker_throws_ends_the_query()
    {
        using var db = new TestDatabase();
        var taps = new RejectTaps("taken");
        taps.Attach(db.Connection);
        using var tap = taps.Open(static (_, _) => throw new IOException("no room"));
        var error = Assert.Throws<DuckDbException>(() => db.Connection.Execute($"SELECT count(*) FROM ({tap.Over("SELECT i, 'x' AS note FROM range(10) AS r(i)", "note", row: null)})"));
        Assert.IsType<IOException>(error.InnerException);
    }

    [Fact]
    public void A_row_that_was_begun_leaves_nothing_in_lists()
    {
        using var db = new TestDatabase();
        var source = new ScriptedSource
        {
            Columns = [new("v", DuckDbType.Parse("STRUCT(l VARCHAR[][])"))],
            Reader = ScriptedSource.Once((in chunk) =>
            {
                var column = chunk.Column(0);
                Write(column, 0, "first text that is long enough");
                // Begun: its inner list has room for texts that nobody writes.
                column.Field(0).AppendList(1, 2, out var offset).AppendList(offset, 3, out _);
                column.Truncate(1);
                Write(column, 1, "second text that is long enough");
                return 2;
            }),
        };
        var registry = new TableRegistry("begun");
        registry.Attach(db.Connection);
        var (_, call) = registry.Add(source);
        using var result = db.Connection.Query($"SELECT string_agg(v::VARCHAR, ';')::VARCHAR, sum(len(flatten(v.l)))::BIGINT FROM {call}");
        Assert.True(result.Read());
        Assert.Equal("{'l': [[first text that is long enough]]};{'l': [[second text that is long enough]]}", result.GetText(0));
        Assert.Equal(2, result.GetInt64(1));
    }

    private static void Write(VectorWriter column, int row, string text)
    {
        var outer = column.Field(0).AppendList(row, 1, out var at);
        var inner = outer.AppendList(at, 1, out var place);
        Assert.True(inner.SetString(place, Encoding.UTF8.GetBytes(text)));
        Assert.Equal(row, at);
        Assert.Equal(row, place);
    }
}
