using System.Globalization;
using System.Text.Json;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.Testing;

namespace Millrace.SystemTests.Chaos;

/// <summary>
/// Runs that are killed, paused, cut off, starved of disk and fooled about the time, at moments that follow from a seed, and are resumed
/// until they are done: nothing is lost, nothing comes twice, nothing is left behind. <c>MILLRACE_CHAOS_SEED</c> and
/// <c>MILLRACE_CHAOS_RUNS</c> choose other seeds (bench/chaos.py does), <c>MILLRACE_CHAOS_RESULT</c> names a file for a line about each.
/// </summary>
public sealed class ChaosTests(ChaosGround ground) : IClassFixture<ChaosGround>
{
    private const int SeedDefault = 1, RunsDefault = 20;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(Number("SEED", SeedDefault), Number("RUNS", RunsDefault))];

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task A_disturbed_run_ends_like_an_undisturbed_one(int seed)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess) Testbed.Missing("needs root on Linux to stop programs where they open a file");
        var plan = ChaosPlan.Of(seed);
        TestContext.Current.TestOutputHelper?.WriteLine(plan.ToString());
        var (_, struck) = await ChaosRun.DoAsync(plan, plan.IsServer ? await ground.ServerAsync() : null, await ground.OldAsync(plan));
        TestContext.Current.TestOutputHelper?.WriteLine($"struck: {string.Join(", ", struck)}");
        if (Environment.GetEnvironmentVariable("MILLRACE_CHAOS_RESULT") is { Length: > 0 } file)
            await File.AppendAllTextAsync(file, JsonSerializer.Serialize(new { seed, struck }) + "\n", TestContext.Current.CancellationToken);
    }

    private static int Number(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable($"MILLRACE_CHAOS_{name}"), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : otherwise;
}

/// <summary>What all chaos runs share: a server that they may restart, and files with the rows that are there before.</summary>
public sealed class ChaosGround(PgServers servers) : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private PgServer? _server;

    /// <summary>The server.</summary>
    internal async Task<PgServer> ServerAsync() => _server ??= await servers.StartOwnAsync();

    /// <summary>The file with a plan's old rows.</summary>
    internal async Task<string> OldAsync(ChaosPlan plan)
    {
        var file = _folder[$"{(plan.IsServer ? "server" : "files")}{(plan.ToCsv ? ".csv" : ".parquet")}"];
        if (!File.Exists(file)) await ChaosTables.WriteOldAsync(plan, file);
        return file;
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
        _folder.Dispose();
    }
}
