using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using Millrace.Testing;

namespace Millrace.SystemTests;

/// <summary>
/// What <c>eng/fetch-libduckdb</c> does with a package that is the pinned one, and with one that is not. The script is copied beside a
/// lock file of the test's own, and an <c>npm</c> of the test's own stands first in PATH, so that nothing is fetched.
/// </summary>
public sealed class FetchTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_pinned_package_is_put_into_the_cache_and_nothing_else_stays()
    {
        var package = await PackAsync("the library");
        var (code, output) = await FetchAsync(Integrity(package));
        Assert.True(code == 0, output);
        var library = _folder["cache/millrace/libduckdb/1.0/linux-x64/libduckdb.so"];
        Assert.Equal(library, output.Trim());
        Assert.Equal("the library", await File.ReadAllTextAsync(library, TestContext.Current.CancellationToken));
        Assert.Single(Directory.EnumerateFileSystemEntries(_folder["cache/millrace/libduckdb/1.0"]));
    }

    [Fact]
    public async Task A_package_that_is_not_the_pinned_one_is_refused_and_leaves_nothing()
    {
        var pinned = Integrity(await PackAsync("the library"));
        await PackAsync("another library");
        var (code, output) = await FetchAsync(pinned);
        Assert.Equal(1, code);
        Assert.Contains("its hash is wrong", output, StringComparison.Ordinal);
        Assert.Contains(pinned, output, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder["cache/millrace/libduckdb/1.0"]));
    }

    [Fact]
    public async Task Several_at_the_same_time_all_succeed()
    {
        var integrity = Integrity(await PackAsync("the library"));
        Prepare(integrity);
        var exits = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => StartFetchAsync()));
        Assert.All(exits, exit => Assert.True(exit.Code == 0, exit.Output));
        Assert.Single(Directory.EnumerateFileSystemEntries(_folder["cache/millrace/libduckdb/1.0"]));
    }

    private static string Integrity(string package) => "sha512-" + Convert.ToBase64String(SHA512.HashData(File.ReadAllBytes(package)));

    private async Task<string> PackAsync(string library)
    {
        _folder.Write("new/package/libduckdb.so", library);
        _folder.Write("new/package/package.json", "{}");
        var package = _folder["package.tgz"];
        using var tar = Process.Start(new ProcessStartInfo("tar", ["-czf", package, "-C", _folder["new"], "package"]))!;
        await tar.WaitForExitAsync(TestContext.Current.CancellationToken);
        return package;
    }

    private Task<(int Code, string Output)> FetchAsync(string integrity)
    {
        Prepare(integrity);
        return StartFetchAsync();
    }

    private void Prepare(string integrity)
    {
        var entry = new { package = "@test/library", file = "libduckdb.so", integrity };
        var systems = new Dictionary<string, object> { ["linux-x64"] = entry };
        _folder.Write("src/Millrace.DuckDb/libduckdb.lock.json", JsonSerializer.Serialize(new { version = "1.0", systems }));
        _folder.Write("eng/fetch-libduckdb", File.ReadAllText(Path.Combine(Testbed.Repository, "eng", "fetch-libduckdb")));
        var npm = _folder.Write("bin/npm", $"#!/bin/sh\ncp '{_folder["package.tgz"]}' ./test-library-1.0.tgz\n");
        File.SetUnixFileMode(npm, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private async Task<(int Code, string Output)> StartFetchAsync()
    {
        var info = new ProcessStartInfo("node", [_folder["eng/fetch-libduckdb"], "linux-x64"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        info.Environment["PATH"] = _folder["bin"] + ":" + Environment.GetEnvironmentVariable("PATH");
        info.Environment["XDG_CACHE_HOME"] = _folder["cache"];
        using var process = Process.Start(info)!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output + await errors);
    }
}
