using System.Diagnostics;

namespace Millrace.SystemTests.Moves;

/// <summary>Looks for the servers' password (<c>PgServer.Password</c>), as it is and as it stands in a URL.</summary>
internal static class Secret
{
    // Its beginning is enough, and is the same however the rest is escaped.
    private static readonly string[] s_forms = ["p@ss", "p%40ss", "p%40SS", "ss:w/rd", "ss%3Aw"];

    /// <summary>Fails when a text has it.</summary>
    public static void AssertHidden(string text, string where) =>
        Assert.All(s_forms, form => Assert.False(text.Contains(form, StringComparison.Ordinal), $"the password is in {where}"));

    /// <summary>Fails when the program has said it.</summary>
    public static void AssertHidden(MillraceExit exit)
    {
        AssertHidden(exit.Stdout, "standard output");
        AssertHidden(exit.Stderr, "standard error");
    }

    /// <summary>Fails when a file below a folder has it, or its name. Gives how many files there are.</summary>
    public static int AssertHiddenBelow(string folder)
    {
        var paths = Directory.GetFiles(folder, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None });
        Assert.All(paths, static path => AssertHidden(path, "a file's name"));

        // Not .NET's file stream: it respects the locks of a run that is under way.
        var start = new ProcessStartInfo("grep", ["-r", "-s", "-a", "-l", "-F"]) { RedirectStandardOutput = true };
        foreach (var form in s_forms)
        {
            start.ArgumentList.Add("-e");
            start.ArgumentList.Add(form);
        }

        start.ArgumentList.Add(folder);
        using var grep = Process.Start(start)!;
        Assert.Equal("", grep.StandardOutput.ReadToEnd());
        return paths.Length;
    }
}
