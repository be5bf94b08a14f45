using Millrace.Jobs;

namespace Millrace.Tests.Jobs;

public sealed class JobReaderTests
{
    internal const string Everything = """
        name: events-to-lake
        source: ${PG_URL}
        target: ./lake
        format: parquet
        state: runs-here
        engine: local
        limits: {memory: 512MB, workers: 3, source_connections: 5, target_connections: 6, disk: 20GB}
        params: {threshold: 0.5, region: north, strict: true}
        streams:
          public.events:
            to: events
            mode: append
            where: "created_at < '2026-01-01'"
            consistency: unit
            proof: readback
            types: {amount: "decimal(18,2)", "*": text}
            rename: {old name: new_name}
            columns: ["*", "-internal_note"]
            partition: {by: id, key: [id, part], rows: 50000}
            write: {codec: zstd, level: 3, row_group_rows: 4096, max_rows_per_file: 100000, max_file_bytes: 64MiB, partition_by: [year, month], cluster_by: [id, at desc]}
            schema: freeze
            transform:
              - map: |
                  select *, severity >= $threshold as is_high from input where region = $region
              - join: {with: other, raw: true, on: {image: image_name}, columns: [score], where: "score > 0", how: inner, many: first}
              - nest: {by: [id], as: parts, order_by: [at desc nulls first], oversize: split}
              - unnest: {column: parts, outer: true}
              - dedupe: {by: [id], order_by: [at], keep: last}
              - group: {by: [id], total: "sum(amount)", n: "count(*)"}
              - lookup: {in: "${MAP_URL}", table: public.map, key: [id], columns: [name], batch: 10, cache: 1MB, as: found, missing: drop}
            expect:
              - not_null: [id]
              - accepted: {category: [Low, High]}
                action: quarantine
              - between: {score: [0, null]}
              - matches: {mail: "@"}
              - row_count: {min: 1, max: 100}
              - sql: "not $strict or total >= 0"
                action: warn
          public.other:
        """;

    [Fact]
    public void Every_key_of_a_table_stream_is_read()
    {
        var job = JobText.Right(Everything);

        Assert.Equal("events-to-lake", job.Name);
        Assert.Equal(new Endpoint("${PG_URL}", new Mark("source", "job.yaml", 2)), job.Source);
        Assert.Equal(EngineChoice.Local, job.Engine);
        Assert.Equal("runs-here", job.State);
        Assert.Equal(new JobLimits { MemoryBytes = 512L << 20, Workers = 3, SourceConnections = 5, TargetConnections = 6, DiskBytes = 20L << 30 }, job.Limits);
        Assert.Equal(["public.events", "public.other"], job.Streams.Select(stream => stream.Name));
        var events = job.Streams[0];
        Assert.Equal("events", events.TargetName);
        Assert.Equal(WriteMode.Append, events.Mode);
        Assert.Equal(Consistency.Unit, events.Consistency);
        Assert.Equal(Proof.Readback, events.Proof);
        Assert.Equal(Proof.Hash, job.Streams[1].Proof);
        Assert.Equal((SchemaRule.Freeze, SchemaRule.Evolve), (events.Schema, job.Streams[1].Schema));
        Assert.Equal("created_at < '2026-01-01'", events.Where);
        Assert.Equal("decimal(18,2)", events.Types["amount"]);
        Assert.Equal("text", events.Types["*"]);
        Assert.Equal("new_name", events.Rename["old name"]);
        Assert.Equal(["*", "-internal_note"], events.Columns);
        Assert.Equal(PartitionBy.Id, events.Partition.By);
        Assert.Equal(["id", "part"], events.Partition.Key);
        Assert.Equal(50000, events.Partition.Rows);
        Assert.Equal(("zstd", 3, 4096, 100000, 64L << 20), (events.Write.Codec, events.Write.Level, events.Write.RowGroupRows, events.Write.MaxRowsPerFile, events.Write.MaxFileBytes));
        Assert.Equal(["year", "month"], events.Write.PartitionBy);
        Assert.False(events.IsWholeSource);
        Assert.Equal("other", job.Streams[1].TargetName);
    }

    [Fact]
    public void Every_key_of_read_is_read()
    {
        var read = JobText.Right("""
            source: in/*.csv
            target: out
            streams:
              sales:
                read:
                  format: csv
                  compression: gzip
                  delimiter: "\t"
                  quote: ''
                  escape: '\'
                  header: false
                  null: [NA, '', "null"]
                  comment: '#'
                  encoding: latin-1
                  decimal: ','
                  date_format: '%d.%m.%Y'
                  timestamp_format: '%d.%m.%Y %H:%M'
                  ragged: pad
                  missing_columns: null
                  file_name_column: file
                  hive: true
            """).Streams[0].Read;

        Assert.Equal(("csv", "gzip", "\t", "", "\\", false), (read.Format, read.Compression, read.Delimiter, read.Quote, read.Escape, read.Header));
        Assert.Equal(["NA", "", "null"], read.NullWords);
        Assert.Equal(("#", "latin-1", ",", "%d.%m.%Y", "%d.%m.%Y %H:%M"), (read.Comment, read.Encoding, read.Decimal, read.DateFormat, read.TimestampFormat));
        Assert.Equal(("pad", "null", "file", true), (read.Ragged, read.MissingColumns, read.FileNameColumn, read.HivePartitions));
    }

    [Fact]
    public void Streams_may_be_a_list_a_name_or_a_map_with_nothing_in_it()
    {
        string[] forms = ["streams: [public.a, public.b]", "streams:\n- public.a\n- public.b\n", "streams:\n  public.a:\n  public.b: null\n", "streams: {public.a: , public.b: {}}"];
        foreach (var form in forms)
        {
            var job = JobText.Right($"source: postgres://u@h/d\ntarget: out\n{form}");
            Assert.Equal(["public.a", "public.b"], job.Streams.Select(stream => stream.Name));
        }

        Assert.Equal("public.*", JobText.Right("{source: 'postgres://u@h/d', target: out, streams: public.*}").Streams.Single().Name);
    }

    [Theory]
    [InlineData("in/events-*.csv.gz", "events")]
    [InlineData("events.parquet", "events")]
    [InlineData("./lake/events/", "events")]
    [InlineData("lake/year=2024/*.parquet", "lake")]
    [InlineData("-", "stdin")]
    [InlineData("*.csv", "data")]
    public void A_file_source_needs_no_streams(string source, string name)
    {
        var stream = JobText.Right($"source: '{source}'\ntarget: out").Streams.Single();

        Assert.Equal(name, stream.Name);
        Assert.Equal(name, stream.TargetName);
        Assert.True(stream.IsWholeSource);
    }

    [Fact]
    public void Streams_of_a_folder_are_globs_below_it()
    {
        var job = JobText.Right("source: ./data\ntarget: out\nstreams: {'orders/*.csv': {}, customers.parquet: {to: people}}");

        Assert.All(job.Streams, stream => Assert.False(stream.IsWholeSource));
        Assert.Equal(["orders", "people"], job.Streams.Select(stream => stream.TargetName));
    }

    [Theory]
    [InlineData("out.csv", FileFormat.Csv, null)]
    [InlineData("out.csv.gz", FileFormat.Csv, "gzip")]
    [InlineData("out.ndjson.zst", FileFormat.Ndjson, "zstd")]
    [InlineData("out.parquet", FileFormat.Parquet, null)]
    [InlineData("out", FileFormat.Parquet, null)]
    [InlineData("-", FileFormat.Ndjson, null)]
    public void The_target_s_ending_says_format_and_codec(string target, FileFormat format, string? codec)
    {
        var job = JobText.Right($"source: in.csv\ntarget: '{target}'");

        Assert.Equal(format, job.Format);
        Assert.Equal(codec, job.Streams[0].Write.Codec);
    }

    [Fact]
    public void Two_dollars_stand_for_a_plain_one_in_sql() =>
        Assert.Equal("a = '${X}'", JobText.Right("source: postgres://u@h/d\ntarget: out\nstreams: {a: {where: \"a = '$${X}'\"}}").Streams[0].Where);

    [Theory]
    [InlineData("My job (1).yaml", "My-job--1-")]
    [InlineData("..yaml", "run")]
    public void A_job_without_a_name_is_named_after_its_file(string file, string name) =>
        Assert.Equal(name, JobReader.ReadText(file, "source: a.csv\ntarget: b", new JobOverrides(), "/").Job!.Name);

    [Fact]
    public void Marks_lead_back_to_the_line_of_each_key()
    {
        var events = JobText.Right(Everything).Streams[0];

        Assert.Equal("job.yaml:12: streams.public.events.mode", events.MarkOf("mode").ToString());
        Assert.Equal("job.yaml:16: streams.public.events.types.amount", events.MarkOf("types.amount").ToString());
        Assert.Equal("job.yaml:10: streams.public.events", events.MarkOf("query").ToString());
    }

    [Fact]
    public async Task A_file_that_can_t_be_read_says_so()
    {
        var folder = Directory.CreateTempSubdirectory("millrace-jobs-");
        try
        {
            await File.WriteAllBytesAsync(Path.Combine(folder.FullName, "latin.yaml"), [0x61, 0x3A, 0xE9, 0xFF], TestContext.Current.CancellationToken);
            await File.WriteAllBytesAsync(Path.Combine(folder.FullName, "big.yaml"), new byte[Limits.JobFileBytesMax + 1], TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, "bom.yaml"), "\uFEFFsource: a.csv\ntarget: out\n", TestContext.Current.CancellationToken);

            Assert.Contains("no such file", await Message("none.yaml"), StringComparison.Ordinal);
            Assert.Contains("a folder", await Message("."), StringComparison.Ordinal);
            Assert.Contains("no UTF-8", await Message("latin.yaml"), StringComparison.Ordinal);
            Assert.Contains("more than 4 MB", await Message("big.yaml"), StringComparison.Ordinal);
            Assert.NotNull((await Read("bom.yaml")).Job);
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        Task<JobReading> Read(string file) => JobReader.ReadFileAsync(file, new JobOverrides(), folder.FullName, TestContext.Current.CancellationToken);

        async Task<string> Message(string file) => (await Read(file)).Faults.Single().Describe();
    }
}
