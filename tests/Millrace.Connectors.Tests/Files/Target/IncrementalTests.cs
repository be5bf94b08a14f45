using Millrace.Connectors.Files.Target;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Testing;

namespace Millrace.Connectors.Tests.Files.Target;

/// <summary>Incremental loads into files: rows that may come again lie in files of their own, and the next load takes their place.</summary>
public sealed class IncrementalTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public static TheoryData<FileFormat, string?, string[], long?> Shapes => new()
    {
        { FileFormat.Parquet, null, [], null },
        { FileFormat.Parquet, null, ["day"], null },
        { FileFormat.Parquet, null, [], 3 },
        { FileFormat.Csv, "gzip", [], null },
        { FileFormat.Csv, null, ["day"], null },
        { FileFormat.Ndjson, null, [], 3 },
        { FileFormat.Ndjson, "zstd", ["day", "odd"], null },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public async Task The_next_load_replaces_the_window_and_nothing_else(FileFormat format, string? codec, string[] folders, long? most)
    {
        using var load = Open(format, new WriteOptions { Codec = codec, PartitionBy = [.. folders], MaxRowsPerFile = most });
        await LoadAsync(load, "r1", new CursorWindow { Next = new CursorEnd("19", "15") }, Rows("range(20)"), Rows("range(20, 20)"));
        Assert.Equal("20", load.Ask($"SELECT count(*) FROM {From(load)}"));
        var final = Files(".window.", no: true);
        Assert.NotEmpty(Files(".window."));

        var window = await load.Target.WindowAsync(load.Plan([]).Stream, default);
        Assert.Equal(new CursorWindow("19", "15"), window);
        // 17 is gone, 16 is there twice, 18 has come late, and 20 to 24 are new.
        await LoadAsync(load, "r2", window with { Next = new CursorEnd("24", "21") }, Rows("(VALUES (15), (16), (16), (18)) t(range)"), Rows("range(20, 25)"));

        Assert.Equal("[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 16, 18, 20, 21, 22, 23, 24]", load.Ask($"SELECT list(\"at\"::INT ORDER BY \"at\"::INT) FROM {From(load)}"));
        Assert.Equal(final, Files(".window.", no: true).Intersect(final));
        Assert.Equal("[21, 22, 23, 24]", load.Ask($"SELECT list(\"at\"::INT ORDER BY \"at\"::INT) FROM {From(load, ".window")}"));
        Assert.All(Files(".window."), static file => Assert.Contains("-r2-", file));
        Assert.Equal([_folder["lake"]], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public async Task A_load_that_finds_nothing_leaves_what_is_final()
    {
        using var load = Open();
        await LoadAsync(load, "r1", new CursorWindow(), "SELECT 1::INT AS at WHERE false");
        Assert.Equal(2, TargetLoad.FilesIn(_folder["lake/events"]).Length);
        Assert.Equal(new CursorWindow(), await load.Target.WindowAsync(load.Plan([]).Stream, default));
        await LoadAsync(load, "r2", new CursorWindow { Next = new CursorEnd("19", "19") }, "SELECT range::INT AS at FROM range(20)");
        var window = await load.Target.WindowAsync(load.Plan([]).Stream, default);

        await LoadAsync(load, "r3", window with { Next = new CursorEnd("19", "19") }, "SELECT 1::INT AS at WHERE false");

        Assert.Equal("18", load.Ask($"SELECT max(\"at\") FROM {From(load)}"));
        Assert.Equal(window, await load.Target.WindowAsync(load.Plan([]).Stream, default));
    }

    [Fact]
    public async Task What_another_run_has_loaded_meanwhile_is_not_doubled()
    {
        using var load = Open();
        await LoadAsync(load, "r1", new CursorWindow { Next = new CursorEnd("19", "15") }, Rows("range(20)"));
        using var other = Open();
        var window = await load.Target.WindowAsync(load.Plan([]).Stream, default);
        await LoadAsync(other, "r2", window with { Next = new CursorEnd("29", "25") }, Rows("range(15, 30)"));
        var isForgotten = false;
        load.StagingLost = () => isForgotten = true;

        var fault = await Assert.ThrowsAsync<Fault>(() => LoadAsync(load, "r3", window with { Next = new CursorEnd("30", "26") }, Rows("range(15, 31)")));

        Assert.EndsWith("is loaded up to 29 now, and was up to 19 when this load began: nothing was published", fault.Message);
        Assert.True(isForgotten);
        Assert.Equal("30", load.Ask($"SELECT count(*) FROM {From(load)}"));
    }

    [Fact]
    public async Task Rows_that_are_appended_between_stay_and_an_overwritten_table_is_refused()
    {
        using var load = Open();
        await LoadAsync(load, "r1", new CursorWindow { Next = new CursorEnd("19", "15") }, Rows("range(20)"));
        (load.Mode, load.Cursor, load.Run, load.Window) = (WriteMode.Append, null, "r2", null);
        await load.LoadAsync(Rows("range(100, 101)"));
        (load.Mode, load.Cursor) = (WriteMode.Incremental, "at");
        var window = await load.Target.WindowAsync(load.Plan([]).Stream, default);
        await LoadAsync(load, "r3", window with { Next = new CursorEnd("20", "20") }, Rows("range(15, 21)"));
        Assert.Equal("22", load.Ask($"SELECT count(*) FROM {From(load)}"));

        (load.Mode, load.Cursor, load.Run, load.Window) = (WriteMode.Overwrite, null, "r4", null);
        await load.LoadAsync(Rows("range(5)"));
        (load.Mode, load.Cursor) = (WriteMode.Incremental, "at");
        Assert.EndsWith("has rows, and no watermark says up to where they were loaded", (await RefusalAsync(load)).Message);
    }

    [Fact]
    public async Task A_folder_of_another_origin_another_stream_and_another_cursor_are_refused()
    {
        using var load = Open();
        Directory.CreateDirectory(_folder["lake/events"]);
        await File.WriteAllTextAsync(_folder["lake/events/mine.parquet"], "");
        Assert.EndsWith("no watermark says up to where they were loaded", (await RefusalAsync(load)).Message);
        File.Delete(_folder["lake/events/mine.parquet"]);
        await LoadAsync(load, "r1", new CursorWindow { Next = new CursorEnd("19", "15") }, Rows("range(20)"));

        load.Cursor = "day";
        Assert.Contains("by 'at', and the cursor is 'day' now", (await RefusalAsync(load)).Message);
        load.Cursor = "at";
        var stream = load.Plan([]).Stream with { Name = "public.other" };
        Assert.Contains("is loaded from 'public.events'", (await Assert.ThrowsAsync<Fault>(async () => await load.Target.WindowAsync(stream, default))).Message);
    }

    [Fact]
    public async Task A_row_without_a_cursor_fails_its_unit()
    {
        using var load = Open();
        foreach (var next in (CursorEnd?[])[null, new CursorEnd("1", "1")])
        {
            var fault = await Assert.ThrowsAsync<Fault>(() => LoadAsync(load, "r1", new CursorWindow { Next = next }, "SELECT NULL::INT AS at"));
            Assert.Equal("the cursor of an incremental stream is NULL in a row, in 'at'", fault.Message);
        }
    }

    [Theory]
    [InlineData("out.parquet", false, false, "found incremental, but the target is one file")]
    [InlineData("-", false, false, "found incremental, but the target is one file")]
    [InlineData("lake", true, false, "found a key with mode: incremental, and rows in files can't be found by a key")]
    [InlineData("lake", false, true, "found max_file_bytes with mode: incremental, which can't be combined in this version")]
    public async Task What_files_can_not_keep_is_refused_at_planning(string target, bool hasKey, bool hasBytes, string message)
    {
        using var load = Open(target: target);
        if (hasBytes) load.Write = new WriteOptions { MaxFileBytes = 1 << 20 };
        var stream = load.Plan([]).Stream with { Key = hasKey ? ["id"] : [] };
        Assert.Equal(message, (await Assert.ThrowsAsync<Fault>(async () => await load.Target.WindowAsync(stream, default))).Message);
    }

    [Fact]
    public async Task A_cursor_whose_order_is_not_the_same_everywhere_is_refused()
    {
        using var load = Open();
        var plan = load.Plan(load.ColumnsOf("SELECT 'a' AS at"));
        Assert.Equal("found the cursor 'at' of type VARCHAR", (await Assert.ThrowsAsync<Fault>(async () => await load.Target.ForeseeAsync(plan, default))).Message);
    }

    /// <summary>Each step of a publication can be the last: readers have the old rows or the new ones, and doing it again ends the same.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Every_step_can_be_the_last(bool canExchange)
    {
        var crashed = new List<string>();
        for (var last = 0; ; last++)
        {
            using var load = new TargetLoad(_folder[$"round{last}/lake"]) { Mode = WriteMode.Incremental, Cursor = "at" };
            await LoadAsync(load, "r1", new CursorWindow { Next = new CursorEnd("19", "15") }, Rows("range(20)"));
            var window = await load.Target.WindowAsync(load.Plan([]).Stream, default);
            (load.Run, load.Window) = ("r2", window with { Next = new CursorEnd("24", "21") });
            await load.StageAsync(Rows("range(1)"));
            await load.WriteUnitAsync(Rows("range(15, 25)"));
            var left = last;
            string? died = null;
            load.Target.CanExchange = canExchange;
            load.Target.Step = step =>
            {
                if (left-- == 0) throw new InvalidOperationException(died = step);
            };
            try
            {
                await load.CommitAsync();
            }
            catch (InvalidOperationException)
            {
                crashed.Add(died!);
            }

            var table = _folder[$"round{last}/lake/events"];
            var count = $"SELECT count(*) || ' ' || count(DISTINCT \"at\") FROM '{table}/*.parquet'";
            if (canExchange || died != "old moved") Assert.Contains(load.Ask(count), (string[])["20 20", "25 25"]);
            load.Target = (FileTarget)load.Connector.Open(load.Context);
            load.Target.CanExchange = canExchange;
            await load.CommitAsync();
            Assert.Equal("25 25", load.Ask(count));
            Assert.Equal(new CursorWindow("24", "21"), await load.Target.WindowAsync(load.Plan([]).Stream, default));
            if (died is null) break;
        }

        Assert.Contains("published", crashed);
        Assert.Contains("linked", crashed);
    }

    public void Dispose() => _folder.Dispose();

    private static string Rows(string from) => $"SELECT range::INT AS at, 'day ' || range::INT // 7 AS day, range::INT % 2 AS odd FROM {from}";

    private TargetLoad Open(FileFormat format = FileFormat.Parquet, WriteOptions? write = null, string target = "lake") =>
        new(target == "-" ? "-" : _folder[target], format) { Mode = WriteMode.Incremental, Cursor = "at", Write = write ?? new WriteOptions() };

    private static async Task LoadAsync(TargetLoad load, string run, CursorWindow window, params string[] units)
    {
        (load.Run, load.Window) = (run, window);
        await load.LoadAsync(units);
    }

    private static async Task<Fault> RefusalAsync(TargetLoad load) => await Assert.ThrowsAsync<Fault>(async () => await load.Target.WindowAsync(load.Plan([]).Stream, default));

    private string[] Files(string with, bool no = false) =>
        [.. TargetLoad.FilesIn(_folder["lake/events"]).Where(file => !file.StartsWith('_') && file.Contains(with, StringComparison.Ordinal) != no)];

    private string From(TargetLoad load, string mark = "") => load.Context.Format switch
    {
        FileFormat.Parquet => $"read_parquet('{_folder["lake/events"]}/**/*{mark}.parquet', hive_partitioning = true)",
        FileFormat.Csv => $"read_csv('{_folder["lake/events"]}/**/*{mark}.csv*', hive_partitioning = true)",
        _ => $"read_json('{_folder["lake/events"]}/**/*{mark}.ndjson*', hive_partitioning = true)",
    };
}
