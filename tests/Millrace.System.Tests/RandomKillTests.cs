using System.Text.Json;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.SystemTests.Moves;

namespace Millrace.SystemTests;

/// <summary>Everything is killed at random moments, from the start to after the commit, and resumed until it is done.</summary>
public sealed class RandomKillTests(PgServers servers)
{
    private const int Kills = 7;

    [Fact]
    public async Task Kills_at_any_moment_change_nothing_about_the_result()
    {
        var seed = Random.Shared.Next();
        TestContext.Current.SendDiagnosticMessage("seed {0}", seed);
        var random = new Random(seed);
        await using var bench = await Workbench.CreateAsync(servers);
        // How long an undisturbed run takes here and now: kills are spread over that time.
        var usual = (await bench.RunAsync()).Expect(0).LastJson().GetProperty("seconds").GetDouble() + 0.5;
        var told = $"seed {seed}:";
        var old = await bench.SourceAsync();
        await bench.FillAsync(2);
        var verb = "run";
        for (var kill = 0; kill < Kills; kill++)
        {
            var after = TimeSpan.FromSeconds(random.NextDouble() * usual);
            told += $" {verb} killed after {after.TotalMilliseconds:0} ms,";
            await using var process = bench.Start(verb);
            // Not a wait for something to happen: the random moment is the test.
            await Task.Delay(after, TestContext.Current.CancellationToken);
            process.KillGroup();
            await process.WaitAsync();
            verb = await NextAsync(bench, told);
            var content = await bench.PublishedAsync();
            Assert.True(content == old || content == await bench.SourceAsync(), $"{told} the table is neither the old nor the new one: {content}");
            if (verb != "run") continue;
            // That run was done, or had not begun: the next one replaces what there is now.
            old = content;
            await bench.FillAsync(kill + 3);
        }

        var last = await bench.RunAsync(verb);
        Assert.True(last.ExitCode == 0, $"{told} {last.Stderr}");
        Assert.True(await bench.SourceAsync() == await bench.PublishedAsync(), told);
        bench.AssertNothingLeft();
    }

    /// <summary>How it goes on: <c>resume</c> while a run is unfinished, else a new <c>run</c>.</summary>
    private static async Task<string> NextAsync(Workbench bench, string told)
    {
        var runs = (await bench.RunAsync("runs")).Expect(0).Stdout;
        var unfinished = Unfinished(runs);
        Assert.True(unfinished <= 1, told + runs);
        return unfinished == 1 ? "resume" : "run";
    }

    /// <summary>How many runs did not succeed, by what <c>runs --json</c> says.</summary>
    internal static int Unfinished(string runs) => runs.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Count(static line => JsonDocument.Parse(line).RootElement.GetProperty("status").GetString() != "succeeded");
}
