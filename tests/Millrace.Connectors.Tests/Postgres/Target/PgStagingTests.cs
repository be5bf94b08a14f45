using System.Collections.Immutable;
using Millrace.Connectors.Postgres.Catalog;
using Millrace.Connectors.Postgres.Protocol;
using Millrace.Connectors.Postgres.Target;
using Millrace.Connectors.Postgres.Types;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.Planning;

namespace Millrace.Connectors.Tests.Postgres.Target;

/// <summary>A coordinator that was cut off while it made staging tables, and the one after it.</summary>
public sealed class PgStagingTests(PgServers servers)
{
    private static readonly ImmutableArray<Column> s_columns = [new() { Name = "id", SourceName = "id", SourceType = "bigint", Type = "BIGINT" }];

    public static TheoryData<int> Versions => PgServers.Versions;

    /// <summary>The second one does not wait until the server drops the first one's session; what the first one has made is not there.</summary>
    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_coordinator_that_is_cut_off_while_it_stages_keeps_none_after_it_out(int version)
    {
        await using var bench = await PgTargetBench.CreateAsync(servers, version);
        foreach (var isFresh in (bool[])[false, true])
        {
            using var made = new ManualResetEventSlim();
            using var goOn = new ManualResetEventSlim();
            var shape = PgTargetShape.New(s_columns);
            var plain = PgNextTable.New(shape);
            var stuck = plain with
            {
                Make = table =>
                {
                    // In the middle of its transaction, with a table made.
                    made.Set();
                    goOn.Wait(TimeSpan.FromSeconds(60));
                    return plain.Make(table);
                },
            };
            var first = Task.Run(() => MakeAsync(bench, shape, stuck, isFresh));
            Assert.True(made.Wait(TimeSpan.FromSeconds(60)), "the first one has begun");

            var table = await MakeAsync(bench, shape, plain, isFresh);

            goOn.Set();
            await Assert.ThrowsAnyAsync<Exception>(() => first);
            await bench.TargetAsync($"INSERT INTO {table} VALUES (1)");
            Assert.Equal(2, (await bench.TargetRowsAsync("SELECT c.relname FROM pg_class c WHERE starts_with(c.relname, '_millrace_') AND c.relkind = 'r'")).Count);
        }
    }

    private static async Task<string> MakeAsync(PgTargetBench bench, PgTargetShape shape, PgNextTable next, bool isFresh)
    {
        await using var control = new PgControl(PgSettings.Parse(bench.TargetUrl), TimeProvider.System, PgAccess.Write(TimeSpan.FromMilliseconds(Limits.PgPublishLockMilliseconds)));
        var place = new PgStagingPlace(new PgTable("public", "t"), "run", "t");
        await new PgStaging(control, new PgTypeCatalog(control), place, TimeProvider.System).MakeAsync(s_columns, null, shape, next, isFresh, TestContext.Current.CancellationToken);
        return place.Rows.Sql;
    }
}
