using System.Globalization;

namespace Millrace.DuckDb.Tests.Hashing;

/// <summary>
/// What must hold of sums by key: their total is the content hash, the same rows in any order and any pieces give the same, and the buckets that
/// differ are those of the keys that were changed, whose rows, and few others, then pass.
/// </summary>
public sealed class KeyTapTests
{
    private const int Buckets = 256;
    private const string Rows = "SELECT i AS id, CASE WHEN i % 5 > 0 THEN 'text ' || i END AS words, i * 0.5 AS half FROM range(3000) AS r(i)";

    [Fact]
    public void The_total_is_the_content_hash_in_any_order_and_pieces()
    {
        using var db = new TestDatabase();
        var (taps, keyTaps) = (new HashTaps("tap"), new KeyTaps("key"));
        taps.Attach(db.Connection);
        keyTaps.Attach(db.Connection);
        var whole = Sums(db, keyTaps, Rows);
        using var tap = taps.Open();
        db.Connection.Execute($"SELECT count(*) FROM ({tap.Over(Rows, ["id", "words", "half"])})");
        Assert.Equal(tap.Hash, whole.Total);

        var pieces = new BucketSums(Buckets);
        pieces.Add(Sums(db, keyTaps, $"SELECT * FROM ({Rows}) WHERE id >= 1000 ORDER BY words"));
        pieces.Add(Sums(db, keyTaps, $"SELECT * FROM ({Rows}) WHERE id < 1000"));
        Assert.Equal(0, whole.Differing(pieces, long.MaxValue).Count);
    }

    [Fact]
    public void The_rows_of_changed_keys_pass()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        using var db = new TestDatabase();
        var keyTaps = new KeyTaps("key");
        keyTaps.Attach(db.Connection);
        var before = Sums(db, keyTaps, Rows);
        for (var round = 0; round < 20; round++)
        {
            var ids = Enumerable.Range(0, random.Next(1, 6)).Select(_ => random.Next(3000)).Distinct().Order().ToArray();
            var list = string.Join(", ", ids.Select(static id => id.ToString(CultureInfo.InvariantCulture)));
            var changed = random.Next(3) switch
            {
                0 => $"SELECT * FROM ({Rows}) WHERE id NOT IN ({list})",
                1 => $"SELECT id, CASE WHEN id IN ({list}) THEN coalesce(words, '') || 'x' ELSE words END AS words, half FROM ({Rows})",
                _ => $"SELECT * FROM ({Rows}) UNION ALL SELECT * FROM ({Rows}) WHERE id IN ({list})",
            };
            var buckets = before.Differing(Sums(db, keyTaps, changed), long.MaxValue);
            Assert.True(buckets.Count > 0 && buckets.Count <= ids.Length && buckets.Left == 0, $"seed {seed}, round {round}: {buckets.Count} buckets for {changed}");

            var choice = new KeyChoice(buckets);
            using var picked = keyTaps.OpenChoice(choice, ["id"]);
            using var result = db.Connection.Query(picked.Over(Rows, $"SELECT count(*), count(*) FILTER (id IN ({list}))"));
            Assert.True(result.Read());
            Assert.True(result.GetInt64(1) == ids.Length && result.GetInt64(0) < 300, $"seed {seed}, round {round}: {result.GetInt64(1)} of {list} in {result.GetInt64(0)}");
            Assert.Equal(3000, choice.Rows);
        }
    }

    [Fact]
    public void A_bound_on_rows_leaves_at_least_one_bucket()
    {
        using var db = new TestDatabase();
        var keyTaps = new KeyTaps("key");
        keyTaps.Attach(db.Connection);
        var buckets = Sums(db, keyTaps, Rows).Differing(new BucketSums(Buckets), rowsMax: 1);
        Assert.Equal((1, Buckets - 1), (buckets.Count, buckets.Left));
    }

    private static BucketSums Sums(TestDatabase db, KeyTaps taps, string select)
    {
        var sums = new BucketSums(Buckets);
        using var tap = taps.OpenSums(sums, ["id"], ["id", "words", "half"]);
        db.Connection.Execute(tap.Over(select, "SELECT count(*)"));
        return sums;
    }
}
