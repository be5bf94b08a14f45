using System.Collections.Immutable;
using System.Text.Json;
using Millrace.Faults;
using Millrace.Runs;
using Millrace.Telemetry;

namespace Millrace.Connectors.Tests.Recovery;

/// <summary>Rejected rows on the whole data path: each in a file that a result names, once, whatever became of the attempts before; and floods.</summary>
public sealed class QuarantineTests : IDisposable
{
    private const long Rows = 4_000;
    private const string SomeAreBad = "n % 100 = 7";

    private readonly NumbersBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Rejected_rows_are_in_the_run_directory_and_all_others_in_the_target()
    {
        var summary = await RunAsync(Source(static (_, _) => null));

        Assert.Empty(summary.Faults);
        Assert.Equal((Rows, Rows - 40, 40), (summary.RowsRead, summary.RowsWritten, summary.RowsRejected));
        Assert.Equal("3960 7919720", _bench.Published());
        Assert.Equal(Bad, Rejected());
        var committed = Assert.Single(_bench.Events.OfType<StreamCommitted>());
        Assert.Equal((40, Rejects), (committed.Rejected, committed.Rejects));
        Assert.Equal(40, _bench.Events.OfType<UnitFinished>().Sum(static unit => unit.Rejected));

        using var first = JsonDocument.Parse(File.ReadLines(Directory.GetFiles(Rejects, "*", SearchOption.AllDirectories).Order().First()).First());
        Assert.Equal(
            """{"stream":"numbers","unit":0,"where":"numbers 0-1000","key":{"n":7},"rejects":[{"column":"n","reason":"not wanted","value":"7"}],"row":{"n":7}}""",
            first.RootElement.GetRawText());
    }

    [Fact]
    public async Task The_hash_is_that_of_a_run_over_the_good_rows()
    {
        var some = await RunAsync(Source(static (_, _) => null));
        Directory.Delete(_bench["out"], recursive: true);
        var good = await RunAsync(new NumbersSource(Rows, perUnit: 500, static (_, _) => null, rejected: SomeAreBad));
        Assert.Equal(good.Hashes["numbers"], some.Hashes["numbers"]);
        Assert.StartsWith("h1:3960:", some.Hashes["numbers"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_rejected_where_the_stream_has_no_quarantine()
    {
        var summary = await RunAsync(Source(static (_, _) => null), "fail");
        Assert.Equal((Rows, 0), (summary.RowsWritten, summary.RowsRejected));
        Assert.False(Directory.Exists(Rejects));
    }

    [Fact]
    public async Task A_divided_unit_has_the_files_of_its_parts()
    {
        var summary = await RunAsync(Source(static (from, to) => to - from > 300 && from >= 2_000 ? new Fault(FaultKind.Limit, "too large") { Divisible = true } : null));

        Assert.Empty(summary.Faults);
        Assert.Equal((6, 40), (summary.Splits, summary.RowsRejected));
        Assert.Equal(Bad, Rejected());
    }

    [Fact]
    public async Task What_an_attempt_left_that_has_no_result_does_not_count_and_is_removed()
    {
        var failed = await RunAsync(Source(static (from, _) => from == 3_000 ? new Fault(FaultKind.Data, "a bad range") : null));
        Assert.Equal(RunStatus.Failed, failed.Status);

        // As a killed worker leaves it.
        var litter = Path.Combine(Rejects, "000000", "000000003-g1-e1-a9.ndjson");
        Directory.CreateDirectory(Path.GetDirectoryName(litter)!);
        File.WriteAllText(litter, "{\"row\":{\"n\":7}}\n{\"ro");
        var resumed = await ResumeAsync(Source(static (_, _) => null));
        Assert.Empty(resumed.Faults);
        Assert.Equal((Rows - 40, 40), (resumed.RowsWritten, resumed.RowsRejected));
        Assert.False(File.Exists(litter));
        Assert.Equal(Bad, Rejected());
    }

    [Theory]
    [InlineData("39", "is 39")]
    [InlineData("0", "is 0")]
    [InlineData("9", "is 9: numbers ")]
    [InlineData("0.99%", "40 of 4,000 rows were rejected, and limits.rejects is 0.99%: nothing was published")]
    public async Task A_flood_publishes_nothing_and_a_higher_limit_goes_on(string limit, string said)
    {
        var source = Source(static (_, _) => null);
        var flooded = await RunAsync(source, limit: limit);

        var fault = Assert.Single(flooded.Faults);
        Assert.Equal((FaultKind.Limit, 5), (fault.Kind, fault.ExitCode));
        Assert.Contains(said, fault.Message, StringComparison.Ordinal);
        Assert.Contains("--set limits.rejects=", fault.Advice, StringComparison.Ordinal);
        Assert.False(_bench.IsPublished);
        Assert.Equal(0, flooded.RowsWritten);

        var resumed = await ResumeAsync(source, limit: "1%");
        Assert.Empty(resumed.Faults);
        Assert.Equal((Rows - 40, 40), (resumed.RowsWritten, resumed.RowsRejected));
        Assert.Equal(Bad, Rejected());
    }

    [Fact]
    public async Task A_unit_that_is_all_bad_stops_early()
    {
        var source = new NumbersSource(5_000_000, perUnit: 5_000_000, static (_, _) => null, rejected: "true");
        var flooded = await RunAsync(source);

        var fault = Assert.Single(flooded.Faults);
        Assert.Contains("at least 10,001 rows are rejected, and limits.rejects is 10000", fault.Message, StringComparison.Ordinal);
        Assert.Contains("column n: not wanted", fault.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.Exists(Rejects) ? Directory.GetFiles(Rejects, "*", SearchOption.AllDirectories) : []);
    }

    [Fact]
    public async Task A_share_of_rows_that_nobody_has_estimated_is_judged_at_the_end()
    {
        var source = new NumbersSource(30_000, perUnit: 10_000, static (_, _) => null, rejected: "n < 15000", isEstimated: false);
        var summary = await RunAsync(source, limit: "50%");
        Assert.Empty(summary.Faults);
        Assert.Equal(15_000, summary.RowsRejected);
    }

    [Fact]
    public async Task Rejects_count_under_the_disk_limit()
    {
        var source = new NumbersSource(1_000_000, perUnit: 20_000, static (_, _) => null, rejected: "true");
        var summary = await RunAsync(source, limit: "100%", disk: "64MB");
        var fault = Assert.Single(summary.Faults);
        Assert.Equal("limits.disk", fault.Where);
        // Said once, and before it was too late.
        Assert.Matches(@"^the run has (5[1-9]|6[0-4])(\.\d+)? MB of the 64 MB of limits\.disk: .+ MB staged and 0 B spilled$", Assert.Single(_bench.Events.OfType<Warned>()).Text);
    }

    [Theory]
    [InlineData(5_000_000, true)]
    [InlineData(1_000_000, false)]
    public async Task A_plan_says_when_the_disk_limit_is_less_than_what_is_expected(long rows, bool isTooMuch)
    {
        var plan = await _bench.PlanAsync(new NumbersSource(rows, perUnit: 100_000, static (_, _) => null), Sets("fail", null, "64MB"));
        Assert.Equal(isTooMuch ? "about 76.3 MB are expected, and limits.disk is 64 MB: raise it, unless the files come out smaller" : null, plan.WhyTooLittleDisk);
    }

    private static ImmutableArray<long> Bad { get; } = [.. Enumerable.Range(0, 40).Select(static i => (i * 100L) + 7)];

    private string Rejects => Directory.GetDirectories(_bench["state/runs"]).Order().Last() + "/streams/numbers/rejects";

    private static NumbersSource Source(Func<long, long, Fault?> meets) => new(Rows, perUnit: 1_000, meets, SomeAreBad);

    /// <summary>The rejected numbers in order, those of every file that is there.</summary>
    private ImmutableArray<long> Rejected()
    {
        var found = new List<long>();
        foreach (var file in Directory.GetFiles(Rejects, "*.ndjson", SearchOption.AllDirectories))
        {
            foreach (var line in File.ReadLines(file))
            {
                using var json = JsonDocument.Parse(line);
                found.Add(json.RootElement.GetProperty("row").GetProperty("n").GetInt64());
            }
        }

        return [.. found.Order()];
    }

    private Task<RunSummary> RunAsync(NumbersSource source, string onReject = "quarantine", string? limit = null, string? disk = null) =>
        _bench.RunAsync(source, Sets(onReject, limit, disk));

    private Task<RunSummary> ResumeAsync(NumbersSource source, string? limit = null) => _bench.ResumeAsync(source, Sets("quarantine", limit, null));

    private static string[] Sets(string onReject, string? limit, string? disk) =>
    [
        $"streams.numbers.on_reject={onReject}", "streams.numbers.partition.key=n", "engine=inproc",
        .. limit is null ? (string[])[] : [$"limits.rejects={limit}"], .. disk is null ? (string[])[] : [$"limits.disk={disk}"],
    ];
}
