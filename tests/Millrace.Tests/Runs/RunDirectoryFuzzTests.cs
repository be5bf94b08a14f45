using Millrace.Faults;
using Millrace.Runs;
using Millrace.Testing;

namespace Millrace.Tests.Runs;

/// <summary>
/// Damaged files of a run directory: each is read as it was, counts as missing, or is a fault that names it. Nothing else, however it is
/// damaged: resume, commit and the verbs that look at runs all read through these calls. It never takes much memory: what the whole process
/// allocates meanwhile is counted, so these tests run alone.
/// </summary>
[Collection(nameof(Alone))]
public sealed class RunDirectoryFuzzTests : IDisposable
{
    // Some thousand times the files' text: what a wild length or an endless repetition would pass at once.
    private const long AllocatedBytesMax = 16 << 20;

    private readonly TempFolder _state = new();

    public static TheoryData<int> Seeds => [1, 2, 3, Environment.TickCount];

    public void Dispose() => _state.Dispose();

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Whatever_lies_in_a_run_directory_ends_in_an_answer_or_a_fault(int seed)
    {
        var random = new Random(seed);
        var run = RunDirectory.Create(_state.Path, SampleJob.Named("sample"), DateTimeOffset.UnixEpoch);
        var generation = run.Stream("events").Next();
        generation.WriteHeader(new StreamHeader { Run = "r", Stream = "events", To = "events", Generation = 1, Moment = "m", Columns = [], ReaderJson = "{}", WriterJson = "{}" });
        await using (var writer = generation.WritePlan())
        {
            for (var unit = 0; unit < 3; unit++) await writer.AddAsync(new Unit { Number = unit, Slice = $"{{\"from\":{unit}}}", Label = "rows", EstimatedRows = 5 }, default);
            await writer.EndAsync(default);
        }

        for (var unit = 0; unit < 3; unit++)
        {
            generation.TryWriteResult(new UnitResult
            {
                Number = unit, Fingerprint = Generation.Fingerprint($"{{\"from\":{unit}}}", "m"), Attempt = 1, Epoch = 1, RowsRead = 5, RowsWritten = 5, BytesRead = 50,
                HashIn = "h1:5:00000000000000000000000000000000", HashOut = "h1:5:00000000000000000000000000000000", Files = [new StagedFile("a/b.parquet", "b.parquet", 10, 5)], Seconds = 0.5,
            });
        }

        generation.Divide(new Division("ff", 1, "rows", [new Unit { Number = 10_000_000, Slice = "{}", Label = "part", PartOf = 1 }]));
        var files = Directory.GetFiles(run.Path, "*", SearchOption.AllDirectories).Where(static path => path.EndsWith("json", StringComparison.Ordinal)).ToArray();
        Assert.True(files.Length >= 7, string.Join('\n', files));
        for (var round = 0; round < 200; round++)
        {
            var path = files[random.Next(files.Length)];
            var sound = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
            var damaged = Damage.To(sound, random);
            await File.WriteAllBytesAsync(path, damaged, TestContext.Current.CancellationToken);
            var before = GC.GetTotalAllocatedBytes();
            try
            {
                await ReadAllAsync(run.Path);
            }
            catch (Fault)
            {
                // It is said.
            }
            catch (Exception error)
            {
                Assert.Fail($"seed {seed}, round {round}, {path}: {error}\n{System.Text.Encoding.UTF8.GetString(damaged)}");
            }

            Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, AllocatedBytesMax);
            await File.WriteAllBytesAsync(path, sound, TestContext.Current.CancellationToken);
        }
    }

    private static async Task ReadAllAsync(string path)
    {
        var run = RunDirectory.OpenPath(path);
        run.ReadJob();
        run.AssertSameVersion();
        var generation = run.Stream("events").Latest()!;
        generation.ReadHeader();
        var units = generation.PlannedUnits();
        await foreach (var unit in generation.ReadPlanAsync(default)) generation.ReadResult(unit.Number, Generation.Fingerprint(unit.Slice, "m"));
        await foreach (var division in generation.ReadDivisionsAsync(default)) Assert.False(division.Parts.IsDefault);
        await generation.CompleteHeaderAsync(Millrace.Jobs.Consistency.Snapshot, default);
        // A plan may claim more units than there are: the first that is missing ends it.
        await foreach (var result in generation.ReadResultsAsync(units ?? 0, default)) ResultHashes.Read(result, result.HashIn);
        run.Stream("events").ReadCommit();
    }
}
