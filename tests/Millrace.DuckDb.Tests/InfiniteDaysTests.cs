namespace Millrace.DuckDb.Tests;

/// <summary>The function that finds infinite dates, whatever they are in.</summary>
public sealed class InfiniteDaysTests
{
    [Theory]
    [InlineData("DATE 'infinity'", true)]
    [InlineData("DATE '-infinity'", true)]
    [InlineData("DATE '2024-01-01'", false)]
    [InlineData("NULL::DATE", false)]
    [InlineData("TIMESTAMP '-infinity'", true)]
    [InlineData("TIMESTAMPTZ 'infinity'", true)]
    [InlineData("[DATE '2024-01-01', 'infinity']", true)]
    [InlineData("[DATE '2024-01-01', NULL]", false)]
    [InlineData("[]::DATE[]", false)]
    [InlineData("{'a': 1, 'b': [{'c': TIMESTAMP 'infinity'}]}", true)]
    [InlineData("{'a': 1, 'b': [{'c': NULL::TIMESTAMP}], 'd': 'infinity'}", false)]
    [InlineData("NULL::STRUCT(a DATE)", false)]
    [InlineData("MAP {'a': DATE 'infinity'}", true)]
    [InlineData("MAP {'infinity': 1}", false)]
    [InlineData("[DATE '2024-01-01', 'infinity']::DATE[2]", true)]
    [InlineData("2147483647", false)]
    public void It_finds_them(string value, bool expected)
    {
        using var database = DuckDbDatabase.Open();
        using var connection = database.Connect();
        InfiniteDays.Attach(connection);
        connection.Execute($"CREATE TABLE t AS SELECT NULL AS v FROM range(4321) UNION ALL SELECT {value} UNION ALL SELECT NULL FROM range(700)");

        using var result = connection.Query("SELECT count(*) FROM t WHERE millrace_has_infinity(v)");

        Assert.True(result.Read());
        Assert.Equal(expected ? 1 : 0, result.GetInt64(0));
    }
}
