using System.Collections.Immutable;
using System.Globalization;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Connectors.Tests.Postgres.Source;

/// <summary>
/// The invariant of splitting: units that are cut again and again, at random and some down to their floor, are together the table as it
/// was at the moment, each row exactly once, though the table is changed meanwhile. A floor is one row, where there is no ctid one key,
/// and is reached. The seed of a failure is in its message; run it again with MILLRACE_SEED.
/// </summary>
public sealed class PgSplitTests
{
    private const int Rounds = 6;

    /// <summary>Key columns: their type and how a random value is made; NULL and duplicates come by themselves.</summary>
    private static readonly (string Type, string Value)[] s_keys =
    [
        ("int8", "CASE WHEN random() < 0.1 THEN 9223372036854775807 WHEN random() < 0.1 THEN -9223372036854775808 ELSE (random() * random() * 1e12)::int8 END"),
        ("int4", "(random() * 5)::int4"),
        ("text", "(array['', 'a', 'A', 'ä', 'zz', '''; --', E'back\\\\slash', '%'])[1 + (random() * 7)::int] || (random() * 3)::int"),
        ("bpchar(5)", "(array['a', 'a ', 'b', ' b'])[1 + (random() * 3)::int]"),
        ("uuid", "md5((random() * 50)::int::text)::uuid"),
        ("numeric", "CASE WHEN random() < 0.1 THEN 'NaN' WHEN random() < 0.5 THEN 1.0 ELSE round((random() * 3)::numeric, (random() * 3)::int) END"),
        ("float8", "CASE WHEN random() < 0.1 THEN 'Infinity' WHEN random() < 0.3 THEN '-0' WHEN random() < 0.3 THEN 'NaN' ELSE (random() * 3)::int::float8 END"),
        ("date", "CASE WHEN random() < 0.1 THEN '-infinity' WHEN random() < 0.1 THEN 'infinity' ELSE '2020-01-01'::date + (random() * 30)::int END"),
        ("timestamptz", "CASE WHEN random() < 0.1 THEN '0044-03-15 00:00+00 BC' WHEN random() < 0.1 THEN 'infinity' ELSE timestamptz '2024-01-01' + random() * interval '1 second' END"),
    ];

    private readonly PgServers _servers;

    public PgSplitTests(PgServers servers) => _servers = servers;

    [Theory]
    [MemberData(nameof(PgServers.Versions), MemberType = typeof(PgServers))]
    public async Task Parts_are_the_unit_exactly_once_down_to_the_floor(int version)
    {
        var server = await _servers.GetAsync(version);
        var seed = int.TryParse(Environment.GetEnvironmentVariable("MILLRACE_SEED"), CultureInfo.InvariantCulture, out var given) ? given : Random.Shared.Next();
        for (var round = 0; round < Rounds; round++)
        {
            var story = new List<string> { $"MILLRACE_SEED={seed + round}" };
            try
            {
                await CheckAsync(server, new Random(seed + round), story);
            }
            catch (Exception e)
            {
                Assert.Fail($"{string.Join("\n", story)}\n{e}");
            }
        }
    }

    [Fact]
    public async Task A_row_and_a_key_are_named()
    {
        var server = await _servers.GetAsync();
        await server.ExecuteAsync("CREATE TABLE named_rows AS SELECT 7 AS id, i AS rid FROM generate_series(1, 3) AS i; CREATE VIEW named_keys AS SELECT id + rid % 2 AS id, rid FROM named_rows");
        Assert.Equal(
            ["page 0 of named_rows, row 1", "page 0 of named_rows, row 2", "page 0 of named_rows, row 3"],
            await FloorsAsync(server, PgRun.Stream("named_rows")));
        Assert.Equal(
            ["id = 7", "id = 8", "id is null"],
            await FloorsAsync(server, PgRun.Stream("named_keys") with { Partition = new PartitionSpec { By = PartitionBy.None, Key = ["id"] } }));
        Assert.Equal(["all rows"], await FloorsAsync(server, PgRun.Stream("named_keys")));
        await server.ExecuteAsync("DROP TABLE named_rows CASCADE");
    }

    /// <summary>The labels of a stream's units when all are cut down to their floors.</summary>
    private static async Task<string[]> FloorsAsync(PgServer server, StreamJob stream)
    {
        await using var run = PgRun.Open(server.Url());
        var plan = await run.PlanAsync(stream);
        var header = PgRun.HeaderOf(plan);
        var open = new Queue<Unit>(await PgRun.UnitsOf(plan));
        var floors = new List<string>();
        while (open.TryDequeue(out var unit))
        {
            var parts = await run.Source.SplitAsync(header, unit, CancellationToken.None);
            if (parts.IsEmpty) floors.Add(unit.Label);
            foreach (var part in parts) open.Enqueue(UnitOf(part));
        }

        return [.. floors.Order(StringComparer.Ordinal)];
    }

    private static async Task CheckAsync(PgServer server, Random random, List<string> story)
    {
        var shape = new Shape(random);
        story.Add(shape.Sql);
        await server.ExecuteAsync($"SELECT setseed({random.NextDouble().ToString(CultureInfo.InvariantCulture)}); {shape.Sql}");
        await CompareAsync(server, shape, random, story);
        await server.ExecuteAsync($"DROP TABLE {shape.Name}_base CASCADE");
    }

    /// <summary>Holds, plans, changes the table, splits, reads and lets go.</summary>
    private static async Task CompareAsync(PgServer server, Shape shape, Random random, List<string> story)
    {
        await using var run = PgRun.Open(server.Url());
        await using var other = PgRun.Open(server.Url());
        var stream = shape.Stream(server.Version, random);
        var plan = await run.PlanAsync(stream, oneUnit: random.Next(8) == 0);
        story.Add($"{plan.Strategy} ({plan.Why}) by {string.Join(", ", stream.Partition.Key)}");
        var condition = stream.Where is null ? "" : $" WHERE {stream.Where}\n";
        var expected = await PgCheck.TextsAsync(server, $"SELECT rid::text, md5(rid || pad) FROM {stream.Name}{condition} ORDER BY {stream.Name}.rid");
        await server.ExecuteAsync($"INSERT INTO {shape.Name}_base SELECT * FROM {shape.Name}_base; DELETE FROM {shape.Name}_base WHERE rid % 3 = 0; UPDATE {shape.Name}_base SET pad = '' WHERE rid % 3 = 1");

        // A coordinator that was started again holds no moment itself.
        var source = random.Next(2) == 0 ? run.Source : other.Source;
        var header = PgRun.HeaderOf(plan);
        var leaves = await LeavesAsync(source, header, await PgRun.UnitsOf(plan), shape.Rows > Shape.RowsSmall ? random : null, story);
        var keys = shape.IsView ? string.Join(", ", stream.Partition.Key.Select(static name => $"\"{name}\"")) : "rid";
        for (var i = 0; i < leaves.Count; i++)
        {
            await run.ReadUnitAsync(header, leaves[i].Unit, i == 0 ? "CREATE TABLE all_rows AS" : "INSERT INTO all_rows");
            if (!leaves[i].IsFloor || keys.Length == 0) continue;
            await run.ReadUnitAsync(header, leaves[i].Unit, "CREATE OR REPLACE TABLE floor_rows AS");
            // Strings that differ in blanks at their ends are one bpchar; a key with a NULL has no ranges.
            var groups = int.Parse(run.Value($"SELECT count(DISTINCT ROW({keys}))::VARCHAR FROM floor_rows")!, CultureInfo.InvariantCulture);
            Assert.True(groups <= 1 || leaves[i].Unit.Label.EndsWith("is null", StringComparison.Ordinal) || shape.HasPadding, $"{groups} keys in {leaves[i].Unit.Slice}");
        }

        var actual = run.Rows("SELECT rid::text, md5(rid || pad) FROM all_rows ORDER BY all_rows.rid");
        Assert.True(expected.Count == actual.Count, $"{actual.Count} rows arrived, expected {expected.Count}");
        Assert.True(expected.Zip(actual).All(static pair => pair.First.SequenceEqual(pair.Second)), "other rows");
    }

    /// <summary>Cuts units until each is at its floor or, with a random, most of the time earlier: one path goes all the way down.</summary>
    private static async Task<List<(Unit Unit, bool IsFloor)>> LeavesAsync(
        ISource source, StreamHeader header, ImmutableArray<Unit> units, Random? random, List<string> story)
    {
        var leaves = new List<(Unit, bool)>();
        var open = new Stack<(Unit Unit, int Depth, bool Drill)>(units.Select(static unit => (unit, 0, true)));
        var splits = 0;
        while (open.TryPop(out var next))
        {
            if (random is not null && !next.Drill && random.Next(4) < next.Depth)
            {
                leaves.Add((next.Unit, false));
                continue;
            }

            Assert.True(next.Depth < 120 && ++splits < 1_000, $"it does not end: {next.Unit.Label}");
            var parts = await source.SplitAsync(header, next.Unit, CancellationToken.None);
            story.Add($"{next.Depth}: {next.Unit.Label} = {string.Join(" + ", parts.Select(static part => part.Label))}");
            Assert.DoesNotContain(parts, static part => part.Label.Length == 0);
            if (parts.IsEmpty) leaves.Add((next.Unit, true));
            var drilled = random?.Next(2);
            for (var i = 0; i < parts.Length; i++) open.Push((UnitOf(parts[i]), next.Depth + 1, next.Drill && (drilled is null || drilled == i)));
        }

        return leaves;
    }

    private static Unit UnitOf(PlannedUnit part) =>
        new() { Number = 1, Slice = part.Slice, Label = part.Label, EstimatedRows = part.EstimatedRows, EstimatedBytes = part.EstimatedBytes };

    /// <summary>A random table or view.</summary>
    private sealed class Shape
    {
        public const int RowsSmall = 60;

        private readonly List<(string Type, string Value)> _key;

        public Shape(Random random)
        {
            Rows = random.Next(3) switch { 0 => random.Next(3), 1 => random.Next(RowsSmall), _ => random.Next(3000) };
            _key = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => s_keys[random.Next(s_keys.Length)])];
            var nullShare = random.Next(3) switch { 0 => "0", 1 => "0.1", _ => "0.9" };
            var columns = string.Join(", ", _key.Select((k, i) => $"\"Key {i}\" {k.Type}{(nullShare == "0" ? " NOT NULL" : "")}"));
            var values = string.Join(", ", _key.Select(k => $"CASE WHEN random() >= {nullShare} THEN {k.Value} END"));
            var names = string.Join(", ", _key.Select((_, i) => $"\"Key {i}\""));
            Name = $"split_{random.Next():x}";
            IsView = random.Next(4) == 0;
            var isPartitioned = !IsView && random.Next(4) == 0;
            var table = $"{Name}_base";
            Sql = $"CREATE TABLE {table} (rid int4, {columns}, pad text)"
                + (isPartitioned
                    ? $" PARTITION BY HASH (rid); {string.Join(' ', Enumerable.Range(0, 3).Select(i => $"CREATE TABLE \"{Name} leaf {i}\" PARTITION OF {table} FOR VALUES WITH (MODULUS 3, REMAINDER {i});"))}"
                    : $" WITH (fillfactor = {random.Next(10, 101)});")
                + $" INSERT INTO {table} SELECT i, {values}, repeat('x', {random.Next(300)}) FROM generate_series(1, {Rows}) AS i; DELETE FROM {table} WHERE rid % 17 = 0;"
                + (random.Next(2) == 0 ? $" CREATE INDEX ON {table} ({names});" : "")
                + (random.Next(2) == 0 ? $" ANALYZE {table};" : "")
                + (IsView ? $" CREATE VIEW {Name} AS SELECT * FROM {table};" : "");
        }

        public string Name { get; }

        public string Sql { get; }

        public int Rows { get; }

        public bool IsView { get; }

        /// <summary>Whether values that differ in their texts can be one key.</summary>
        public bool HasPadding => _key.Exists(static k => k.Type is "bpchar(5)" or "numeric" or "float8");

        public StreamJob Stream(int version, Random random)
        {
            PartitionBy[] all = IsView
                ? [PartitionBy.Auto, PartitionBy.Id, PartitionBy.None]
                : [PartitionBy.Auto, PartitionBy.Id, PartitionBy.Hash, PartitionBy.None, PartitionBy.Date, PartitionBy.Pages];
            var by = all[random.Next(version < 14 ? all.Length - 1 : all.Length)];
            var isDate = _key[0].Type is "date" or "timestamptz";
            if (by == PartitionBy.Date && !isDate) by = PartitionBy.Id;
            ImmutableArray<string> every = [.. _key.Select(static (_, i) => $"Key {i}")];
            ImmutableArray<string> named = by switch
            {
                PartitionBy.Date => ["Key 0"],
                PartitionBy.Id => every,
                PartitionBy.Hash when random.Next(2) == 0 => ["Key 0"],
                PartitionBy.Auto or PartitionBy.None when IsView && random.Next(3) > 0 => every,
                PartitionBy.Auto when random.Next(2) == 0 => ["Key 0"],
                _ => [],
            };
            return PgRun.Stream(IsView ? Name : $"{Name}_base") with
            {
                Partition = new PartitionSpec { By = by, Key = named, Rows = Math.Max(1, Rows / random.Next(1, 6)) },
                Where = random.Next(3) == 0 ? "rid % 3 = 1 or pad = '' -- a comment" : null,
            };
        }
    }
}
