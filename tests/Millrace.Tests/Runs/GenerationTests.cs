using Millrace.Runs;
using Millrace.Testing;

namespace Millrace.Tests.Runs;

public sealed class GenerationTests : IDisposable
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly TempFolder _state = new();
    private readonly RunDirectory _run;

    public GenerationTests() => _run = RunDirectory.Create(_state.Path, SampleJob.Named("sample"), Noon);

    public void Dispose() => _state.Dispose();

    [Fact]
    public async Task A_plan_is_read_while_it_is_written()
    {
        var generation = _run.Stream("events").Next();
        await using var writer = generation.WritePlan();
        await using var reader = writer.FollowAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator();

        await writer.AddAsync(Unit(0), default);
        Assert.True(await reader.MoveNextAsync());
        Assert.Equal(Unit(0), reader.Current);
        Assert.Null(generation.PlannedUnits());

        const int units = 10_000;
        var writing = Task.Run(async () =>
        {
            for (var number = 1; number < units; number++) await writer.AddAsync(Unit(number), default);
            await writer.EndAsync(default);
        });
        var read = 1;
        while (await reader.MoveNextAsync()) Assert.Equal(read++, reader.Current.Number);
        await writing;
        Assert.Equal(units, read);
        Assert.Equal(units, generation.PlannedUnits());
    }

    [Fact]
    public async Task A_reader_hears_why_planning_broke()
    {
        await using var writer = _run.Stream("events").Next().WritePlan();
        await writer.AddAsync(Unit(0), default);
        writer.Break(new InvalidOperationException("no more"));
        var read = 0;
        var broken = await Assert.ThrowsAsync<InvalidOperationException>(async () =>
        {
            await foreach (var unit in writer.FollowAsync(TestContext.Current.CancellationToken)) read++;
        });
        Assert.Equal("no more", broken.Message);
        Assert.Equal(1, read);
    }

    [Fact]
    public async Task A_plan_that_was_cut_off_in_a_line_counts_as_unfinished()
    {
        var generation = _run.Stream("events").Next();
        await using (var writer = generation.WritePlan())
        {
            await writer.AddAsync(Unit(0), default);
            await writer.AddAsync(Unit(1), default);
        }

        var file = Path.Combine(_run.Path, "streams", "events", "g1", "plan.ndjson");
        var whole = await File.ReadAllTextAsync(file);
        await File.WriteAllTextAsync(file, whole[..^8]);
        Assert.Null(generation.PlannedUnits());
        var units = new List<Unit>();
        await foreach (var unit in generation.ReadPlanAsync(default)) units.Add(unit);
        Assert.Equal([Unit(0)], units);
    }

    [Fact]
    public void The_first_result_of_a_unit_stays()
    {
        var generation = _run.Stream("events").Next();
        Assert.True(generation.TryWriteResult(Result(7, "aa", attempt: 1)));
        Assert.False(generation.TryWriteResult(Result(7, "aa", attempt: 2)));
        Assert.Equal(1, generation.ReadResult(7, "aa")!.Attempt);
        Assert.Null(generation.ReadResult(7, "bb"));
    }

    [Fact]
    public async Task Finished_units_are_found_under_their_new_numbers()
    {
        var earlier = _run.Stream("events").Next();
        await using (var writer = earlier.WritePlan())
        {
            for (var number = 0; number < 4; number++) await writer.AddAsync(Unit(number), default);
        }

        var kept = Generation.Fingerprint(Unit(2).Slice, null);
        earlier.TryWriteResult(Result(2, kept, attempt: 1));
        var carried = await CarriedResults.LoadAsync(earlier, unit => Generation.Fingerprint(unit.Slice, null), default);

        Assert.Equal(0, carried.Find(kept, number: 0)!.Number);
        Assert.Null(carried.Find(Generation.Fingerprint(Unit(1).Slice, null), number: 1));
        Assert.Null(carried.Find(Generation.Fingerprint(Unit(2).Slice, "another moment"), number: 2));
    }

    [Fact]
    public async Task A_stream_is_ready_to_commit_when_the_plan_is_whole_and_every_unit_has_its_result()
    {
        var generation = _run.Stream("events").Next();
        generation.WriteHeader(Header("m1"));
        await using (var writer = generation.WritePlan())
        {
            await writer.AddAsync(Unit(0), default);
            await writer.AddAsync(Unit(1), default);
            generation.TryWriteResult(Result(0, Generation.Fingerprint(Unit(0).Slice, "m1"), 1));
            generation.TryWriteResult(Result(1, Generation.Fingerprint(Unit(1).Slice, "m1"), 1));
            Assert.Null(await generation.CompleteHeaderAsync(Millrace.Jobs.Consistency.Snapshot, default));
            await writer.EndAsync(default);
        }

        Assert.NotNull(await generation.CompleteHeaderAsync(Millrace.Jobs.Consistency.Snapshot, default));
        Assert.Null(await generation.CompleteHeaderAsync(Millrace.Jobs.Consistency.Unit, default));
    }

    private static Unit Unit(long number) => new() { Number = number, Slice = $"{{\"from\":{number}}}", Label = $"rows {number}", EstimatedRows = 5 };

    private static StreamHeader Header(string? moment) => new()
    {
        Run = "r", Stream = "events", To = "events", Generation = 1, Moment = moment, Columns = [], ReaderJson = "{}", WriterJson = "{}",
    };

    private static UnitResult Result(long number, string fingerprint, int attempt) => new()
    {
        Number = number, Fingerprint = fingerprint, Attempt = attempt, Epoch = 1, RowsRead = 5, RowsWritten = 5, BytesRead = 50,
        Files = [new StagedFile("a/b.parquet", "b.parquet", 10, 5)], Seconds = 0.5,
    };
}
