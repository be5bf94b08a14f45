using Millrace.DuckDb;
using Millrace.Planning;
using Millrace.Runs;
using Millrace.Testing;
using Millrace.Tests.Runs;
using Millrace.Transform;

namespace Millrace.Tests.Transform;

/// <summary>What units of buckets are cut into that are only slow: nothing where most rows have one key, which no part could have fewer of.</summary>
public sealed class EvenPartsTests : IDisposable
{
    private const int Buckets = 64;

    private const string HalfOfThemHot = "SELECT i AS id, CASE WHEN i % 2 = 0 THEN 7 ELSE i END AS k FROM range(80000) AS r(i)";
    private const string NearlyAllHot = "SELECT i AS id, CASE WHEN i % 100 > 0 THEN 7 ELSE i END AS k FROM range(80000) AS r(i)";
    private const string Even = "SELECT i AS id, i AS k FROM range(40000) AS r(i)";

    private readonly TempFolder _state = new();
    private readonly DuckDbDatabase _database = DuckDbDatabase.Open();
    private readonly DuckDbConnection _connection;
    private readonly BucketWriters _writers = new("buckets");
    private readonly RunDirectory _run;

    private BucketPlace Place => new(_run, store: null);

    public EvenPartsTests()
    {
        _run = RunDirectory.Create(_state.Path, SampleJob.Named("sample"), new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
        _connection = _database.Connect();
        _writers.Attach(_connection);
    }

    public void Dispose()
    {
        _connection.Dispose();
        _database.Dispose();
        _state.Dispose();
    }

    [Theory]
    [InlineData(HalfOfThemHot)]
    [InlineData(HalfOfThemHot, Even)]
    [InlineData(Even, HalfOfThemHot)]
    public void The_bucket_of_a_hot_key_is_not_cut_and_others_are(params string[] relations)
    {
        var stage = Stage(relations);
        var planning = BucketPlanning.Of(Place, stage.Buckets, long.MaxValue);
        var units = planning.Units(byElement: false).ToList();
        Assert.Equal(2, PartsOf(stage, Assert.Single(units)));

        while (units.Count < Buckets) units = [.. units.SelectMany(unit => planning.Split(SliceOf(unit)))];
        var hot = units.MaxBy(static unit => SliceOf(unit).Rows.Sum())!;
        Assert.All(units, unit => Assert.Equal(unit == hot ? 0 : 2, PartsOf(stage, unit)));
        Assert.All(planning.Split(SliceOf(hot)), part => Assert.Equal(0, PartsOf(stage, part)));
    }

    [Fact]
    public void Buckets_are_not_cut_where_one_of_them_has_nearly_all_rows()
    {
        var stage = Stage(NearlyAllHot);
        Assert.Equal(0, PartsOf(stage, Assert.Single(BucketPlanning.Of(Place, stage.Buckets, long.MaxValue).Units(byElement: false))));
    }

    private StageHeader Stage(params string[] relations) => new()
    {
        Number = 0,
        InputColumns = [],
        Buckets = [.. relations.Select((rows, i) => new BucketRelation($"r{i}", [], ["k"], [Write($"r{i}", rows)], Buckets))],
        RunStart = default,
    };

    private string Write(string name, string rows)
    {
        using var writer = _writers.Open(new BucketSettings(Buckets, Keys: 1, BlockBytes: 16 * 1024));
        _connection.Execute(writer.CopyStatement(rows, Path.Combine(_run.Path, name)));
        return name;
    }

    private int PartsOf(StageHeader stage, PlannedUnit unit) => EvenParts.Of(Place, stage, new Unit { Number = 0, Slice = unit.Slice, Label = unit.Label }).Length;

    private static BucketSlice SliceOf(PlannedUnit unit) => BucketUnitReader.SliceOf(unit.Slice);
}
