using System.Text.RegularExpressions;

namespace Millrace.DuckDb.Tests.Hashing;

/// <summary>The page about the content hash says what the program computes.</summary>
public sealed class HashReferenceTests
{
    /// <summary>Run with MILLRACE_WRITE_REFERENCE=1 to write the vectors anew.</summary>
    [Fact]
    public void The_vectors_of_the_reference_are_what_the_program_gives()
    {
        var page = Path.Combine(Millrace.Testing.Testbed.Repository, "docs", "reference", "content-hash.md");
        using var db = new TestDatabase();
        var taps = new HashTaps("tap");
        taps.Attach(db.Connection);
        var written = File.ReadAllText(page);
        var count = 0;
        var computed = Regex.Replace(written, @"^\| `(SELECT [^`]+)` \| `[^`]*` \|$", row =>
        {
            count++;
            var select = row.Groups[1].Value;
            using var described = db.Connection.Query($"SELECT * FROM ({select}) LIMIT 0");
            using var tap = taps.Open();
            db.Connection.Execute(tap.Over(select, described.Columns.Select(column => column.Name)));
            return $"| `{select}` | `{tap.Hash}` |";
        }, RegexOptions.Multiline);
        if (Environment.GetEnvironmentVariable("MILLRACE_WRITE_REFERENCE") == "1") File.WriteAllText(page, written = computed);
        Assert.Equal(computed, written);
        Assert.True(count > 10, "the page has vectors");
    }

    [Fact]
    public void The_other_implementation_gives_the_same_vectors()
    {
        var page = File.ReadAllText(Path.Combine(Millrace.Testing.Testbed.Repository, "docs", "reference", "content-hash.md"));
        void Same(string query, string[] types, params object?[][] rows) =>
            Assert.Contains($"| `{query}` | `{ReferenceHash.Of([.. types.Select(DuckDbType.Parse)], rows)}` |", page, StringComparison.Ordinal);

        Same("SELECT 1 AS a WHERE false", ["INTEGER"]);
        Same("SELECT 0::INTEGER AS a", ["INTEGER"], [(Int128)0]);
        Same("SELECT NULL::INTEGER AS a", ["INTEGER"], new object?[] { null });
        Same("SELECT '' AS a", ["VARCHAR"], [""]);
        Same("SELECT 'twelve bytes' AS a", ["VARCHAR"], ["twelve bytes"]);
        Same("SELECT 'a text of more than thirty-two bytes, folded' AS a", ["VARCHAR"], ["a text of more than thirty-two bytes, folded"]);
        Same("SELECT 1.50::DECIMAL(4,2) AS a, -0.0::DOUBLE AS b, true AS c", ["DECIMAL(4,2)", "DOUBLE", "BOOLEAN"], [(Int128)150, -0.0, true]);
        Same("SELECT DATE '2024-02-29' AS a, TIMESTAMP '2024-02-29 12:34:56.789' AS b", ["DATE", "TIMESTAMP"], [(Int128)19_782, (Int128)1_709_210_096_789_000]);
        Same("SELECT '0b8f0d3e-5a61-4d54-9c57-5bb1a9d3c1a2'::UUID AS a", ["UUID"], [Guid.Parse("0b8f0d3e-5a61-4d54-9c57-5bb1a9d3c1a2")]);
        Same("SELECT [1, NULL, 3] AS a, {'x': 1, 'y': 'z'} AS b", ["INTEGER[]", "STRUCT(x INTEGER, y VARCHAR)"],
            [[new object?[] { (Int128)1, null, (Int128)3 }, new object?[] { (Int128)1, "z" }]]);
        Same("SELECT i AS a, i::VARCHAR AS b FROM range(1000) AS r(i)", ["BIGINT", "VARCHAR"], [.. Enumerable.Range(0, 1000).Select(i => new object?[] { (Int128)i, $"{i}" })]);
    }
}
