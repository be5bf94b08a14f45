using Millrace.Connectors.Files.Target;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Runs;
using Millrace.Testing;

namespace Millrace.Connectors.Tests.Files.Target;

/// <summary>
/// A commit that dies after any of its steps: what readers find is the old table or the new one, and doing it again ends as if nothing
/// had happened.
/// </summary>
public sealed class CommitCrashTests : IDisposable
{
    private readonly TempFolder _folder = new();

    [Theory]
    [InlineData(WriteMode.Overwrite, true, true)]
    [InlineData(WriteMode.Overwrite, true, false)]
    [InlineData(WriteMode.Overwrite, false, true)]
    [InlineData(WriteMode.Append, true, true)]
    [InlineData(WriteMode.Append, true, false)]
    [InlineData(WriteMode.Append, false, true)]
    public async Task Every_step_can_be_the_last(WriteMode mode, bool hasOld, bool canExchange)
    {
        var crashed = new List<string>();
        for (var last = 0; ; last++)
        {
            var round = Path.Combine(_folder.Path, $"round{last}");
            var target = Path.Combine(round, "lake");
            using var each = new TargetLoad(target) { Mode = mode };
            if (hasOld) await each.LoadAsync("SELECT range AS id, 'old' AS age FROM range(10)", "SELECT range + 10 AS id, 'old' AS age FROM range(10)");
            each.Run = "r2";
            await each.StageAsync("SELECT 1::BIGINT AS id, 'new' AS age");
            await each.WriteUnitAsync("SELECT range + 100 AS id, 'new' AS age FROM range(7)");
            await each.WriteUnitAsync("SELECT range + 200 AS id, 'new' AS age FROM range(8)");

            var left = last;
            each.Target.CanExchange = canExchange;
            string? died = null;
            each.Target.Step = step =>
            {
                if (left-- == 0) throw new CrashException(died = step);
            };
            try
            {
                await each.CommitAsync();
            }
            catch (CrashException)
            {
                crashed.Add(died!);
            }

            var expectedNew = (mode == WriteMode.Append && hasOld ? 20 : 0) + 15;
            var seen = Rows(each, target);
            if (canExchange || died != "old moved") Assert.Contains(seen, (long[])[hasOld ? 20 : 0, expectedNew]);

            // Another coordinator goes on.
            each.Target = (FileTarget)each.Connector.Open(each.Context);
            each.Target.CanExchange = canExchange;
            var receipt = await each.CommitAsync();
            Assert.Equal(15, receipt.Rows);
            Assert.Equal(2, receipt.Files);
            Assert.Equal(expectedNew, Rows(each, target));
            await each.Target.DiscardAsync("r2", default);
            Assert.Equal([target], Directory.GetFileSystemEntries(round));
            Assert.Equal((hasOld && mode == WriteMode.Append ? 4 : 2) + 1, TargetLoad.FilesIn(Path.Combine(target, "events")).Length);
            if (died is null) break;
        }

        Assert.Contains("published", crashed);
        Assert.Contains("moved", crashed);
        Assert.Equal(!canExchange && hasOld, crashed.Contains("old moved"));
    }

    [Fact]
    public async Task A_run_that_is_discarded_between_the_two_steps_of_a_slow_system_gets_the_old_table_back()
    {
        using var load = new TargetLoad(_folder["lake"]);
        await load.LoadAsync("SELECT 1 AS id");
        load.Run = "r2";
        await load.StageAsync("SELECT 1 AS id");
        await load.WriteUnitAsync("SELECT range AS id FROM range(5)");
        load.Target.CanExchange = false;
        load.Target.Step = step =>
        {
            if (step == "old moved") throw new CrashException(step);
        };
        await Assert.ThrowsAsync<CrashException>(async () => await load.CommitAsync());
        Assert.False(Directory.Exists(_folder["lake/events"]));
        await load.Target.DiscardAsync("r2", default);
        Assert.Equal(1, Rows(load, _folder["lake"]));
        Assert.Equal([_folder["lake"]], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public async Task An_interrupted_append_that_is_done_after_another_run_has_both()
    {
        using var first = new TargetLoad(_folder["lake"]) { Mode = WriteMode.Append };
        await first.LoadAsync("SELECT 1 AS id");
        first.Run = "r2";
        await first.StageAsync("SELECT 1 AS id");
        await first.WriteUnitAsync("SELECT 2 AS id");
        first.Target.Step = step =>
        {
            if (step == "marked") throw new CrashException(step);
        };
        await Assert.ThrowsAsync<CrashException>(async () => await first.CommitAsync());

        using var second = new TargetLoad(_folder["lake"]) { Run = "r3" };
        await second.LoadAsync("SELECT 3 AS id");
        first.Target.Step = static _ => { };
        await first.CommitAsync();
        Assert.Equal("[2, 3]", first.Ask($"SELECT list(id ORDER BY id) FROM '{_folder["lake/events"]}/*.parquet'"));
    }

    [Fact]
    public async Task Half_a_marker_of_a_killed_commit_is_not_published()
    {
        using var load = new TargetLoad(_folder["lake"]);
        await load.StageAsync("SELECT 1 AS id");
        await load.WriteUnitAsync("SELECT 1 AS id");
        load.Target.Step = step =>
        {
            if (step != "locked") return;
            var staged = Directory.EnumerateDirectories(_folder[".lake.millrace"], "table", SearchOption.AllDirectories).Single();
            File.WriteAllText(Path.Combine(staged, "._millrace.json.0123456789ab.tmp"), "{");
        };
        await load.CommitAsync();
        Assert.Equal(2, Directory.EnumerateFiles(_folder["lake/events"]).Count());
        Assert.False(File.Exists(_folder["lake/events/._millrace.json.0123456789ab.tmp"]));
    }

    [Fact]
    public async Task A_coordinator_that_was_replaced_publishes_nothing()
    {
        using var load = new TargetLoad(_folder["lake"]);
        await load.LoadAsync("SELECT 1 AS id");
        load.Run = "r2";
        load.AssertHolder = static () => throw new InvalidOperationException("replaced");
        await Assert.ThrowsAsync<InvalidOperationException>(() => load.LoadAsync("SELECT range AS id FROM range(5)"));
        Assert.Equal(1, Rows(load, _folder["lake"]));
    }

    [Fact]
    public async Task A_coordinator_that_was_replaced_leaves_nothing_when_the_other_one_is_done()
    {
        using var load = new TargetLoad(_folder["lake"]);
        await load.LoadAsync("SELECT 1 AS id");
        load.Run = "r2";
        load.AssertHolder = () =>
        {
            // The other one's table has this run, and its staging is gone.
            var staged = Directory.EnumerateDirectories(_folder[".lake.millrace"], "table", SearchOption.AllDirectories).Single();
            File.Copy(Path.Combine(staged, "_millrace.json"), _folder["lake/events/_millrace.json"], overwrite: true);
            throw new Fault(FaultKind.Refused, "another coordinator has taken the run");
        };
        await Assert.ThrowsAsync<Fault>(() => load.LoadAsync("SELECT range AS id FROM range(5)"));
        Assert.False(Directory.Exists(_folder[".lake.millrace"]));
    }

    [Fact]
    public async Task A_result_that_replaced_another_one_after_an_interrupted_commit_wins()
    {
        using var load = new TargetLoad(_folder["lake"]);
        await load.StageAsync("SELECT 1 AS id");
        await load.WriteUnitAsync("SELECT 1 AS id");
        var stale = (UnitResult)load.Results[0];
        load.Target.Step = static step => throw new CrashException(step);
        await Assert.ThrowsAsync<CrashException>(async () => await load.CommitAsync());
        load.Target.Step = static _ => { };
        var fresh = await load.WriteUnitAsync("SELECT 2 AS id", "g1-e2-a1");
        var request = load.Request() with { Rows = 1, Results = _ => new[] { fresh }.ToAsyncEnumerable() };
        var receipt = await load.Target.CommitAsync(load.Header, request, default);
        Assert.Equal(1, receipt.Files);
        Assert.NotEqual(stale.Files[0].PublishAs, fresh.Files[0].PublishAs);
        Assert.Equal("[2]", load.Ask($"SELECT list(id) FROM '{_folder["lake/events"]}/*.parquet'"));
    }

    [Fact]
    public async Task Sums_that_do_not_agree_and_staged_files_that_were_touched_are_refused()
    {
        using var load = new TargetLoad(_folder["lake"]);
        await load.StageAsync("SELECT 1 AS id");
        var result = await load.WriteUnitAsync("SELECT 1 AS id");
        await Assert.ThrowsAsync<Faults.Fault>(async () => await load.Target.CommitAsync(load.Header, load.Request() with { Rows = 2 }, default));
        await load.StageAsync("SELECT 1 AS id");
        result = await load.WriteUnitAsync("SELECT 1 AS id");
        await File.AppendAllTextAsync(_folder[$".lake.millrace/r1/events/{result.Files[0].Path}"], "x");
        await Assert.ThrowsAsync<Faults.Fault>(async () => await load.CommitAsync());
        Assert.False(Directory.Exists(_folder["lake/events"]));
    }

    [Fact]
    public async Task Readers_never_see_a_part_during_fifty_overwrites()
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("only Linux exchanges folders everywhere");
        using var load = new TargetLoad(_folder["lake"]);
        await load.LoadAsync("SELECT 0 AS turn", "SELECT 0 AS turn");
        using var stop = new CancellationTokenSource();
        var table = _folder["lake/events"];
        var looked = 0;
        var reader = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                // Each run is named once in the marker: the same marker before and after a listing means the same table all along.
                var before = File.ReadAllText(Path.Combine(table, TableMarker.FileName));
                // Opening must never fail. A table that is exchanged and removed while it is listed ends the listing: no table that anybody sees.
                var opened = Directory.EnumerateFiles(table);
                string[] names;
                try
                {
                    names = [.. opened.Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];
                }
                catch (DirectoryNotFoundException)
                {
                    continue;
                }

                if (before != File.ReadAllText(Path.Combine(table, TableMarker.FileName))) continue;
                looked++;
                var run = before.Split("\"run\":\"")[^1].Split('"')[0];
                Assert.Equal([TableMarker.FileName, $"events-{run}-000000-g1-e1-a1-0000.parquet", $"events-{run}-000001-g1-e1-a1-0000.parquet"], names);
            }
        });
        for (var turn = 1; turn <= 50; turn++)
        {
            load.Run = $"t{turn}";
            await load.LoadAsync($"SELECT {turn} AS turn", $"SELECT {turn} AS turn");
            Assert.True(Directory.Exists(table));
        }

        await stop.CancelAsync();
        await reader;
        Assert.True(looked > 0);
    }

    private static long Rows(TargetLoad load, string root) => Directory.Exists(Path.Combine(root, "events"))
        ? long.Parse(load.Ask($"SELECT count(DISTINCT id) FROM '{root}/events/*.parquet'")!)
        : 0;

    public void Dispose() => _folder.Dispose();

    private sealed class CrashException(string step) : Exception(step);
}
