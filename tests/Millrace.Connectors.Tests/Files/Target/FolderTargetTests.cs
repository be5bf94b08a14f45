using Millrace.Connectors.Files.Target;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Testing;

namespace Millrace.Connectors.Tests.Files.Target;

public sealed class FolderTargetTests : IDisposable
{
    private readonly TempFolder _folder = new();

    [Theory]
    [InlineData(FileFormat.Parquet, null, ".parquet", "read_parquet('{0}/*.parquet')")]
    [InlineData(FileFormat.Parquet, "snappy", ".parquet", "read_parquet('{0}/*.parquet')")]
    [InlineData(FileFormat.Parquet, "none", ".parquet", "read_parquet('{0}/*.parquet')")]
    [InlineData(FileFormat.Csv, null, ".csv", "read_csv('{0}/*.csv')")]
    [InlineData(FileFormat.Csv, "gzip", ".csv.gz", "read_csv('{0}/*.csv.gz')")]
    [InlineData(FileFormat.Ndjson, null, ".ndjson", "read_json('{0}/*.ndjson')")]
    [InlineData(FileFormat.Ndjson, "zstd", ".ndjson.zst", "read_json('{0}/*.ndjson.zst')")]
    public async Task Overwriting_gives_exactly_the_new_rows_and_no_litter(FileFormat format, string? codec, string ending, string reader)
    {
        var root = _folder["it's a lake"];
        using var load = new TargetLoad(root, format) { Write = new WriteOptions { Codec = codec } };
        await load.LoadAsync("SELECT range AS id, 'old' AS name FROM range(10)");
        load.Run = "r2";
        var receipt = await load.LoadAsync("SELECT range AS id, 'a,\"b\"' || chr(10) AS name FROM range(1000)", "SELECT range + 1000 AS id, 'z' AS name FROM range(500)");

        Assert.Equal((1500, 2, false), (receipt.Rows, receipt.Files, receipt.AlreadyDone));
        var table = Path.Combine(root, "events");
        var files = TargetLoad.FilesIn(table);
        Assert.Equal(3, files.Length);
        Assert.Equal("_millrace.json", files[0]);
        Assert.All(files[1..], file => Assert.Matches("^events-r2-00000[01]-g1-e1-a1-0000\\" + ending + "$", file));
        var from = string.Format(reader, table.Replace("'", "''"));
        Assert.Equal("1500", load.Ask($"SELECT count(*) FROM {from}"));
        Assert.Equal("1500", load.Ask($"SELECT count(DISTINCT id) FROM {from}"));
        Assert.Equal("a,\"b\"\n", load.Ask($"SELECT min(name) FROM {from}"));
        Assert.Equal([root], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Theory]
    [InlineData(FileFormat.Parquet)]
    [InlineData(FileFormat.Csv)]
    [InlineData(FileFormat.Ndjson)]
    public async Task An_empty_table_is_published_with_its_columns(FileFormat format)
    {
        using var load = new TargetLoad(_folder["lake"], format);
        var receipt = await load.LoadAsync("SELECT 1 AS id, 'x' AS name WHERE false", "SELECT 1 AS id, 'x' AS name WHERE false");
        Assert.Equal((0, 1), (receipt.Rows, receipt.Files));
        var file = _folder["lake/events/" + TargetLoad.FilesIn(_folder["lake/events"])[1]];
        if (format == FileFormat.Csv) Assert.Equal("id,name\n", await File.ReadAllTextAsync(file));
        if (format == FileFormat.Ndjson) Assert.Equal("", await File.ReadAllTextAsync(file));
        if (format == FileFormat.Parquet) Assert.Equal("0", load.Ask($"SELECT count(id) + count(name) FROM '{file}'"));
    }

    [Fact]
    public async Task Units_without_rows_leave_no_file_in_a_table_with_rows()
    {
        using var load = new TargetLoad(_folder["lake"]);
        var receipt = await load.LoadAsync("SELECT 1 AS id WHERE false", "SELECT 1 AS id", "SELECT 1 AS id WHERE false");
        Assert.Equal((1, 1), (receipt.Rows, receipt.Files));
        Assert.Equal(2, TargetLoad.FilesIn(_folder["lake/events"]).Length);
    }

    [Fact]
    public async Task Appending_keeps_all_files_and_a_second_commit_changes_nothing()
    {
        using var load = new TargetLoad(_folder["lake"]) { Mode = WriteMode.Append };
        await load.LoadAsync("SELECT range AS id FROM range(10)");
        File.WriteAllText(_folder["lake/events/notes.txt"], "mine");
        load.Run = "r2";
        await load.LoadAsync("SELECT range + 10 AS id FROM range(5)");
        var again = await load.CommitAsync();
        Assert.True(again.AlreadyDone);
        Assert.Equal((5, 1), (again.Rows, again.Files));
        Assert.Equal("15", load.Ask($"SELECT count(DISTINCT id) FROM '{_folder["lake/events"]}/*.parquet'"));
        Assert.Equal("mine", File.ReadAllText(_folder["lake/events/notes.txt"]));

        // Another run's overwrite later: the commit before it stays known.
        var (header, request) = (load.Header, load.Request());
        load.Run = "r3";
        load.Mode = WriteMode.Overwrite;
        await load.LoadAsync("SELECT 7 AS id");
        Assert.True((await load.Target.CommitAsync(header, request, default)).AlreadyDone);
        Assert.Equal("1", load.Ask($"SELECT count(*) FROM '{_folder["lake/events"]}/*.parquet'"));
        Assert.False(File.Exists(_folder["lake/events/notes.txt"]));
    }

    [Theory]
    [InlineData(FileFormat.Parquet)]
    [InlineData(FileFormat.Csv)]
    [InlineData(FileFormat.Ndjson)]
    public async Task Rows_a_file_are_exact(FileFormat format)
    {
        using var load = new TargetLoad(_folder["lake"], format) { Write = new WriteOptions { MaxRowsPerFile = 1777 } };
        var receipt = await load.LoadAsync("SELECT range AS id, 'x' || range AS millrace_file FROM range(5000)", "SELECT range AS id, 'y' AS millrace_file FROM range(100)");
        Assert.Equal((5100, 4), (receipt.Rows, receipt.Files));
        var table = _folder["lake/events"];
        var counts = TargetLoad.FilesIn(table)[1..].Select(file => load.Ask(format switch
        {
            FileFormat.Parquet => $"SELECT count(*) FROM '{table}/{file}'",
            FileFormat.Csv => $"SELECT count(*) FROM read_csv('{table}/{file}')",
            _ => $"SELECT count(*) FROM read_json('{table}/{file}')",
        }));
        Assert.Equal(["1777", "1777", "1446", "100"], counts);
    }

    [Theory]
    [InlineData(FileFormat.Parquet)]
    [InlineData(FileFormat.Csv)]
    [InlineData(FileFormat.Ndjson)]
    public async Task Files_end_near_the_wanted_size(FileFormat format)
    {
        using var load = new TargetLoad(_folder["lake"], format) { Write = new WriteOptions { MaxFileBytes = 1 << 20, RowGroupRows = format == FileFormat.Parquet ? 4096 : null } };
        var receipt = await load.LoadAsync("SELECT range AS id, md5(range::VARCHAR) AS name FROM range(100000)");
        Assert.Equal(100000, receipt.Rows);
        Assert.True(receipt.Files > 1);
        Assert.All(Directory.GetFiles(_folder["lake/events"]), file => Assert.True(new FileInfo(file).Length < 3 << 20));
    }

    [Fact]
    public async Task Any_number_of_partitions_gives_a_unit_one_file_for_each()
    {
        using var load = new TargetLoad(_folder["lake"]) { Write = new WriteOptions { PartitionBy = ["p"] } };
        var receipt = await load.LoadAsync("SELECT range AS id, range * 7919 % 700 AS p FROM range(50000)");
        Assert.Equal((50_000, 700), (receipt.Rows, receipt.Files));
        Assert.Equal("50000", load.Ask($"SELECT count(DISTINCT id) FROM read_parquet('{_folder["lake/events"]}/**/*.parquet', hive_partitioning = true) WHERE id * 7919 % 700 = p"));
    }

    [Theory]
    [InlineData(FileFormat.Parquet, "read_parquet('{0}/**/*.parquet', hive_partitioning = true)")]
    [InlineData(FileFormat.Csv, "read_csv('{0}/**/*.csv', hive_partitioning = true)")]
    [InlineData(FileFormat.Ndjson, "read_json('{0}/**/*.ndjson', hive_partitioning = true)")]
    public async Task Partition_columns_become_folders(FileFormat format, string reader)
    {
        using var load = new TargetLoad(_folder["lake"], format) { Write = new WriteOptions { PartitionBy = ["year", "kind"] } };
        const string unit = "SELECT 2000 + range % 3 AS year, CASE WHEN range % 2 = 0 THEN '../a=b/c''' END AS kind, range AS id, 'x' AS name FROM range(300)";
        var receipt = await load.LoadAsync(unit, unit);
        Assert.Equal((600, 12), (receipt.Rows, receipt.Files));
        var from = string.Format(reader, _folder["lake/events"]);
        Assert.Equal("600", load.Ask($"SELECT count(*) FROM {from}"));
        Assert.Equal("100", load.Ask($"SELECT count(*) FROM {from} WHERE year = 2001 AND kind = '../a=b/c'''"));
        Assert.Equal("100", load.Ask($"SELECT count(*) FROM {from} WHERE year = 2002 AND kind IS NULL"));
        Assert.Equal([_folder["lake"]], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public async Task Combinations_that_the_writer_does_not_have_are_refused()
    {
        using var load = new TargetLoad(_folder["lake"]);
        foreach (var write in new WriteOptions[]
        {
            new() { PartitionBy = ["id"] },
            new() { PartitionBy = ["nope"] },
            new() { PartitionBy = ["id"], MaxRowsPerFile = 5 },
            new() { MaxFileBytes = 1 << 20, MaxRowsPerFile = 5 },
        })
        {
            load.Write = write;
            var fault = await Assert.ThrowsAsync<Fault>(() => load.StageAsync("SELECT 1 AS id"));
            Assert.Equal(FaultKind.JobFile, fault.Kind);
        }

        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public async Task What_no_table_is_stays_untouched()
    {
        using var load = new TargetLoad(_folder["lake"]);
        _folder.Write("lake/events/thesis.docx", "years of work");
        var fault = await Assert.ThrowsAsync<Fault>(() => load.StageAsync("SELECT 1 AS id"));
        Assert.Equal(FaultKind.Refused, fault.Kind);
        Assert.Contains("thesis.docx", fault.Message, StringComparison.Ordinal);

        Directory.Delete(_folder["lake"], recursive: true);
        _folder.Write("lake/events/part-0.parquet", "");
        _folder.Write("lake/events/_SUCCESS", "");
        await load.LoadAsync("SELECT 1 AS id");
        Assert.Equal(2, TargetLoad.FilesIn(_folder["lake/events"]).Length);

        load.Run = "r2";
        Directory.CreateDirectory(_folder["lake/events/_delta_log"]);
        Assert.Contains("Delta", (await Assert.ThrowsAsync<Fault>(() => load.StageAsync("SELECT 1 AS id"))).Message, StringComparison.Ordinal);
        Directory.Delete(_folder["lake"], recursive: true);
        _folder.Write("lake/events", "a file");
        await Assert.ThrowsAsync<Fault>(() => load.StageAsync("SELECT 1 AS id"));
        File.Delete(_folder["lake/events"]);
        Directory.CreateDirectory(_folder["elsewhere"]);
        Directory.CreateSymbolicLink(_folder["lake/events"], _folder["elsewhere"]);
        Assert.Contains("link", (await Assert.ThrowsAsync<Fault>(() => load.StageAsync("SELECT 1 AS id"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_root_that_is_a_link_is_staged_where_it_leads()
    {
        Directory.CreateDirectory(_folder["disk/real"]);
        Directory.CreateSymbolicLink(_folder["lake"], _folder["disk/real"]);
        using var load = new TargetLoad(_folder["lake"]);
        await load.StageAsync("SELECT 1 AS id");
        Assert.True(Directory.Exists(_folder["disk/.real.millrace/r1/events"]));
        await load.WriteUnitAsync("SELECT 1 AS id");
        await load.CommitAsync();
        Assert.Equal(2, TargetLoad.FilesIn(_folder["disk/real/events"]).Length);
    }

    [Fact]
    public async Task A_mount_point_is_refused_as_root()
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("only Linux says what is mounted");
        using var load = new TargetLoad("/dev/shm");
        var fault = await Assert.ThrowsAsync<Fault>(() => load.StageAsync("SELECT 1 AS id"));
        Assert.Contains("inside it", fault.Advice, StringComparison.Ordinal);
        await Assert.ThrowsAsync<Fault>(async () => await load.Target.CheckAsync(default));
        Assert.Throws<Fault>(() => new TargetLoad("/"));
    }

    [Fact]
    public async Task Discarding_leaves_the_old_table_and_nothing_else()
    {
        using var load = new TargetLoad(_folder["lake"]);
        await load.LoadAsync("SELECT 1 AS id");
        var before = TargetLoad.FilesIn(_folder["lake"]);
        load.Run = "r2";
        await load.StageAsync("SELECT 1 AS id");
        await load.WriteUnitAsync("SELECT 2 AS id");
        File.WriteAllText(_folder[".lake.millrace/.lock-events"], "");
        await load.Target.DiscardAsync("r2", default);
        await load.Target.DiscardAsync("r2", default);
        Assert.Equal(before, TargetLoad.FilesIn(_folder["lake"]));
        Assert.Equal([_folder["lake"]], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public async Task An_attempt_that_ends_early_removes_its_files()
    {
        using var load = new TargetLoad(_folder["lake"]);
        await load.StageAsync("SELECT 1 AS id");
        await Assert.ThrowsAnyAsync<Exception>(() => load.WriteUnitAsync("SELECT error('stop') AS id FROM range(10)"));
        Assert.Empty(Directory.GetFileSystemEntries(_folder[".lake.millrace/r1/events/units"]));
    }

    [Fact]
    public async Task Two_streams_of_one_name_are_refused()
    {
        using var load = new TargetLoad(_folder["lake"]);
        await load.StageAsync("SELECT 1 AS id");
        var plan = load.Plan(load.ColumnsOf("SELECT 1 AS id"));
        plan = plan with { Stream = plan.Stream with { Name = "sales.events" } };
        var fault = await Assert.ThrowsAsync<Fault>(async () => await load.Target.StageAsync(new("r1", true, "events", plan), default));
        Assert.Contains("sales.events", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("./lake", true)]
    [InlineData("/abs/lake.parquet", true)]
    [InlineData("-", true)]
    [InlineData("file:///abs/lake", true)]
    [InlineData("postgres://host/db", false)]
    [InlineData("s3://bucket/lake", false)]
    [InlineData("duckdb:file.db", false)]
    public void Paths_are_claimed_and_other_schemes_are_not(string address, bool claimed) =>
        Assert.Equal(claimed, new FileTargetConnector().Claims(address));

    public void Dispose() => _folder.Dispose();
}
