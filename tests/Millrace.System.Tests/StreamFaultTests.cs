using Millrace.SystemTests.Moves;
using Millrace.Testing;

namespace Millrace.SystemTests;

/// <summary>Several streams of one run that fail: what did not fail is published, and the exit code does not depend on who was first.</summary>
public sealed class StreamFaultTests
{
    [Fact]
    public async Task The_exit_code_is_1_when_streams_fail_differently_and_theirs_when_they_agree()
    {
        using var folder = new TempFolder();
        folder.Write("in/bad.csv", "id,name\n1,a\n");
        folder.Write("in/good.csv", "id,name\n1,a\n");
        var job = folder.Write(
            "job.yaml",
            $$"""
            name: mixed
            source: {{folder["in"]}}
            target: {{folder["lake"]}}
            state: {{folder["state"]}}
            streams:
              absent.csv: {}
              bad.csv: { types: { name: integer } }
              good.csv: {}
            """);
        var exit = (await MillraceProcess.RunAsync(["run", job, "--json"])).Expect(1);
        Assert.Equal("failed", exit.LastJson().GetProperty("status").GetString());
        Assert.Equal([3, 4], Codes(exit).Order());
        Assert.True(Directory.Exists(folder["lake/good"]), "what did not fail is published");

        // Both left over, one is repaired: now there is one code.
        folder.Write("in/bad.csv", "id,name\n1,20\n");
        exit = (await MillraceProcess.RunAsync(["resume", "--json", "--state", folder["state"]])).Expect(3);
        Assert.Equal([3], Codes(exit));
        Assert.Equal(["bad", "good"], Directory.EnumerateDirectories(folder["lake"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));

        folder.Write("in/absent.csv", "id\n7\n");
        (await MillraceProcess.RunAsync(["resume", "--state", folder["state"]])).Expect(0);
        Assert.Equal(["in", "job.yaml", "lake", "state"], Directory.EnumerateFileSystemEntries(folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    private static IEnumerable<int> Codes(MillraceExit exit) =>
        Workbench.Events(exit).Where(static line => line.GetProperty("event").GetString() == "failed").Select(static line => line.GetProperty("exit_code").GetInt32());
}
