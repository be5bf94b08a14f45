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
    // The last ones have found something once: what a process left that was killed before its run began (20, 24, 27, 50), half a marker in
    // a published table (79), a replaced coordinator that began to stage (102), one that was paused before it had its number (146), a reset in
    // the TLS handshake (155), a clock that moved the times of files (401).
    private static readonly int[] s_seeds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 20, 24, 27, 50, 79, 102, 146, 155, 401];

    public static TheoryData<int> Seeds => Number("SEED") is { } first ? [.. Enumerable.Range(first, Number("RUNS") ?? 1)] : [.. s_seeds];

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task A_disturbed_run_ends_like_an_undisturbed_one(int seed)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess) Testbed.Missing("needs root on Linux to stop programs where they open a file");
        var plan = ChaosPlan.Of(seed);
        TestContext.Current.TestOutputHelper?.WriteLine(plan.ToString());
        var outcome = await ChaosRun.DoAsync(plan, plan.IsServer ? await ground.ServerAsync() : null, await ground.OldAsync(plan));
        if (Environment.GetEnvironmentVariable("MILLRACE_CHAOS_RESULT") is { Length: > 0 } file) await TellAsync(file, seed, outcome);
        Assert.True(outcome.Failure is null, outcome.Failure);
    }

    private static Task TellAsync(string file, int seed, ChaosOutcome outcome)
    {
        var line = new
        {
            seed,
            struck = outcome.Struck,
            failed = outcome.Failure is not null,
            losses = outcome.Check?.Losses,
            doubles = outcome.Check?.Doubles,
            litter = outcome.Check?.Litter.Count,
        };
        return File.AppendAllTextAsync(file, JsonSerializer.Serialize(line) + "\n", TestContext.Current.CancellationToken);
    }

    private static int? Number(string name) =>
        int.TryParse(Environment.GetEnvironmentVariable($"MILLRACE_CHAOS_{name}"), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
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
