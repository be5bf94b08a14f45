using Millrace.Connectors.Files.Source;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;

namespace Millrace.Connectors.Tests.Files.Source;

/// <summary>More files than planning lists.</summary>
public sealed class ManyFilesTests : IDisposable
{
    private readonly FilesRun _run = new();

    [Fact]
    public async Task Of_several_streams_the_biggest_is_read_first()
    {
        _run.File("small.csv", "v\n1\n").File("many/a.csv", "v\n1234567890\n").File("many/b.csv", "v\n1234567890\n").File("large.csv", "v\n12345678901234\n");
        await using var source = _run.Open();
        var streams = await source.ExpandAsync([.. new[] { "small.csv", "missing.csv", "large.csv", "many/*.csv" }.Select(static name => FilesRun.Stream(name))], CancellationToken.None);
        Assert.Equal(["many/*.csv", "large.csv", "small.csv", "missing.csv"], streams.Select(static stream => stream.Name));
    }

    [Fact]
    public async Task Files_that_planning_did_not_list_are_in_the_units_once_each_in_the_same_order_every_time()
    {
        const int Count = Limits.FilesListedAtPlanMax + 700;
        for (var i = 0; i < Count; i++) File.WriteAllText(Path.Combine(_run.Folder, $"{i * 7919L % Count:00000}.csv"), "");
        _run.File("00000.csv", "v\n1\n");
        var plan = await _run.PlanAsync(FilesRun.Stream("*.csv"));
        Assert.Null(plan.EstimatedBytes);
        Assert.Contains("only the first 10,000 files were listed", plan.Why);
        var units = await FilesRun.UnitsAsync(plan);
        Assert.Equal(Enumerable.Range(0, Count).Select(i => $"{i:00000}.csv"), units.SelectMany(Names));
        Assert.All(units, unit => Assert.InRange(Names(unit).Count(), 1, Limits.FilesPerUnitMax));
        Assert.Equal(units, await FilesRun.UnitsAsync(await _run.PlanAsync(FilesRun.Stream("*.csv"))));

        // The first units are those of the files that planning listed: the folder is read again only behind them.
        await using (var some = plan.Units(CancellationToken.None).GetAsyncEnumerator(CancellationToken.None))
        {
            Directory.Move(_run.Folder, _run.Folder + "-away");
            for (var i = 0; i < Limits.FilesListedAtPlanMax / Limits.FilesPerUnitMax; i++)
            {
                Assert.True(await some.MoveNextAsync());
                Assert.Equal(units[i], some.Current);
            }

            Assert.Contains("there is no such folder", (await Assert.ThrowsAsync<Fault>(async () => await some.MoveNextAsync())).Message);
            Directory.Move(_run.Folder + "-away", _run.Folder);
        }

        // One of another format among those that planning did not list.
        _run.File("99999.json", "[]");
        var fault = await Assert.ThrowsAsync<Fault>(async () => await FilesRun.UnitsAsync(await _run.PlanAsync(FilesRun.Stream("*"))));
        Assert.Equal((FaultKind.JobFile, 2), (fault.Kind, fault.ExitCode));
        Assert.Contains("99999.json", fault.Message);
    }

    [Fact]
    public async Task More_files_than_one_unit_can_name_are_refused_when_they_must_be_one_unit()
    {
        var deep = Path.Combine([_run.Folder, .. Enumerable.Repeat(new string('d', 240), 14)]);
        Directory.CreateDirectory(deep);
        for (var i = 0; i < 2_000; i++) File.WriteAllText(Path.Combine(deep, $"{i}.csv"), "v\n1\n");
        var stream = FilesRun.Stream("**/*.csv") with { Partition = new PartitionSpec { By = PartitionBy.None } };
        var plan = await _run.PlanAsync(stream);
        var fault = await Assert.ThrowsAsync<Fault>(() => FilesRun.UnitsAsync(plan));
        Assert.Equal((FaultKind.Limit, 5), (fault.Kind, fault.ExitCode));
        Assert.Contains("too many for one unit", fault.Message);
        Assert.Contains("partition.by", fault.Advice);
        Assert.True((await FilesRun.UnitsAsync(await _run.PlanAsync(FilesRun.Stream("**/*.csv")))).Count > 1);
    }

    public void Dispose() => _run.Dispose();

    private static IEnumerable<string> Names(PlannedUnit unit) => FileSlice.Parse(unit.Slice).Files.Select(file => Path.GetFileName(file.Path));
}
