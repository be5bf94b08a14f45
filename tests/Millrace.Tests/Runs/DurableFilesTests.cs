using System.Text;
using Millrace.Faults;
using Millrace.Runs;

namespace Millrace.Tests.Runs;

public sealed class DurableFilesTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("millrace-durable-").FullName;

    [Fact]
    public void Of_many_writers_exactly_one_creates_and_its_content_stays()
    {
        for (var round = 0; round < 20; round++)
        {
            var path = Path.Combine(folder, $"result {round}'.json");
            var wins = new int[8];
            Parallel.For(0, wins.Length, writer =>
                wins[writer] = DurableFiles.CreateIfAbsent(path, Encoding.UTF8.GetBytes(new string((char)('a' + writer), 5000))) ? 1 : 0);
            var winner = Assert.Single(Enumerable.Range(0, wins.Length), writer => wins[writer] == 1);
            Assert.Equal(new string((char)('a' + winner), 5000), File.ReadAllText(path));
        }

        Assert.Equal(20, Directory.GetFiles(folder).Length);
    }

    [Fact]
    public async Task Replacing_never_shows_a_part()
    {
        var path = Path.Combine(folder, "state");
        DurableFiles.Replace(path, Encoding.UTF8.GetBytes(new string('0', 9000)));
        using var stop = new CancellationTokenSource();
        var reader = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                var text = File.ReadAllText(path);
                Assert.Equal(9000, text.Length);
                Assert.DoesNotContain(text, letter => letter != text[0]);
            }
        });
        for (var i = 0; i < 50; i++) DurableFiles.Replace(path, Encoding.UTF8.GetBytes(new string((char)('0' + (i % 10)), 9000)));
        await stop.CancelAsync();
        await reader;
        Assert.Single(Directory.GetFiles(folder));
    }

    [Fact]
    public void Exchange_swaps_two_folders_and_says_when_one_is_missing()
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("only Linux promises it");
        Directory.CreateDirectory(Path.Combine(folder, "a"));
        Directory.CreateDirectory(Path.Combine(folder, "b"));
        File.WriteAllText(Path.Combine(folder, "a", "x"), "1");
        Assert.True(DurableFiles.TryExchange(Path.Combine(folder, "a"), Path.Combine(folder, "b")));
        Assert.True(File.Exists(Path.Combine(folder, "b", "x")));
        Assert.Throws<IOException>(() => DurableFiles.TryExchange(Path.Combine(folder, "a"), Path.Combine(folder, "missing")));
    }

    [Fact]
    public void Hard_links_are_the_same_file()
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("only Linux tells a file's identity");
        var one = Path.Combine(folder, "one");
        File.WriteAllText(one, "1");
        Assert.True(DurableFiles.TryHardLink(one, one + "2"));
        Assert.Equal(DurableFiles.Identify(one), DurableFiles.Identify(one + "2"));
        Assert.Null(DurableFiles.Identify(one + "3"));
        Assert.False(DurableFiles.Identify(one)!.Value.MountRoot);
        Assert.True(DurableFiles.Identify("/proc")!.Value.MountRoot);
        DurableFiles.SyncFile(one);
    }

    [Fact]
    public void Created_folders_are_there_with_all_above_them()
    {
        var deep = Path.Combine(folder, "x", "y", "z");
        DurableFiles.CreateFolder(deep);
        DurableFiles.CreateFolder(deep + "/");
        Assert.True(Directory.Exists(deep));
        Assert.True(DurableFiles.FreeBytes(Path.Combine(deep, "not", "yet")) > 0);
        Assert.Throws<IOException>(() => DurableFiles.SyncFolder(Path.Combine(folder, "missing")));
    }

    [Fact]
    public async Task A_lock_has_one_holder_names_it_and_leaves_nothing_behind()
    {
        var path = Path.Combine(folder, "lock");
        var inside = 0;
        var turns = 0;
        await Task.WhenAll(Enumerable.Range(0, 6).Select(worker => Task.Run(async () =>
        {
            for (var turn = 0; turn < 15; turn++)
            {
                using var held = await FileLock.AcquireAsync(path, $"worker {worker}", TimeSpan.FromSeconds(30), TimeProvider.System, default);
                Assert.NotNull(held);
                Assert.Equal(1, Interlocked.Increment(ref inside));
                Assert.Equal($"worker {worker}", FileLock.HolderOf(path));
                turns++;
                Interlocked.Decrement(ref inside);
                if (turn % 2 == 0) held.RemoveFiles();
            }
        })));
        Assert.Equal(90, turns);

        using (var first = FileLock.TryAcquire(path, "first"))
        {
            Assert.NotNull(first);
            Assert.Null(FileLock.TryAcquire(path, "second"));
            Assert.Equal("first", FileLock.HolderOf(path));
            first.RemoveFiles();
        }

        if (OperatingSystem.IsLinux()) Assert.Empty(Directory.GetFiles(folder));
    }

    [Fact]
    public void A_full_disk_and_a_missing_right_are_faults_that_say_so()
    {
        var full = FileFaults.From(new IOException("No space left on device", 28), folder, FaultSide.Target);
        if (!OperatingSystem.IsWindows()) Assert.Equal(FaultKind.Limit, full.Kind);
        Assert.Contains(folder, full.Message, StringComparison.Ordinal);
        Assert.Equal(FaultKind.Refused, FileFaults.From(new UnauthorizedAccessException(), folder, FaultSide.Run).Kind);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
