namespace Millrace.DuckDb.Tests;

[Collection(nameof(Alone))]
public sealed class DuckDbLibraryTests
{
    [Fact]
    public void The_variable_names_the_library()
    {
        using var variable = new Variable(DuckDbLibrary.PathVariable, "some/lib.so");
        Assert.Equal(Path.GetFullPath("some/lib.so"), DuckDbLibrary.ExpectedPath);
    }

    [Fact]
    public void Otherwise_it_lies_in_the_cache_by_version_and_platform()
    {
        using var variable = new Variable(DuckDbLibrary.PathVariable, null);
        using var cache = new Variable("XDG_CACHE_HOME", Path.Combine(Path.GetTempPath(), "cache"));
        var parts = DuckDbLibrary.ExpectedPath.Split(Path.DirectorySeparatorChar);
        Assert.Equal(["millrace", "libduckdb", DuckDbLibrary.PinnedVersion], parts[^5..^2]);
        Assert.Matches("^(linux|darwin|win32)-(x64|arm64)(-musl)?$", parts[^2]);
        Assert.Contains("duckdb.", parts[^1]);
        if (OperatingSystem.IsLinux()) Assert.StartsWith(Path.Combine(Path.GetTempPath(), "cache"), DuckDbLibrary.ExpectedPath);
    }

    [Fact]
    public void A_missing_library_is_named_with_what_to_do()
    {
        var error = Assert.Throws<DuckDbLibraryException>(() => DuckDbLibrary.LoadFrom("/nothing/libduckdb.so"));
        Assert.Equal("/nothing/libduckdb.so", error.LibraryPath);
        Assert.Contains("/nothing/libduckdb.so", error.Message);
        Assert.Contains("./millrace", error.Message);
        Assert.Contains(DuckDbLibrary.PathVariable, error.Message);
    }

    [Fact]
    public void A_file_that_is_no_library_is_named()
    {
        var path = Path.GetTempFileName();
        try
        {
            var error = Assert.Throws<DuckDbLibraryException>(() => DuckDbLibrary.LoadFrom(path));
            Assert.Contains(path, error.Message);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private sealed class Variable : IDisposable
    {
        private readonly string _name;
        private readonly string? _before;

        public Variable(string name, string? value)
        {
            _name = name;
            _before = Environment.GetEnvironmentVariable(name);
            Environment.SetEnvironmentVariable(name, value);
        }

        public void Dispose() => Environment.SetEnvironmentVariable(_name, _before);
    }
}
