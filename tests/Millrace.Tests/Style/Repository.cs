using Millrace.Testing;

namespace Millrace.Tests.Style;

/// <summary>The files of the repository that rules apply to: what git would track, without asking git.</summary>
internal static class Repository
{
    private static readonly HashSet<string> _skippedFolders = ["bin", "obj", "artifacts", "node_modules", "TestResults", "lake"];

    /// <summary>Every text file with its path from the root, with forward slashes, in order.</summary>
    public static IReadOnlyList<TextFile> Files { get; } = [.. Walk(Testbed.Repository).OrderBy(file => file.Path, StringComparer.Ordinal)];

    /// <summary>One file by its path from the root; fails the test when it is not there.</summary>
    public static TextFile File(string path) =>
        Files.SingleOrDefault(file => file.Path == path) ?? throw new InvalidOperationException($"{path} is not in the repository");

    /// <summary>C# below one of the folders.</summary>
    public static IEnumerable<TextFile> Code(params string[] folders) =>
        Files.Where(file => file.Path.EndsWith(".cs", StringComparison.Ordinal)
            && folders.Any(folder => file.Path.StartsWith(folder + "/", StringComparison.Ordinal)));

    /// <summary>Fails the test with every finding, one a line.</summary>
    public static void AssertNone(IEnumerable<string> findings)
    {
        var all = findings.ToList();
        Assert.True(all.Count == 0, string.Join('\n', all));
    }

    private static IEnumerable<TextFile> Walk(string folder)
    {
        foreach (var path in Directory.EnumerateFiles(folder).Where(IsText))
        {
            yield return new TextFile(Path.GetRelativePath(Testbed.Repository, path).Replace('\\', '/'));
        }

        foreach (var child in Directory.EnumerateDirectories(folder))
        {
            var name = Path.GetFileName(child);
            // Folders with a point are tools' own, except the CI's; links could lead out of the repository or around in it.
            var isOurs = !_skippedFolders.Contains(name) && (name[0] != '.' || name == ".ci") && new DirectoryInfo(child).LinkTarget is null;
            foreach (var file in isOurs ? Walk(child) : [])
            {
                yield return file;
            }
        }
    }

    private static bool IsText(string path) => Path.GetExtension(path) is ".cs" or ".csproj" or ".props" or ".targets" or ".slnx" or ".md" or ".yaml"
        or ".yml" or ".json" or ".txt" or ".sql" or ".py" or ".sh" or ".bash" or "";
}

/// <summary>One text file; its text is read when asked for.</summary>
internal sealed record TextFile(string Path)
{
    private string? _text;

    /// <summary>The whole text.</summary>
    public string Text => _text ??= System.IO.File.ReadAllText(System.IO.Path.Combine(Testbed.Repository, Path));

    /// <summary>The text as lines, without their ends.</summary>
    public string[] Lines => Text.Split('\n');

    /// <summary>The number, from 1, of the line that a position in the text is on.</summary>
    public int LineAt(int position) => Text.AsSpan(0, position).Count('\n') + 1;
}
