using System.Collections.Immutable;
using System.Globalization;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.Jobs;

namespace Millrace.Connectors.Tests.Postgres.Source;

/// <summary>
/// The invariant: for a random table, key, strategy and unit size, the units together are the table, each row exactly once, and each
/// unit's own rows are what its slice says. The seed of a failure is in its message; run it again with MILLRACE_SEED.
/// </summary>
public sealed class PgUnitPropertyTests
{
    private const int Rounds = 25;

    /// <summary>Key columns: their type and how a random value is made; NULL and duplicates come by themselves.</summary>
    private static readonly (string Type, string Value)[] s_keys =
    [
        ("int8", "(random() * random() * random() * 1e9)::int8 - 1000"),
        ("int4", "(random() * 5)::int4"),
        ("int2", "(random() * 60000 - 30000)::int2"),
        ("text", "(array['', 'a', 'A', 'ä', 'zz', '''; --', E'back\\\\slash', '%'])[1 + (random() * 7)::int] || (random() * 20)::int"),
        ("text COLLATE \"C\"", "md5(random()::text)"),
        ("uuid", "md5((random() * 500)::int::text)::uuid"),
        ("numeric", "CASE WHEN random() < 0.05 THEN 'NaN' ELSE round((random() * 1000)::numeric, (random() * 3)::int) END"),
        ("float8", "CASE WHEN random() < 0.05 THEN 'Infinity' ELSE exp(random() * 50) END"),
        ("date", "CASE WHEN random() < 0.02 THEN '9999-12-31' WHEN random() < 0.02 THEN 'infinity' ELSE '2020-01-01'::date + (random() * random() * 3000)::int END"),
        ("timestamptz", "CASE WHEN random() < 0.02 THEN '0044-03-15 00:00+00 BC' ELSE timestamptz '2024-01-01' + random() * interval '200 days' END"),
        ("timestamp", "CASE WHEN random() < 0.02 THEN '-infinity' ELSE timestamp '1999-12-01' + random() * interval '90 days' END"),
    ];

    private readonly PgServers _servers;

    public PgUnitPropertyTests(PgServers servers) => _servers = servers;

    [Theory]
    [InlineData(12)]
    [InlineData(18)]
    public async Task The_units_together_are_the_table_exactly_once(int version)
    {
        var server = await _servers.GetAsync(version);
        var seed = int.TryParse(Environment.GetEnvironmentVariable("MILLRACE_SEED"), CultureInfo.InvariantCulture, out var given) ? given : Random.Shared.Next();
        for (var round = 0; round < Rounds; round++)
        {
            var random = new Random(seed + round);
            var what = $"MILLRACE_SEED={seed + round}";
            try
            {
                what += await CheckAsync(server, version, random);
            }
            catch (Exception e)
            {
                Assert.Fail($"{what}: {e}");
            }
        }
    }

    private static async Task<string> CheckAsync(PgServer server, int version, Random random)
    {
        var rows = random.Next(4) == 0 ? random.Next(3) : random.Next(3000);
        var key = Enumerable.Range(0, random.Next(1, 4)).Select(_ => s_keys[random.Next(s_keys.Length)]).ToList();
        var nullShare = random.Next(3) switch { 0 => "0", 1 => "0.1", _ => "0.9" };
        var columns = string.Join(", ", key.Select((k, i) => $"\"Key {i}\" {k.Type}{(nullShare == "0" ? " NOT NULL" : "")}"));
        var values = string.Join(", ", key.Select(k => $"CASE WHEN random() >= {nullShare} THEN {k.Value} END"));
        var name = $"units_{random.Next():x}";
        await server.ExecuteAsync(
            $"""
            SELECT setseed({random.NextDouble().ToString(CultureInfo.InvariantCulture)});
            CREATE TABLE {name} (rid int4, {columns}, pad text) WITH (fillfactor = {random.Next(10, 101)});
            INSERT INTO {name} SELECT i, {values}, repeat('x', {random.Next(300)}) FROM generate_series(1, {rows}) AS i;
            DELETE FROM {name} WHERE rid % 17 = 0;
            """);
        if (random.Next(2) == 0) await server.ExecuteAsync($"CREATE INDEX ON {name} ({string.Join(", ", key.Select((_, i) => $"\"Key {i}\""))})");
        if (random.Next(2) == 0) await server.ExecuteAsync($"ANALYZE {name}");

        var what = await CompareAsync(server, StreamOf(name, key, rows, version, random), random);
        await server.ExecuteAsync($"DROP TABLE {name}");
        return $"{what}, {rows} rows, {columns}";
    }

    /// <summary>Holds, plans, reads and lets go.</summary>
    private static async Task<string> CompareAsync(PgServer server, StreamJob stream, Random random)
    {
        await using var run = PgRun.Open(server.Url());
        var plan = await run.PlanAsync(stream, oneUnit: random.Next(8) == 0);
        var table = await run.ReadAsync(plan);
        var condition = stream.Where is null ? "" : $" WHERE {stream.Where}\n";
        var expected = await PgCheck.TextsAsync(server, $"SELECT rid::text, md5(rid || pad) FROM {stream.Name}{condition} ORDER BY {stream.Name}.rid");
        var actual = run.Rows($"SELECT rid::text, md5(rid || pad) FROM {table} ORDER BY {table}.rid");
        var what = $" {plan.Strategy} ({plan.Why}), {plan.EstimatedUnits} units";
        Assert.True(expected.Count == actual.Count, $"{what}: {actual.Count} rows arrived, expected {expected.Count}");
        Assert.True(expected.Zip(actual).All(static pair => pair.First.SequenceEqual(pair.Second)), $"{what}: other rows");
        return what;
    }

    private static StreamJob StreamOf(string name, List<(string Type, string Value)> key, int rows, int version, Random random)
    {
        PartitionBy[] all = [PartitionBy.Auto, PartitionBy.Id, PartitionBy.Hash, PartitionBy.None, PartitionBy.Date, PartitionBy.Pages];
        var by = all[random.Next(version < 14 ? all.Length - 1 : all.Length)];
        var isDate = key[0].Type is "date" or "timestamp" or "timestamptz";
        if (by == PartitionBy.Date && !isDate) by = PartitionBy.Id;
        ImmutableArray<string> named = by switch
        {
            PartitionBy.Date => ["Key 0"],
            PartitionBy.Id => [.. key.Select(static (_, i) => $"Key {i}")],
            PartitionBy.Hash when random.Next(2) == 0 => ["Key 0"],
            PartitionBy.Auto when random.Next(2) == 0 => ["Key 0"],
            _ => [],
        };
        return PgRun.Stream(name) with
        {
            Partition = new PartitionSpec { By = by, Key = named, Rows = Math.Max(1, rows / random.Next(1, 40)) },
            Where = random.Next(3) == 0 ? "rid % 3 = 1 or pad = '' -- a comment" : null,
        };
    }
}
