namespace Millrace.Testing;

/// <summary>
/// Where the repository and the testbed are: the real servers and independent readers that tests compare with. A user's machine has
/// no testbed, so a test that needs a part of it is skipped there and says so; with <c>CI=true</c> a missing part is a failure.
/// </summary>
internal static class Testbed
{
    /// <summary>The repository's root: the closest folder above the test program that holds <c>Millrace.slnx</c>.</summary>
    public static string Repository { get; } = FindRepository();

    /// <summary>True where a missing part must fail instead of skip.</summary>
    public static bool IsRequired { get; } = string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase);

    /// <summary>The path of a part of the testbed (<c>bin/versitygw</c>, <c>python</c>); skips or fails the test when it is not there.</summary>
    public static string Part(string name) =>
        Existing(Environment.GetEnvironmentVariable("MILLRACE_TESTBED") ?? DefaultFolder(), name, "the testbed");

    /// <summary>The path of a golden file or folder (<c>parquet/alltypes.parquet</c>); skips or fails the test when it is not there.</summary>
    public static string Golden(string name) =>
        Existing(Path.Combine(Repository, "..", "shared", "golden"), name, "the golden files");

    /// <summary>Skips the test with the reason, or fails it where everything is required.</summary>
    public static void Missing(string reason)
    {
        if (IsRequired)
        {
            Assert.Fail($"{reason}; with CI=true that is a failure");
        }

        Assert.Skip(reason);
    }

    private static string Existing(string folder, string name, string what)
    {
        var path = Path.GetFullPath(Path.Combine(folder, name));
        if (!Path.Exists(path))
        {
            Missing($"needs {name} of {what}, and {path} is not there");
        }

        return path;
    }

    private static string DefaultFolder()
    {
        var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        var parent = string.IsNullOrEmpty(cache) ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache") : cache;
        return Path.Combine(parent, "millrace-testbed");
    }

    private static string FindRepository()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "Millrace.slnx")))
            {
                return folder;
            }
        }

        throw new InvalidOperationException($"no Millrace.slnx above {AppContext.BaseDirectory}: the tests run inside the repository");
    }
}
