using System.IO.Compression;
using System.Text;
using Millrace.SystemTests.Moves;
using Millrace.Testing;

namespace Millrace.SystemTests;

/// <summary>SIGKILL while packed files are looked into: the samples of them go with the process, and the next run succeeds.</summary>
public sealed class SampleKillTests
{
    private const int CommentMegabytes = 6000;

    [Fact]
    public async Task Nothing_stays_of_the_samples_of_a_planning_that_is_killed()
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("looks into /proc");
        using var folder = new TempFolder();
        using var temporary = new TempFolder();
        folder.Write("job.yaml", "source: in\ntarget: lake\nstate: state\nstreams:\n  \"*.csv.gz\": {to: t, read: {comment: \"#\"}}\n");
        Directory.CreateDirectory(folder["in"]);
        File.WriteAllBytes(folder["in/a.csv.gz"], Packed("id,name\n1,a\n"));
        // A sample is taken up to its size, and comments are no part of it: a file of nothing else keeps the planner busy.
        await using (var comments = File.Create(folder["in/b.csv.gz"]))
        {
            comments.Write(Packed("id,name\n"));
            var megabyte = Packed(string.Concat(Enumerable.Repeat("# " + new string('-', 1021) + "\n", 1024)));
            for (var i = 0; i < CommentMegabytes; i++) comments.Write(megabyte);
        }

        var start = new MillraceStart
        {
            Program = MillraceProcess.Launcher,
            Folder = folder.Path,
            Environment = new Dictionary<string, string?> { ["TMPDIR"] = temporary.Path, ["DOTNET_EnableDiagnostics"] = null },
        };
        await using (var run = MillraceProcess.Start(["run", "job.yaml"], start))
        {
            await Eventually.TrueAsync("both samples are being taken", () => Samples(run.Id) == 2);
            run.KillGroup();
            Assert.Equal(128 + 9, (await run.WaitAsync()).ExitCode);
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(temporary.Path));
        File.Delete(folder["in/b.csv.gz"]);
        (await MillraceProcess.RunAsync(["run", "job.yaml"], start)).Expect(0);
        Assert.Empty(Directory.EnumerateFileSystemEntries(temporary.Path));
    }

    private static int Samples(int process)
    {
        try
        {
            return Directory.EnumerateFiles($"/proc/{process}/fd").Count(static open => new FileInfo(open).LinkTarget?.Contains("/millrace-sample-", StringComparison.Ordinal) == true);
        }
        catch (IOException)
        {
            // The process, or one of its files, went while we looked.
            return 0;
        }
    }

    private static byte[] Packed(string text)
    {
        using var memory = new MemoryStream();
        using (var gzip = new GZipStream(memory, CompressionLevel.SmallestSize)) gzip.Write(Encoding.UTF8.GetBytes(text));
        return memory.ToArray();
    }
}
