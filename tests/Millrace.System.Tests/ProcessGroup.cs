namespace Millrace.SystemTests;

/// <summary>The processes of a group, read from <c>/proc</c> (Linux).</summary>
internal static class ProcessGroup
{
    /// <summary>The ids of the living members of a group, without its head.</summary>
    public static IReadOnlyList<int> Members(int head)
    {
        var members = new List<int>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), out var id) && id != head && GroupOf(id) == head)
            {
                members.Add(id);
            }
        }

        return members;
    }

    /// <summary>The ids of living <c>millrace keep</c> processes whose temporary folder is this one, in whatever group they are.</summary>
    public static IReadOnlyList<int> Keepers(string temporary)
    {
        var keepers = new List<int>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), out var id) && GroupOf(id) is not null && Text(id, "cmdline").EndsWith("\0keep\0", StringComparison.Ordinal)
                && Text(id, "environ").Contains($"TMPDIR={temporary}\0", StringComparison.Ordinal))
            {
                keepers.Add(id);
            }
        }

        return keepers;
    }

    private static string Text(int id, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/{file}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    // Null for a process that is gone or only waits to be reaped. See proc(5): state and group are the 3rd and 5th field of stat.
    private static int? GroupOf(int id)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{id}/stat");
            // The 2nd field, the name in parentheses, may hold spaces and parentheses itself.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : int.Parse(fields[2]);
        }
        catch (IOException)
        {
            return null;
        }
    }
}
