using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.SystemTests.Moves;

namespace Millrace.SystemTests;

/// <summary>A unit whose connection stands still while everything else is done.</summary>
public sealed class SlowUnitTests(PgServers servers)
{
    // Whoever reads such a row first waits at the gate; everybody after it passes.
    private const string FirstWaits =
        """
        CREATE FUNCTION public.first_waits() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
        BEGIN
            RETURN CASE WHEN pg_try_advisory_lock(9) THEN public.pass_gate() ELSE true END;
        END $$
        """;

    [Fact]
    public async Task It_is_read_in_parts_by_the_idle_lane_and_the_run_ends()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        await bench.ExecuteAsync(FirstWaits);
        bench.WriteJob();
        await File.WriteAllTextAsync(
            bench.Job,
            (await File.ReadAllTextAsync(bench.Job, TestContext.Current.CancellationToken)).Replace(Gate.Where("id IN (1)"), "CASE WHEN id = 700 THEN public.first_waits() ELSE true END", StringComparison.Ordinal),
            TestContext.Current.CancellationToken);
        await using var gate = await Gate.CloseAsync(bench);

        var exit = (await bench.RunAsync()).Expect(0);

        Assert.Contains("\"event\":\"slow\"", exit.Stdout, StringComparison.Ordinal);
        Assert.Equal(1, exit.LastJson().GetProperty("splits").GetInt64());
        Assert.Equal(await bench.SourceAsync(), await bench.PublishedAsync());
        await bench.NoCopyIsLeftAsync();
        bench.AssertNothingLeft();
        Assert.Contains("slow", (await MillraceProcess.RunAsync(["show", "--state", bench.State, Path.GetFileName(bench.RunFolder)], bench.Begin())).Expect(0).Stdout, StringComparison.Ordinal);
    }
}
