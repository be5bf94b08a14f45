using System.Collections.Concurrent;
using Millrace.Connectors.Tests.Postgres.Servers;

[assembly: AssemblyFixture(typeof(PgServers))]

namespace Millrace.Connectors.Tests.Postgres.Servers;

/// <summary>
/// The PostgreSQL servers of this test run, one of each version, started when the first test asks. A test class takes this fixture in
/// its constructor. Where a version can't be had (no npm, no network, another system) the test is skipped; in CI it fails.
/// </summary>
public sealed class PgServers : IAsyncDisposable
{
    private readonly ConcurrentDictionary<int, Lazy<Task<PgServer>>> _servers = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("mlr-pg-certs-").FullName;
    private readonly Lazy<PgCertificates> _certificates;

    /// <summary>Nothing is started yet.</summary>
    public PgServers() => _certificates = new Lazy<PgCertificates>(() => new PgCertificates(_folder));

    /// <summary>The oldest supported version, Debian's, and the newest.</summary>
    public static TheoryData<int> Versions => [12, 15, 18];

    /// <summary>The version that a test takes that needs only one: Debian's, so that it needs no download where Debian's package is.</summary>
    public const int AnyVersion = 15;

    /// <summary>The server of a version; skips the calling test when there is none.</summary>
    public async Task<PgServer> GetAsync(int version = AnyVersion)
    {
        var server = _servers.GetOrAdd(version, v => new Lazy<Task<PgServer>>(() => PgServer.StartAsync(v, _certificates.Value)));
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

    /// <summary>Stops what was started.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers.Values)
        {
            try
            {
                await (await server.Value).DisposeAsync();
            }
            catch (Exception e) when (server.Value.IsFaulted)
            {
                // It never started, and the tests that wanted it said so.
                _ = e;
            }
        }

        Directory.Delete(_folder, recursive: true);
    }
}
