using Millrace.Connectors.Files.Target;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Testing;

namespace Millrace.Connectors.Tests.Files.Target;

public sealed class OneFileTargetTests : IDisposable
{
    private readonly TempFolder _folder = new();

    [Fact]
    public async Task Every_step_can_be_the_last()
    {
        for (var last = 0; last < 5; last++)
        {
            var path = Path.Combine(_folder.Path, $"{last}", "out's.csv");
            using var load = new TargetLoad(path, FileFormat.Csv);
            Assert.True(load.Target.OneFile);
            await load.LoadAsync("SELECT 1 AS id, 'old' AS age");
            load.Run = "r2";
            await load.StageAsync("SELECT 1 AS id, 'new' AS age");
            await load.WriteUnitAsync("SELECT range AS id, 'new' AS age FROM range(3)");
            var left = last;
            load.Target.Step = step =>
            {
                if (left-- == 0) throw new InvalidOperationException(step);
            };
            if (last < 4) await Assert.ThrowsAsync<InvalidOperationException>(async () => await load.CommitAsync());
            Assert.Contains(File.ReadAllText(path), (string[])["id,age\n1,old\n", "id,age\n0,new\n1,new\n2,new\n"]);
            load.Target.Step = static _ => { };
            var receipt = await load.CommitAsync();
            Assert.Equal(last is 1 or 2 or 3, receipt.AlreadyDone);
            Assert.Equal("id,age\n0,new\n1,new\n2,new\n", File.ReadAllText(path));
            await load.Target.DiscardAsync("r2", default);
            Assert.Equal([path], Directory.GetFileSystemEntries(Path.GetDirectoryName(path)!));
        }
    }

    [Fact]
    public async Task Standard_output_gets_the_bytes_and_nothing_else()
    {
        using var shown = new MemoryStream();
        using var load = new TargetLoad("-", FileFormat.Ndjson, _folder.Path, () => new KeptOpen(shown));
        await load.LoadAsync("SELECT range AS id, NULL AS nothing FROM range(2)");
        Assert.Equal("{\"id\":0,\"nothing\":null}\n{\"id\":1,\"nothing\":null}\n", System.Text.Encoding.UTF8.GetString(shown.ToArray()));
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
        Assert.True((await load.CommitAsync()).AlreadyDone);
        Assert.Equal(48, shown.Length);
    }

    [Fact]
    public async Task What_one_file_can_not_do_is_refused()
    {
        using var load = new TargetLoad(_folder["out.parquet"]) { Mode = WriteMode.Append };
        Assert.Contains("append", (await Assert.ThrowsAsync<Fault>(() => load.StageAsync("SELECT 1 AS id"))).Message, StringComparison.Ordinal);
        load.Mode = WriteMode.Overwrite;
        load.Write = new WriteOptions { MaxRowsPerFile = 5 };
        await Assert.ThrowsAsync<Fault>(() => load.StageAsync("SELECT 1 AS id"));
        load.Write = new WriteOptions();
        await load.StageAsync("SELECT 1 AS id");
        load.To = "other";
        Assert.Contains("both go to", (await Assert.ThrowsAsync<Fault>(() => load.StageAsync("SELECT 1 AS id"))).Message, StringComparison.Ordinal);
        load.To = "events";
        await load.WriteUnitAsync("SELECT 1 AS id");
        Directory.CreateDirectory(_folder["out.parquet"]);
        Assert.Contains("is a folder", (await Assert.ThrowsAsync<Fault>(async () => await load.CommitAsync())).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("out.csv.gz", "read_csv('{0}')")]
    [InlineData("out.csv.zst", "read_csv('{0}')")]
    [InlineData("out.tsv", "read_csv('{0}', delim = '\t')")]
    public async Task The_ending_decides_the_codec_and_the_delimiter(string name, string reader)
    {
        using var load = new TargetLoad(_folder[name], FileFormat.Csv);
        await load.LoadAsync("SELECT range AS id, 'a,b' AS name FROM range(5)");
        Assert.Equal("5", load.Ask($"SELECT count(*) FROM {string.Format(reader, _folder[name])} WHERE name = 'a,b'"));
    }

    [Theory]
    [InlineData("file:///tmp/a%20b/lake", "/tmp/a b/lake", (int)FileTargetKind.Folder)]
    [InlineData("lake.parquet/", "lake.parquet", (int)FileTargetKind.Folder)]
    [InlineData("x/out.NDJSON.gz", "out.NDJSON.gz", (int)FileTargetKind.File)]
    [InlineData("/dev/stdout", "", (int)FileTargetKind.StandardOutput)]
    public void Addresses_are_read(string address, string ending, int kind)
    {
        using var load = new TargetLoad("-");
        var parsed = FileTargetAddress.Parse(load.Context with { Address = address });
        Assert.Equal((FileTargetKind)kind, parsed.Kind);
        Assert.EndsWith(ending, parsed.Path, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("file://server/share")]
    [InlineData("a\0b")]
    public void Malformed_addresses_are_refused(string address) => Assert.Throws<Fault>(() => new TargetLoad(address));

    public void Dispose() => _folder.Dispose();

    /// <summary>Standard output outlives whoever writes to it.</summary>
    private sealed class KeptOpen(Stream inner) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);
    }
}
