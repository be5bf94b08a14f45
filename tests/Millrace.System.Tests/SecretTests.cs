using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.SystemTests.Moves;

namespace Millrace.SystemTests;

/// <summary>The password reaches the server and nothing else: no output, no file, no command line.</summary>
public sealed class SecretTests(PgServers servers)
{
    [Theory]
    [InlineData("${PG_URL}")]
    [InlineData("${file:url.txt}")]
    public async Task The_password_stands_nowhere(string source)
    {
        await using var bench = await Workbench.CreateAsync(servers);
        bench.WriteJob(Workbench.FirstAndLast);
        var secrets = Directory.CreateTempSubdirectory("millrace-test-").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(secrets, "url.txt"), bench.Url + "\n", TestContext.Current.CancellationToken);
            var from = source.Replace("url.txt", Path.Combine(secrets, "url.txt"), StringComparison.Ordinal);
            bench.Write("job.yaml", (await File.ReadAllTextAsync(bench.Job, TestContext.Current.CancellationToken)).Replace("${PG_URL}", from, StringComparison.Ordinal));
            var start = bench.Begin(source == "${PG_URL}" ? null : "unused");
            await using var gate = await Gate.CloseAsync(bench);
            await using var run = MillraceProcess.Start(["run", bench.Job, "--json"], start);
            await Gate.WaitersAsync(bench, 2);
            var processes = run.Workers().Concat(bench.Keepers()).Append(run.Id).ToList();
            Assert.Equal(3, processes.Count);
            Assert.All(processes, static id => Secret.AssertHidden(File.ReadAllText($"/proc/{id}/cmdline"), "a command line"));
            Assert.True(Secret.AssertHiddenBelow(bench[""]) > 5, "state and staging have files");
            await gate.DisposeAsync();
            Secret.AssertHidden((await run.WaitAsync()).Expect(0));
            Secret.AssertHiddenBelow(bench[""]);
        }
        finally
        {
            Directory.Delete(secrets, recursive: true);
        }
    }

    [Fact]
    public async Task The_password_stands_nowhere_in_what_a_killed_run_leaves_or_its_keeper_or_the_verbs_that_look_at_it()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        bench.WriteJob(Workbench.FirstAndLast);
        await using (await Gate.CloseAsync(bench))
        {
            await using var run = bench.Start("run");
            await Gate.WaitersAsync(bench, 2);
            run.KillGroup();
            await run.WaitAsync();
        }

        Assert.All(bench.Keepers(), static id => Secret.AssertHidden(File.ReadAllText($"/proc/{id}/cmdline"), "the keeper's command line"));
        Assert.True(Secret.AssertHiddenBelow(bench[""]) > 5, "state and staging have files");
        Secret.AssertHidden((await bench.RunAsync("runs")).Expect(0));
        Secret.AssertHidden((await bench.RunAsync("show", Path.GetFileName(bench.RunFolder))).Expect(0));
        Secret.AssertHidden((await bench.RunAsync("resume")).Expect(0));
        Secret.AssertHiddenBelow(bench[""]);
    }

    [Theory]
    [InlineData("1 / (id - 7777) > -1", null)]
    [InlineData("true", "9")]
    public async Task The_password_stands_nowhere_in_what_a_failed_run_says_and_leaves(string where, string? changed)
    {
        await using var bench = await Workbench.CreateAsync(servers);
        bench.Write("job.yaml", $"source: ${{PG_URL}}\ntarget: {bench.Lake}\nstate: {bench.State}\nengine: local\nstreams: {{public.t: {{where: \"{where}\"}}}}\n");
        // Also a password that is wrong by a character is nobody's to read.
        var exit = await MillraceProcess.RunAsync(["run", bench.Job], bench.Begin(changed is null ? null : bench.Url.Replace("@127", changed + "@127", StringComparison.Ordinal)));
        Assert.NotEqual(0, exit.ExitCode);
        Secret.AssertHidden(exit);
        Secret.AssertHiddenBelow(bench[""]);
    }

    [Fact]
    public async Task A_password_that_is_typed_as_it_is_is_warned_of_and_not_repeated()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        var exit = (await MillraceProcess.RunAsync(["run", "--from", bench.Url, "--to", bench.Lake, "--stream", "public.t", "--state", bench.State], bench.Begin("unused"))).Expect(0);
        Assert.Contains("password", exit.Stderr, StringComparison.Ordinal);
        Secret.AssertHidden(exit);
        Secret.AssertHiddenBelow(bench[""]);
    }
}
