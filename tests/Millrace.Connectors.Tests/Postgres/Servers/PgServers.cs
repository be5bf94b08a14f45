using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using Millrace.Connectors.Tests.Postgres.Servers;

[assembly: AssemblyFixture(typeof(PgServers))]
[assembly: UnsupportedOSPlatform("windows")]

namespace Millrace.Connectors.Tests.Postgres.Servers;

/// <summary>
/// The PostgreSQL servers of this test run, one of each version, started when the first test asks. A test class takes this fixture in
/// its constructor. Where a version can't be had (no npm, no network, another system) the test is skipped; in CI it fails.
/// </summary>
public sealed class PgServers : IAsyncDisposable
{
    // Removes the run's folder when our end of its input closes, however we died; again while a dying server still writes.
    private const string Sweep = """
        cat >/dev/null
        until rm -rf "$1" 2>/dev/null; do :; done
        """;

    private readonly ConcurrentDictionary<int, Lazy<Task<PgServer>>> _servers = new();
    private readonly Lazy<Run> _run = new(Run.Begin);
    private int _own;

    private sealed record Run(string Folder, PgCertificates Certificates, Process Sweeper)
    {
        internal static Run Begin()
        {
            // A short path: a unix socket's has about 100 characters.
            var folder = Directory.CreateTempSubdirectory("mlr-pg-").FullName;
            CreateOpenFolder(folder);
            var start = new ProcessStartInfo("/bin/sh", ["-c", Sweep, "sh", folder]) { UseShellExecute = false, RedirectStandardInput = true, WorkingDirectory = "/" };
            var sweeper = Process.Start(start) ?? throw new InvalidOperationException("the shell did not start");
            return new Run(folder, new PgCertificates(Directory.CreateDirectory(Path.Combine(folder, "certs")).FullName), sweeper);
        }
    }

    /// <summary>The oldest supported version, Debian's, and the newest.</summary>
    public static TheoryData<int> Versions => [12, 15, 18];

    /// <summary>The version that a test takes that needs only one: Debian's, so that it needs no download where Debian's package is.</summary>
    public const int AnyVersion = 15;

    /// <summary>The server of a version; skips the calling test when there is none.</summary>
    public async Task<PgServer> GetAsync(int version = AnyVersion)
    {
        var server = _servers.GetOrAdd(version, v => new Lazy<Task<PgServer>>(() =>
            PgServer.StartAsync(v, Path.Combine(_run.Value.Folder, v.ToString(CultureInfo.InvariantCulture)), _run.Value.Certificates)));
        try
        {
            return await server.Value;
        }
        catch (Exception e) when (Environment.GetEnvironmentVariable("CI") != "true")
        {
            Assert.Skip($"PostgreSQL {version} is not available here: {e.Message}");
            throw;
        }
    }

    /// <summary>A server of the caller's own, for a test that stops it; skips the calling test when there is none.</summary>
    /// <param name="version">The version.</param>
    /// <param name="durable">Whether a commit is safe from a crash of the server when it is answered; else the last ones may be lost.</param>
    public async Task<PgServer> StartOwnAsync(int version = AnyVersion, bool durable = false)
    {
        await GetAsync(version);
        return await PgServer.StartAsync(version, OwnFolder(), _run.Value.Certificates, durable);
    }

    /// <summary>A copy of a server that follows it, as a server of the caller's own: see <see cref="PgServer.StartStandbyAsync"/>.</summary>
    public Task<PgServer> StartStandbyAsync(PgServer primary) => primary.StartStandbyAsync(OwnFolder());

    private string OwnFolder() => Path.Combine(_run.Value.Folder, string.Create(CultureInfo.InvariantCulture, $"own{Interlocked.Increment(ref _own)}"));

    /// <summary>A folder that the server's user may enter too.</summary>
    internal static void CreateOpenFolder(string folder)
    {
        Directory.CreateDirectory(folder);
        File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherExecute | UnixFileMode.OtherRead);
    }

    /// <summary>Stops what was started.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers.Values)
        {
            if (server.Value.IsCompletedSuccessfully)
                await (await server.Value).DisposeAsync();
        }

        if (!_run.IsValueCreated)
            return;
        _run.Value.Sweeper.StandardInput.Close();
        await _run.Value.Sweeper.WaitForExitAsync();
        _run.Value.Sweeper.Dispose();
    }
}
