using System.Runtime.InteropServices;
using Millrace.Connectors.Files.Source;
using Millrace.Faults;

namespace Millrace.Connectors.Tests.Files.Source;

public sealed class FileFinderTests : IDisposable
{
    private readonly FilesRun _run = new();

    [Theory]
    [InlineData("*.csv", "a.csv b.csv")]
    [InlineData("[ab].csv", "a.csv b.csv")]
    [InlineData("[!a].csv", "b.csv")]
    [InlineData("?.csv", "a.csv b.csv")]
    [InlineData("{a,sub/d}.csv", "a.csv sub/d.csv")]
    [InlineData("{sub,x{1,2}}/*.csv", "sub/d.csv x1/e.csv")]
    [InlineData("*/*.csv", "_k=1/h.csv sub/d.csv x1/e.csv")]
    [InlineData("**/*.csv", "_k=1/h.csv a.csv b.csv sub/d.csv sub/deep/f.csv x1/e.csv")]
    [InlineData("**.csv", "_k=1/h.csv a.csv b.csv sub/d.csv sub/deep/f.csv x1/e.csv")]
    [InlineData("**", "_k=1/h.csv a.csv b.csv n.json sub/d.csv sub/deep/f.csv x1/e.csv")]
    [InlineData("sub", "sub/d.csv sub/deep/f.csv")]
    [InlineData("sub/", "sub/d.csv sub/deep/f.csv")]
    [InlineData("sub/*", "sub/d.csv sub/readme.md")]
    [InlineData("sub/**/f.csv", "sub/deep/f.csv")]
    [InlineData("**/deep/**", "sub/deep/f.csv")]
    [InlineData("_*.csv", "_x.csv")]
    [InlineData(".*.csv", ".h.csv")]
    [InlineData("_x.csv", "_x.csv")]
    [InlineData("_tmp/*", "_tmp/g.csv")]
    [InlineData("_tmp", "_tmp/g.csv")]
    [InlineData("**/_tmp/*", "_tmp/g.csv")]
    [InlineData("_k=1", "_k=1/h.csv")]
    [InlineData("*.parquet", "")]
    [InlineData("sub/*.parquet", "")]
    public void A_pattern_picks_names_in_order_and_passes_hidden_ones_over_unless_it_names_them(string pattern, string found)
    {
        foreach (var name in (string[])["b.csv", "a.csv", "n.json", "_SUCCESS", "_millrace.json", "_x.csv", ".h.csv", ".csv", "_tmp/g.csv", ".git/c.csv", "_k=1/h.csv", "sub/d.csv", "sub/readme.md", "sub/deep/f.csv", "sub/.tmp/z.csv", "x1/e.csv"])
            _run.File(name, "v\n1\n");
        var names = found.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(names, Names(pattern));
        AssertGoesOn(pattern, names);
    }

    [Fact]
    public void Names_with_the_characters_of_patterns_are_taken_as_they_are_when_they_are_there()
    {
        _run.File("a[1].csv", "v\n").File("d{x}/b.csv", "v\n").File("line\nend.csv", "v\n");
        Assert.Equal(["a[1].csv"], Names("a[1].csv"));
        Assert.Equal(["d{x}/b.csv"], Names("d{x}"));
        Assert.Equal([], Names("line"));
        Assert.Equal(["line\nend.csv"], Names("line*"));
    }

    [Fact]
    public void Links_in_a_circle_end_and_every_file_is_found_once_on_each_way()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "links need a right there");
        _run.File("a/x.csv", "v\n").File("b/y.csv", "v\n");
        Directory.CreateSymbolicLink(Path.Combine(_run.Folder, "a", "self"), ".");
        Directory.CreateSymbolicLink(Path.Combine(_run.Folder, "a", "up"), "..");
        Directory.CreateSymbolicLink(Path.Combine(_run.Folder, "a", "other"), "../b");
        Directory.CreateSymbolicLink(Path.Combine(_run.Folder, "b", "back"), Path.Combine(_run.Folder, "a", "other", "..", "a"));
        Directory.CreateSymbolicLink(Path.Combine(_run.Folder, "b", "chain"), "back");
        string[] names = ["a/other/y.csv", "a/x.csv", "b/back/x.csv", "b/chain/x.csv", "b/y.csv"];
        Assert.Equal(names, Names("**/*.csv"));
        AssertGoesOn("**/*.csv", names);
    }

    [Fact]
    public void A_search_goes_on_behind_a_file_that_is_gone_by_now()
    {
        _run.File("a.csv", "v\n").File("b/c.csv", "v\n").File("b/d.csv", "v\n").File("b.csv", "v\n");
        var finder = new FileFinder(_run.Folder, "**");
        var last = finder.Find().ElementAt(1);
        Assert.Equal("b/c.csv", last.Name);
        File.Delete(last.Path);
        Assert.Equal(["b/d.csv", "b.csv"], finder.Find(after: last).Select(file => file.Name));
    }

    [Fact]
    public void A_link_to_nothing_is_a_fault_and_is_not_left_out()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "links need a right there");
        _run.File("a.csv", "v\n");
        File.CreateSymbolicLink(Path.Combine(_run.Folder, "b.csv"), "nowhere.csv");
        var fault = Assert.Throws<Fault>(() => Names("*.csv"));
        Assert.Equal((FaultKind.Refused, FaultSide.Source, 3), (fault.Kind, fault.Side, fault.ExitCode));
        Assert.Contains("b.csv", fault.Where);
        Assert.Contains("leads to nowhere.csv", fault.Message);
        Assert.NotNull(fault.Advice);
    }

    [Fact]
    public async Task A_linked_file_has_the_size_and_time_of_the_file_itself()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "links need a right there");
        _run.File("kept/a.csv", "v\n1\n");
        File.CreateSymbolicLink(Path.Combine(_run.Folder, "kept", "twice.csv"), "a.csv");
        File.CreateSymbolicLink(Path.Combine(_run.Folder, "b.csv"), "kept/twice.csv");
        var plan = await _run.PlanAsync(FilesRun.Stream("*.csv"));
        Assert.Equal(4, plan.EstimatedBytes);
        Assert.Equal(["1"], await FilesRun.RowsAsync(plan));
        _run.File("kept/a.csv", "v\n2\n3\n");
        Assert.Contains("changed while the run was reading it", (await Assert.ThrowsAsync<Fault>(() => FilesRun.RowsAsync(plan))).Message);
    }

    [Fact]
    public void A_folder_that_can_not_be_listed_is_a_fault_with_its_path()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "who the thread is for the file system can be changed there");
        _run.File("in/a.csv", "v\n").File("in/locked/b.csv", "v\n").File("in/closed/c.csv", "v\n");
        File.SetUnixFileMode(_run.Folder, (UnixFileMode)0b111_101_101);
        File.SetUnixFileMode(Path.Combine(_run.Folder, "in/locked"), UnixFileMode.None);
        File.SetUnixFileMode(Path.Combine(_run.Folder, "in/closed"), (UnixFileMode)0b100_100_100);
        try
        {
            var fault = AsNobody(() => Names("in/l*/*.csv"));
            Assert.Equal((FaultKind.Refused, 3), (fault.Kind, fault.ExitCode));
            Assert.Equal(Path.Combine(_run.Folder, "in/locked"), fault.Where);
            Assert.Contains("can't be listed: no right to", fault.Message);
            Assert.NotNull(fault.Advice);

            Assert.Equal(Path.Combine(_run.Folder, "in/closed/c.csv"), AsNobody(() => Names("in")).Where);
            Assert.Equal(Path.Combine(_run.Folder, "in/locked/b.csv"), AsNobody(() => Names("in/locked/b.csv")).Where);
        }
        finally
        {
            File.SetUnixFileMode(Path.Combine(_run.Folder, "in/locked"), (UnixFileMode)0b111_000_000);
            File.SetUnixFileMode(Path.Combine(_run.Folder, "in/closed"), (UnixFileMode)0b111_000_000);
        }
    }

    [Theory]
    [InlineData("in/*.csv", "no file matches this pattern", "in/*.csv")]
    [InlineData("nowhere/*.csv", "there is no such folder", "nowhere")]
    [InlineData("in/none.csv", "there is no such file or folder", "in/none.csv")]
    [InlineData("in", "no data file is there", "in")]
    public async Task Nothing_found_is_a_fault_that_says_what_was_looked_for(string stream, string message, string where)
    {
        _run.File("in/_x.csv", "v\n1\n").File("in/readme.md", "hello");
        var fault = await _run.FaultAsync(FilesRun.Stream(stream));
        Assert.Equal((FaultKind.Refused, FaultSide.Source, 3), (fault.Kind, fault.Side, fault.ExitCode));
        Assert.Equal(Path.Combine(_run.Folder, where), fault.Where);
        Assert.Contains(message, fault.Message);
        Assert.NotNull(fault.Advice);
    }

    [Fact]
    public void A_pattern_that_makes_no_sense_is_the_job_s_mistake()
    {
        var fault = Assert.Throws<Fault>(() => Names("[z-a].csv"));
        Assert.Equal((FaultKind.JobFile, 2), (fault.Kind, fault.ExitCode));
        Assert.Contains("[z-a].csv", fault.Message);
    }

    public void Dispose() => _run.Dispose();

    private List<string> Names(string pattern) => [.. new FileFinder(_run.Folder, pattern).Find().Select(file => file.Name)];

    private void AssertGoesOn(string pattern, string[] names)
    {
        var finder = new FileFinder(_run.Folder, pattern);
        var files = finder.Find().ToList();
        for (var i = 0; i < files.Count; i++) Assert.Equal(names[(i + 1)..], finder.Find(after: files[i]).Select(file => file.Name));
    }

    // Root may list everything: its thread becomes another user for the file system alone, and ends then.
    private static Fault AsNobody(Action look)
    {
        Exception? thrown = null;
        var thread = new Thread(() =>
        {
            _ = SetFileSystemUser(65534);
            thrown = Record.Exception(look);
        });
        thread.Start();
        thread.Join();
        return Assert.IsType<Fault>(thrown);
    }

    [DllImport("libc", EntryPoint = "setfsuid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetFileSystemUser(uint user);
}
