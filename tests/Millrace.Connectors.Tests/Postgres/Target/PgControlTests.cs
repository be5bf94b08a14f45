using Millrace.Connectors.Postgres.Catalog;
using Millrace.Connectors.Postgres.Protocol;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.Faults;

namespace Millrace.Connectors.Tests.Postgres.Target;

/// <summary>The coordinator's one connection, used by what publishes one stream and stages the next at the same time.</summary>
public sealed class PgControlTests(PgServers servers)
{
    [Fact]
    public async Task Statements_of_others_wait_for_the_end_of_a_transaction()
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        var settings = PgSettings.Parse(bench.TargetUrl);
        await using var control = new PgControl(settings, TimeProvider.System, PgAccess.Write());
        var cancel = TestContext.Current.CancellationToken;
        await control.ExecuteAsync("CREATE TABLE public.t (id bigint, who text)", cancel);
        var others = new List<Task>();

        await Assert.ThrowsAsync<Fault>(() => control.TransactionAsync(
            async () =>
            {
                await control.ExecuteAsync("INSERT INTO public.t VALUES (1, 'taken back')", cancel);
                using (ExecutionContext.SuppressFlow())
                {
                    others.Add(Task.Run(() => control.ExecuteAsync("INSERT INTO public.t VALUES (2, 'statement')", cancel), cancel));
                    others.Add(Task.Run(() => control.TransactionAsync(() => control.ExecuteAsync("INSERT INTO public.t VALUES (3, 'transaction')", cancel), cancel), cancel));
                }

                for (var i = 0; i < 20; i++) await control.ExecuteAsync("INSERT INTO public.t VALUES (4, 'taken back')", cancel);
                await control.ExecuteAsync("SELECT 1 / 0", cancel);
            },
            cancel));
        await Task.WhenAll(others);

        Assert.Equal("2 statement, 3 transaction", await bench.TargetTextAsync("SELECT string_agg(id || ' ' || who, ', ' ORDER BY id) FROM t"));
    }
}
