using System.Text.Json;
using Millrace.Cli.Display;
using Millrace.Faults;
using Millrace.Telemetry;

namespace Millrace.SystemTests.Cli;

public sealed class DisplayTests
{
    [Fact]
    public void The_last_json_line_is_the_published_one()
    {
        using var test = new TestShell();
        var display = new JsonLines(test.Shell);
        foreach (var happened in (RunEvent[])
            [new RunStarted("r1", "/d", false), RunEventsOfTests.Planned, RunEventsOfTests.Sample(1), RunEventsOfTests.Committed, RunEventsOfTests.Finished(RunStatus.Succeeded)])
        {
            display.On(happened);
        }

        var lines = test.Out.TrimEnd('\n').Split('\n');
        Assert.Equal(["started", "planned", "progress", "committed", "finished"], lines.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("event").GetString()));
        Assert.Equal(
            """{"event":"finished","run":"r1","status":"succeeded","rows_read":1200000,"rows_written":1200000,"rows_rejected":0,"bytes_read":52428800,"bytes_written":12582912,"units":40,"retries":1,"splits":0,"seconds":2.5,"peak_memory_bytes":125829120,"hashes":{},"rules":{}}""",
            lines[^1]);
    }

    [Fact]
    public void Json_tells_each_fault_once_and_ends_with_finished()
    {
        using var test = new TestShell();
        var display = new JsonLines(test.Shell);
        var other = new Fault(FaultKind.Limit, "the disk is full");

        display.On(new StreamFailed("public.events", RunEventsOfTests.Lost));
        display.On(RunEventsOfTests.Finished(RunStatus.Failed, RunEventsOfTests.Lost, other));

        var events = test.Out.TrimEnd('\n').Split('\n').Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        Assert.Equal(["failed", "error", "finished"], events.Select(one => one.GetProperty("event").GetString()));
        Assert.Equal(("unreachable", 3), (events[0].GetProperty("kind").GetString(), events[0].GetProperty("exit_code").GetInt32()));
        Assert.Equal("failed", events[2].GetProperty("status").GetString());
    }

    [Fact]
    public void A_terminal_s_line_is_redrawn_at_most_ten_times_a_second()
    {
        using var test = new TestShell(terminal: true, width: 60);
        var line = new LiveLine(test.Shell);
        for (var i = 0; i < 100; i++)
        {
            line.Show(RunEventsOfTests.Sample(1 + (i * 0.01)));
            test.Clock.Advance(TimeSpan.FromMilliseconds(10));
        }

        var drawn = test.Error.Split("\r\u001b[K").Skip(1).ToArray();
        Assert.Equal(10, drawn.Length);
        Assert.All(drawn, text => Assert.InRange(text.Length, 1, 59));
    }

    [Fact]
    public void A_line_that_stays_does_not_mix_with_the_progress()
    {
        using var test = new TestShell(terminal: true, width: 200);
        var line = new LiveLine(test.Shell);
        line.Print("first");
        line.Show(RunEventsOfTests.Sample(1));
        line.Print("second");
        line.End();

        var shown = "25 %  1 k rows  1000 KB/s  1 k rows/s  114 MB memory  2 workers  1 retry";
        Assert.Equal($"first\n\r\u001b[K{shown}\r\u001b[Ksecond\n{shown}\r\u001b[K", test.Error);
    }

    [Fact]
    public void Without_a_terminal_there_is_one_plain_line_every_five_seconds()
    {
        using var test = new TestShell();
        var line = new PlainLines(test.Shell);
        for (var i = 1; i <= 46; i++)
        {
            line.Show(RunEventsOfTests.Sample(i * 0.5, rows: i * 1000, fraction: i / 100.0));
        }

        var lines = test.Error.TrimEnd('\n').Split('\n');
        Assert.Equal(4, lines.Length);
        Assert.Equal("0:05  10 %  10 k rows  2 MB/s  2 k rows/s  0:45 left  114 MB memory  2 workers  1 retry", lines[0]);
        Assert.StartsWith("0:20  40 %", lines[3], StringComparison.Ordinal);
    }

    [Fact]
    public void The_narrator_tells_what_matters_and_each_fault_once()
    {
        using var test = new TestShell();
        var narrator = new RunNarrator(test.Shell, new PlainLines(test.Shell));
        narrator.On(new RunStarted("r1", Path.Combine(test.Folder.FullName, "here", "runs", "r1"), Resumed: true));
        narrator.On(RunEventsOfTests.Planned);
        narrator.On(new WorkerLost(17, "was killed (exit code 137)"));
        narrator.On(RunEventsOfTests.Committed);
        narrator.On(new StreamFailed("public.other", RunEventsOfTests.Lost));
        narrator.On(RunEventsOfTests.Finished(RunStatus.Failed, RunEventsOfTests.Lost));

        Assert.Equal(
            """
            resumed r1
            public.events: about 1.2 M rows, about 40 units by pages, in worker processes
              amount becomes text
            warning: worker 17 was killed (exit code 137); it is replaced
            public.events is in ./lake/events: 1,200,000 rows, 40 files, 12 MB
            error: job.yaml:2: source: the server closed the connection
              Check the server.
            failed after 2.5 s; 'millrace resume r1 --state here' goes on where it stopped

            """,
            test.Error);
        Assert.Empty(test.Out);
    }

    [Fact]
    public void Quiet_prints_errors_only()
    {
        using var test = new TestShell();
        var display = new QuietDisplay(test.Shell);
        display.On(RunEventsOfTests.Planned);
        display.On(new Warned("careful"));
        display.On(RunEventsOfTests.Finished(RunStatus.Failed, RunEventsOfTests.Lost));

        Assert.StartsWith("error: job.yaml:2: source: ", test.Error, StringComparison.Ordinal);
        Assert.Equal(2, test.Error.TrimEnd('\n').Split('\n').Length);
    }

    [Fact]
    public void Neither_secrets_nor_control_characters_reach_the_terminal_or_the_json()
    {
        using var test = new TestShell(variables: ("PW", "hunter22"));
        test.Shell.Secrets.Resolve("postgres://u:${PW}@h/d", new Millrace.Jobs.Mark("source"));
        var fault = new Fault(FaultKind.Refused, "hunter22 was refused \u001b[2J") { Where = "u:hunter22", Advice = "not hunter22" };

        new FaultPrinter(test.Shell).Print([fault]);
        new JsonLines(test.Shell).Error(fault);

        Assert.Equal("error: u:***: *** was refused \\u001b[2J\n  not ***\n", test.Error);
        Assert.DoesNotContain("hunter22", test.Out, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', test.Out);
    }

    [Theory]
    [InlineData(true, "\u001b[1;31merror:\u001b[0m x\n")]
    [InlineData(false, "error: x\n")]
    public void Colour_is_for_those_who_want_it(bool colour, string text)
    {
        using var test = new TestShell(colour: colour);
        new FaultPrinter(test.Shell).Print([new Fault(FaultKind.Data, "x")]);

        Assert.Equal(text, test.Error);
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(999, "999")]
    [InlineData(12_345, "12.3 k")]
    [InlineData(999_960, "1 M")]
    [InlineData(1_200_000, "1.2 M")]
    public void Numbers_are_short(double number, string text) => Assert.Equal(text, Figures.Short(number));

    [Theory]
    [InlineData(9.84, "9.8 s")]
    [InlineData(62, "1:02")]
    [InlineData(7384, "2:03:04")]
    public void Durations_are_short(double seconds, string text) => Assert.Equal(text, Figures.Duration(TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void The_time_left_counts_from_where_a_resumed_run_began()
    {
        var meter = new SpeedMeter();
        meter.Add(RunEventsOfTests.Sample(1, fraction: 0.5));
        Assert.Null(meter.Left);
        meter.Add(RunEventsOfTests.Sample(2, fraction: 0.6));

        Assert.Equal(4, meter.Left!.Value.TotalSeconds, 3);
    }
}
