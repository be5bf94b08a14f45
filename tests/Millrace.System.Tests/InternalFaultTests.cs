using System.Text.RegularExpressions;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.SystemTests.Moves;

namespace Millrace.SystemTests;

/// <summary>A fault that is Millrace's own, in a worker process: the user sees where in the program it came up, at once and later.</summary>
public sealed partial class InternalFaultTests(PgServers servers)
{
    [Fact]
    public async Task An_internal_fault_of_a_worker_names_its_calls_in_output_report_and_show()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        bench.WriteJob(gated: "20");
        await using var gate = await Gate.CloseAsync(bench);
        await using var run = bench.Start("run");
        await Gate.WaitersAsync(bench, 1);
        await Eventually.TrueAsync("other units have results", () => bench.Results > 0);

        // The held unit's place is taken by a result that is of something else.
        var other = Directory.EnumerateFiles(bench.RunFolder, "0*.json", SearchOption.AllDirectories).First(static path => path.Contains("/results/", StringComparison.Ordinal));
        var text = Fingerprint().Replace(await File.ReadAllTextAsync(other, TestContext.Current.CancellationToken), "\"fingerprint\":\"0000\"");
        await File.WriteAllTextAsync(Path.Combine(Path.GetDirectoryName(other)!, "000000000.json"), text, TestContext.Current.CancellationToken);
        await gate.DisposeAsync();

        var exit = (await run.WaitAsync()).Expect(1);
        var failed = Assert.Single(Workbench.Events(exit), static line => line.GetProperty("event").GetString() == "failed");
        Assert.Equal("internal", failed.GetProperty("kind").GetString());
        Assert.Contains("has a result that reads something else", failed.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.StartsWith("Millrace.Worker.UnitRunner.", failed.GetProperty("frames")[0].GetString(), StringComparison.Ordinal);

        Assert.Contains("\"frames\":[\"Millrace.Worker.UnitRunner.", await File.ReadAllTextAsync(Path.Combine(bench.RunFolder, "report.json"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        var shown = await MillraceProcess.RunAsync(["show", Path.GetFileName(bench.RunFolder), "--state", bench.State], bench.Begin());
        Assert.Matches(@"\n  at Millrace\.Worker\.UnitRunner\.RunAsync(:\d+)?\n", shown.Expect(0).Stdout);
    }

    [GeneratedRegex("\"fingerprint\":\"[^\"]*\"")]
    private static partial Regex Fingerprint();
}
