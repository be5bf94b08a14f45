using Millrace.Connectors.Files.Source;
using Millrace.Faults;

namespace Millrace.Connectors.Tests.Files.Source;

public sealed class TextSampleTests : IDisposable
{
    private readonly FilesRun _run = new();
    private readonly Probe _probe = new();

    [Fact]
    public void A_plain_text_is_its_own_sample()
    {
        using var sample = Of("a.csv", "a\n1\n"u8.ToArray(), Packing.None);
        Assert.Equal((Path.Combine(_run.Folder, "a.csv"), true), (sample.Path, sample.IsWhole));
    }

    [Fact]
    public void The_sample_of_a_packed_text_has_no_name_that_a_killed_process_could_leave()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "has a name elsewhere");
        var sample = Of("a.csv.gz", CsvSourceTests.Gzip("a\n1\n2\n"), Packing.Gzip);
        var temporary = new FileInfo(sample.Path).LinkTarget!;
        Assert.EndsWith(" (deleted)", temporary, StringComparison.Ordinal);
        Assert.False(File.Exists(temporary.Split(' ')[0]));
        // It is read more than once, by this process and by DuckDB, each time from its beginning.
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal("a\n1\n2\n", File.ReadAllText(sample.Path));
            Assert.Equal(3, Number($"SELECT sum(a)::BIGINT FROM read_csv({Sql.Path(sample.Path)})"));
        }

        Assert.True(sample.IsWhole);
        sample.Dispose();
        Assert.NotEqual(temporary, new FileInfo(sample.Path).LinkTarget);
    }

    [Fact]
    public void The_sample_of_a_text_without_a_character_is_known_to_be_empty()
    {
        // Nothing but its byte order mark.
        using var sample = Of("a.csv", [0xFF, 0xFE], Packing.None, "utf-16");
        Assert.NotEqual(Path.Combine(_run.Folder, "a.csv"), sample.Path);
        Assert.Equal(0, new FileInfo(sample.Path).Length);
        Assert.True(sample.IsWhole);
    }

    [Fact]
    public void A_long_text_is_cut_behind_a_line()
    {
        var line = new string('x', 999) + "\n";
        var text = string.Concat(Enumerable.Repeat(line, (int)(Limits.SampleBytesMax / 1000) + 1000));
        using var sample = Of("a.csv.gz", CsvSourceTests.Gzip(text), Packing.Gzip);
        var bytes = File.ReadAllBytes(sample.Path).Length;
        Assert.Equal(0, bytes % 1000);
        Assert.InRange(bytes, Limits.SampleBytesMax - 1000, Limits.SampleBytesMax + 200_000);
        Assert.False(sample.IsWhole);
    }

    [Fact]
    public void A_text_that_is_torn_is_a_fault_of_its_file()
    {
        var torn = CsvSourceTests.Gzip(new string('x', 1000));
        var fault = Assert.Throws<Fault>(() => Of("a.csv.gz", torn[..^9], Packing.Gzip));
        Assert.Equal(Path.Combine(_run.Folder, "a.csv.gz"), fault.Where);
    }

    public void Dispose()
    {
        _probe.Dispose();
        _run.Dispose();
    }

    private TextSample Of(string name, byte[] bytes, Packing packing, string encoding = "utf-8")
    {
        _run.File(name, bytes);
        return TextSample.Of(new SourceFile(Path.Combine(_run.Folder, name), name, bytes.Length, 0), packing, encoding, null, SourceFormat.Csv);
    }

    private long Number(string sql)
    {
        using var result = _probe.Query(sql);
        Assert.True(result.Read());
        return result.GetInt64(0);
    }
}
