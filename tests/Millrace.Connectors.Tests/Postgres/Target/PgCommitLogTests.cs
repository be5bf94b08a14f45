using Millrace.Connectors.Postgres.Catalog;
using Millrace.Connectors.Postgres.Protocol;
using Millrace.Connectors.Postgres.Target;
using Millrace.Connectors.Tests.Postgres.Servers;

namespace Millrace.Connectors.Tests.Postgres.Target;

/// <summary>Two that publish one stream at the same moment.</summary>
public sealed class PgCommitLogTests(PgServers servers)
{
    private sealed class TakenBackException : Exception;

    /// <summary>The second one waits for the first one's end; then it has nothing to do, unless the first one's transaction was taken back.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Of_two_publications_at_once_one_counts(bool isCommitted)
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        var cancel = TestContext.Current.CancellationToken;
        var table = new PgTable("public", "t");
        var published = new PgPublished("run", "stream", table, "append", 3, 1, [], null);
        await using var one = Open(bench);
        await using var other = Open(bench);
        await PgCommitLog.Of(one, "public").EnsureAsync(cancel);
        await PgCommitLog.Of(other, "public").EnsureAsync(cancel);
        Task<bool>? second = null;

        try
        {
            await one.TransactionAsync(
                async () =>
                {
                    Assert.True(await PgCommitLog.Of(one, "public").TryAddAsync(published, cancel));
                    using (ExecutionContext.SuppressFlow()) second = Task.Run(() => PgCommitLog.Of(other, "public").TryAddAsync(published, cancel), cancel);
                    while (await bench.TargetTextAsync("SELECT count(*)::text FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'") == "0") cancel.ThrowIfCancellationRequested();
                    if (!isCommitted) throw new TakenBackException();
                },
                cancel);
        }
        catch (TakenBackException)
        {
            // As it was meant.
        }

        Assert.Equal(!isCommitted, await second!);
        Assert.Equal("1", await bench.TargetTextAsync("SELECT count(*)::text FROM _millrace_commits"));
    }

    private static PgControl Open(PgTargetBench bench) => new(PgSettings.Parse(bench.TargetUrl), TimeProvider.System, PgAccess.Write(TimeSpan.FromMinutes(1)));
}
