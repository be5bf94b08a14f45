using System.Reflection;
using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>
/// Finds and loads libduckdb. Nothing is loaded before <see cref="EnsureLoaded"/> runs, which <see cref="DuckDbDatabase.Open"/>
/// does: a process that only handles <see cref="DuckDbType"/>s never maps the library. All members are thread safe.
/// </summary>
public static class DuckDbLibrary
{
    /// <summary>The release that this binding is written for and tested with, as the cache folder is named.</summary>
    public const string PinnedVersion = "1.5.5-r.5";

    /// <summary>The environment variable that names another libduckdb by its path; it comes before the cache.</summary>
    public const string PathVariable = "MILLRACE_LIBDUCKDB";

    /// <summary>The name that the P/Invoke declarations use; <see cref="Resolve"/> turns it into the loaded library.</summary>
    internal const string ImportName = "millrace-libduckdb";

    private static readonly Lazy<nint> Loaded = new(() => LoadFrom(ExpectedPath), LazyThreadSafetyMode.PublicationOnly);

    private static readonly Lazy<bool> Resolver = new(() =>
    {
        NativeLibrary.SetDllImportResolver(typeof(DuckDbLibrary).Assembly, Resolve);
        return true;
    });

    /// <summary>
    /// Where the library is expected: the path in <see cref="PathVariable"/>, otherwise
    /// <c>&lt;cache&gt;/millrace/libduckdb/&lt;version&gt;/&lt;platform&gt;/&lt;file&gt;</c>. The file need not exist.
    /// </summary>
    public static string ExpectedPath
    {
        get
        {
            var named = Environment.GetEnvironmentVariable(PathVariable);
            return string.IsNullOrEmpty(named)
                ? Path.Combine(CacheFolder, "millrace", "libduckdb", PinnedVersion, Platform, FileName)
                : Path.GetFullPath(named);
        }
    }

    /// <summary>The version that the loaded library says of itself, for instance <c>v1.5.5</c>. Loads the library.</summary>
    /// <exception cref="DuckDbLibraryException">The library is missing or can't be loaded.</exception>
    public static string Version
    {
        get
        {
            EnsureLoaded();
            return Marshal.PtrToStringUTF8(NativeMethods.duckdb_library_version()) ?? "";
        }
    }

    /// <summary>Loads the library when that has not happened yet. A failure is not remembered: the next call tries again.</summary>
    /// <exception cref="DuckDbLibraryException">The library is missing or can't be loaded.</exception>
    public static void EnsureLoaded()
    {
        _ = Loaded.Value;
        _ = Resolver.Value;
    }

    private static string Platform
    {
        get
        {
            var architecture = RuntimeInformation.ProcessArchitecture switch
            {
                Architecture.Arm64 => "arm64",
                _ => "x64",
            };
            if (OperatingSystem.IsWindows()) return "win32-" + architecture;
            if (OperatingSystem.IsMacOS()) return "darwin-" + architecture;
            var musl = RuntimeInformation.RuntimeIdentifier.Contains("musl", StringComparison.Ordinal);
            return "linux-" + architecture + (musl ? "-musl" : "");
        }
    }

    private static string FileName =>
        OperatingSystem.IsWindows() ? "duckdb.dll" : OperatingSystem.IsMacOS() ? "libduckdb.dylib" : "libduckdb.so";

    private static string CacheFolder
    {
        get
        {
            if (OperatingSystem.IsWindows()) return Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData);
            var xdg = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
            if (!string.IsNullOrEmpty(xdg)) return xdg;
            var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            return OperatingSystem.IsMacOS() ? Path.Combine(home, "Library", "Caches") : Path.Combine(home, ".cache");
        }
    }

    /// <summary>Loads a file as libduckdb.</summary>
    internal static nint LoadFrom(string path)
    {
        if (!File.Exists(path)) throw DuckDbLibraryException.Missing(path);
        try
        {
            return NativeLibrary.Load(path);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw DuckDbLibraryException.Unloadable(path, e);
        }
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? search) => name == ImportName ? Loaded.Value : 0;
}
