using System.Text.Json;
using Millrace.Cli;
using Millrace.Cli.Input;
using Millrace.Faults;
using Millrace.Runs;
using Millrace.Telemetry;

namespace Millrace.SystemTests.Cli;

public sealed class VerbTests
{
    [Fact]
    public void Every_example_of_the_help_can_be_typed()
    {
        using var test = new TestShell();
        var root = CommandLine.Define(test.Shell);
        foreach (var verb in root.Subcommands.OfType<Verb>().SelectMany(verb => verb.Subcommands.OfType<Verb>().Prepend(verb)).Where(verb => !verb.Hidden))
        {
            Assert.NotEmpty(verb.Examples);
            Assert.All(verb.Examples, example => Assert.Empty(root.Parse(example.Line.Replace("'", "", StringComparison.Ordinal)).Errors));
        }
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("run", "--help")]
    [InlineData("runs", "prune", "--help")]
    public async Task Help_has_examples_and_exit_codes(params string[] args)
    {
        using var test = new TestShell();

        Assert.Equal(0, await test.RunAsync(args));
        Assert.Contains("Examples:\n  millrace ", test.Out, StringComparison.Ordinal);
        Assert.Contains("130 cancelled", test.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("work ", test.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("testhost", test.Out, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("error: found 'rn', expected run, plan, check, discover, runs, show, verify, resume or cancel\n  Did you mean 'run'?\n", "rn")]
    [InlineData("error: found the unknown option '--memroy'\n  Did you mean '--memory'?\n", "run", "--memroy", "5MB")]
    [InlineData("error: found the unknown option '--jsn'\n  Did you mean '--json'?\n", "run", "job.yaml", "--jsn")]
    [InlineData("error: found --json and --quiet, expected one of them\n", "run", "job.yaml", "--json", "--quiet")]
    [InlineData("error: Required argument missing for command: 'show'.\n", "show")]
    [InlineData("error: no.yaml: found no such file, expected a job file\n", "run", "no.yaml")]
    [InlineData("error: @no: found no such file, expected a job file\n", "run", "@no")]
    [InlineData("error: --mode: found 'x', expected overwrite, append, merge or incremental\n", "run", "--from", "a.csv", "--to", "b", "--mode", "x")]
    [InlineData("error: --from: found nothing, expected a path", "plan", "--to", "b")]
    [InlineData("error: postgres://u@h/d: found a URL, expected a job file\n", "run", "postgres://u:secret@h/d")]
    [InlineData("error: there is no run ../x", "show", "../x")]
    [InlineData("error: no run below ", "resume")]
    public async Task Wrong_usage_is_told_with_exit_code_2(string message, params string[] args)
    {
        using var test = new TestShell();

        Assert.Equal(2, await test.RunAsync(args));
        Assert.StartsWith(message, test.Error, StringComparison.Ordinal);
        Assert.Empty(test.Out);
        Assert.DoesNotContain("secret", test.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_typed_shows_the_help_as_an_error()
    {
        using var test = new TestShell();

        Assert.Equal(2, await test.RunAsync());
        Assert.Contains("Usage:", test.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_job_tells_every_mistake_also_in_json()
    {
        using var test = new TestShell();
        await File.WriteAllTextAsync(Path.Combine(test.Folder.FullName, "job.yaml"), "source: in.csv\ntarget: out\nengin: local\nlimits: {memory: x}\n", TestContext.Current.CancellationToken);

        Assert.Equal(2, await test.RunAsync("run", "job.yaml"));
        Assert.Equal(2, await test.RunAsync("run", "job.yaml", "--json"));

        Assert.Contains("error: job.yaml:3: engin: found the unknown key 'engin'", test.Error, StringComparison.Ordinal);
        Assert.Contains("error: job.yaml:4: limits.memory: found 'x'", test.Error, StringComparison.Ordinal);
        var events = test.Out.TrimEnd('\n').Split('\n').Select(line => JsonDocument.Parse(line).RootElement.GetProperty("event").GetString());
        Assert.Equal(["error", "error", "finished"], events);
    }

    [Fact]
    public async Task Json_and_data_do_not_share_standard_output()
    {
        using var test = new TestShell();

        Assert.Equal(2, await test.RunAsync("run", "--from", "in.csv", "--to", "-", "--json"));
        Assert.Contains("both write to standard output", test.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_password_on_the_command_line_is_warned_of()
    {
        using var test = new TestShell();
        await test.RunAsync("check", "--from", "postgres://u:hunter22@localhost:1/d", "--to", "out", "--stream", "a");

        Assert.Contains("warning: --from: the URL holds a password", test.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter22", test.Error + test.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Runs_are_listed_and_shown()
    {
        using var test = new TestShell();
        var job = Millrace.Jobs.JobReader.ReadShortForm(new Millrace.Jobs.JobOverrides { From = "postgres://u:hunter22@h/d", To = "out", Streams = ["public.events"] }, test.Folder.FullName).Job!;
        var run = RunDirectory.Create(Path.Combine(test.Folder.FullName, ".millrace"), job, new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

        Assert.Equal(0, await test.RunAsync("runs"));
        Assert.Equal(0, await test.RunAsync("runs", "--json"));
        Assert.Equal(0, await test.RunAsync("show", run.Run));
        Assert.Equal(0, await test.RunAsync("runs", "prune", "--keep", "0"));

        Assert.StartsWith($"{run.Run}  interrupted", test.Out, StringComparison.Ordinal);
        Assert.Contains($"\"run\":\"{run.Run}\"", test.Out, StringComparison.Ordinal);
        Assert.Contains("from      postgres://u@h/d\n", test.Out, StringComparison.Ordinal);
        Assert.Contains("stream    public.events: not published\n", test.Out, StringComparison.Ordinal);
        Assert.True(Directory.Exists(run.Path), "an unfinished run can be resumed: prune leaves it");
    }

    [Theory]
    [InlineData(RunStatus.Succeeded, 0)]
    [InlineData(RunStatus.Cancelled, 130)]
    [InlineData(RunStatus.Failed, 3, FaultKind.Unreachable)]
    [InlineData(RunStatus.Failed, 3, FaultKind.Unreachable, FaultKind.Refused)]
    [InlineData(RunStatus.Failed, 1, FaultKind.Data, FaultKind.Unreachable)]
    [InlineData(RunStatus.Failed, 1, FaultKind.Unreachable, FaultKind.Data)]
    [InlineData(RunStatus.Failed, 1, FaultKind.Died, FaultKind.Unreachable)]
    [InlineData(RunStatus.Cancelled, 130, FaultKind.Data, FaultKind.Cancelled)]
    [InlineData(RunStatus.Failed, 5, FaultKind.Limit)]
    [InlineData(RunStatus.Failed, 1)]
    public void The_exit_code_is_what_the_faults_have_in_common_else_1(RunStatus status, int code, params FaultKind[] kinds) =>
        Assert.Equal(code, ExitCodes.Of(new RunSummary { Run = "r", Status = status, Faults = [.. kinds.Select(kind => new Fault(kind, "x"))] }));
}
