namespace Millrace.DuckDb;

/// <summary>libduckdb is missing or can't be loaded; <see cref="LibraryPath"/> says which file was tried.</summary>
public sealed class DuckDbLibraryException : Exception
{
    private DuckDbLibraryException(string message, string path, Exception? inner)
        : base(message, inner) => LibraryPath = path;

    /// <summary>The file that was looked for.</summary>
    public string LibraryPath { get; }

    internal static DuckDbLibraryException Missing(string path) => new(
        $"libduckdb was not found at '{path}'. Run `./millrace` once, which fetches it, or let {DuckDbLibrary.PathVariable} name a libduckdb.",
        path,
        null);

    internal static DuckDbLibraryException Unloadable(string path, Exception inner) => new(
        $"libduckdb at '{path}' can't be loaded: {inner.Message}. Is it built for this system? "
        + $"Remove it and run `./millrace` once, or let {DuckDbLibrary.PathVariable} name another.",
        path,
        inner);
}
