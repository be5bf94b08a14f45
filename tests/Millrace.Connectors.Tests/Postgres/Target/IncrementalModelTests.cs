using System.Globalization;
using System.Text;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.DuckDb;
using Millrace.Telemetry;

namespace Millrace.Connectors.Tests.Postgres.Target;

/// <summary>
/// Incremental loads against a model. Whatever has happened in the source between two loads (rows that came, came late, changed or went), and
/// whatever lag each load has, after each of them the target is what the model says, also where reading or publishing was cut off and a resumed run has ended it:
/// <list type="bullet">
/// <item>without a key, rows before the window are what they were, and the rest is the source's;</item>
/// <item>with one, the source's rows from the window on are in the place of those with their keys;</item>
/// <item>the window begins at the greatest cursor ever loaded, less the lag: a database takes the load's own lag, files that of the load before.</item>
/// </list>
/// Rows that come later than the lag are in no model: they are lost.
/// </summary>
public sealed class IncrementalModelTests(PgServers servers)
{
    private const int Rounds = 8;

    private static readonly string[] s_types = ["bigint", "timestamptz", "numeric(9,1)", "date"];

    private static readonly string[] s_shapes = ["format=parquet", "format=csv", "format=ndjson", "streams.public.t.write.partition_by=[v]", "streams.public.t.write.max_rows_per_file=5"];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_database_is_what_the_model_is(bool hasKey)
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        var seed = Random.Shared.Next();
        var play = new Play(bench, new Random(seed), hasKey, isFiles: false);
        await play.RunAsync(() => bench.TargetRowsAsync($"SELECT id, {play.Number} AS at, v FROM t"), seed);
    }

    [Fact]
    public async Task Files_are_what_the_model_is()
    {
        for (var times = 0; times < 2; times++)
        {
            await using var bench = await PgTargetBench.CreateAsync(servers);
            bench.Lake = bench.Folder["lake"];
            var seed = Random.Shared.Next();
            var play = new Play(bench, new Random(seed), hasKey: false, isFiles: true);
            await play.RunAsync(() => Task.FromResult(ReadFiles(play)), seed);
        }
    }

    private static List<string> ReadFiles(Play play)
    {
        // Partitions have no file without rows, and NDJSON without rows has no columns.
        if (!Directory.EnumerateFiles($"{play.Bench.Lake}/t", $"*.{play.Format}", SearchOption.AllDirectories).Any(static file => new FileInfo(file).Length > 0)) return [];
        using var database = DuckDbDatabase.Open(new Dictionary<string, string> { ["threads"] = "1" });
        using var connection = database.Connect();
        connection.Execute("SET TimeZone = 'UTC'");
        var path = $"{play.Bench.Lake}/t/**/*";
        var from = play.Format switch
        {
            "csv" => $"read_csv('{path}.csv', hive_partitioning = true)",
            "ndjson" => $"read_json('{path}.ndjson', hive_partitioning = true)",
            _ => $"read_parquet('{path}.parquet', hive_partitioning = true)",
        };
        using var rows = connection.Query($"SELECT '(' || id || ',' || {play.NumberInFiles} || ',' || v || ')' FROM {from}");
        var found = new List<string>();
        while (rows.Read()) found.Add(rows.GetText(0)!);
        return found;
    }

    private sealed record Row(int Id, int At, int V)
    {
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"({Id},{At},{V})");
    }

    /// <summary>One source and one target, changed and loaded again and again.</summary>
    private sealed class Play
    {
        private readonly Random _random;
        private readonly bool _hasKey;
        private readonly bool _isFiles;
        private readonly string _type;
        private readonly string _shape;
        private readonly StringBuilder _story = new();
        private readonly List<Row> _source = [];
        private List<Row> _target = [];
        private int? _watermark;
        private int? _window;
        private int _now = 100;
        private int _ids;

        public Play(PgTargetBench bench, Random random, bool hasKey, bool isFiles)
        {
            Bench = bench;
            _random = random;
            _hasKey = hasKey;
            _isFiles = isFiles;
            _type = s_types[random.Next(s_types.Length)];
            _shape = s_shapes[random.Next(s_shapes.Length)];
            Format = _shape.StartsWith("format", StringComparison.Ordinal) ? _shape[7..] : "parquet";
        }

        public PgTargetBench Bench { get; }

        public string Format { get; }

        /// <summary>The model's number of a cursor, in PostgreSQL.</summary>
        public string Number => _type switch
        {
            "timestamptz" => "extract(epoch FROM at - '2024-01-01 00:00Z'::timestamptz)::int",
            "date" => "at - '2024-01-01'::date",
            _ => "at::int",
        };

        public string NumberInFiles => _type switch
        {
            "timestamptz" => "epoch(\"at\"::TIMESTAMPTZ - '2024-01-01 00:00:00+00'::TIMESTAMPTZ)::INT",
            "date" => "\"at\"::DATE - '2024-01-01'::DATE",
            _ => "\"at\"::INT",
        };

        public async Task RunAsync(Func<Task<List<string>>> read, int seed)
        {
            _story.Append(CultureInfo.InvariantCulture, $"seed {seed}, {_type}, {(_isFiles ? _shape : _hasKey ? "key" : "no key")}");
            await Bench.SourceAsync($"CREATE TABLE t (id int PRIMARY KEY, at {_type}, v int)");
            for (var round = 0; round < Rounds; round++)
            {
                await ChangeAsync();
                var lag = _random.Next(3) switch { 0 => 0, 1 => 4, _ => 12 };
                await LoadAsync(lag);
                var found = await read();
                found.Sort(StringComparer.Ordinal);
                var expected = _target.ConvertAll(static row => row.ToString());
                expected.Sort(StringComparer.Ordinal);
                Assert.True(expected.SequenceEqual(found), $"{_story}\nonly the model has {string.Join(' ', expected.Except(found))}\nonly the target has {string.Join(' ', found.Except(expected))}, {found.Count} rows for {expected.Count}");
            }
        }

        /// <summary>Rows come, some as late as others, some before the watermark; rows change, and go.</summary>
        private async Task ChangeAsync()
        {
            var sql = new StringBuilder("SELECT 1");
            for (var i = _random.Next(8); i > 0; i--)
            {
                switch (_random.Next(6))
                {
                    case 0:
                        _now += _random.Next(6);
                        Insert(sql, _now);
                        break;
                    case 1:
                        Insert(sql, _now);
                        break;
                    case 2:
                        Insert(sql, _now - _random.Next(20));
                        break;
                    case 3 when _source.Count > 0:
                        var gone = _source[_random.Next(_source.Count)];
                        _source.Remove(gone);
                        sql.Append(CultureInfo.InvariantCulture, $"; DELETE FROM t WHERE id = {gone.Id}");
                        break;
                    case 4 when _source.Count > 0:
                        var at = _random.Next(_source.Count);
                        _source[at] = _source[at] with { At = _now += _random.Next(3), V = _random.Next(3) };
                        sql.Append(CultureInfo.InvariantCulture, $"; UPDATE t SET at = {Cursor(_source[at].At)}, v = {_source[at].V} WHERE id = {_source[at].Id}");
                        break;
                    default:
                        for (var more = 0; more < 5; more++) Insert(sql, _now++);
                        break;
                }
            }

            _story.Append('\n').Append(sql);
            await Bench.SourceAsync(sql.ToString());
        }

        private void Insert(StringBuilder sql, int at)
        {
            var row = new Row(_ids++, at, _random.Next(3));
            _source.Add(row);
            sql.Append(CultureInfo.InvariantCulture, $"; INSERT INTO t VALUES ({row.Id}, {Cursor(at)}, {row.V})");
        }

        private string Cursor(int at) => _type switch
        {
            "timestamptz" => string.Create(CultureInfo.InvariantCulture, $"'2024-01-01 00:00Z'::timestamptz + {at} * interval '1 second'"),
            "date" => string.Create(CultureInfo.InvariantCulture, $"'2024-01-01'::date + {at}"),
            _ => at.ToString(CultureInfo.InvariantCulture),
        };

        /// <summary>What the target must be after a load with this lag.</summary>
        private void Expect(int lag)
        {
            var from = _isFiles ? _window : _watermark - lag;
            var read = _source.Where(row => from is null || row.At >= from).ToList();
            var kept = _hasKey ? _target.Where(row => read.TrueForAll(other => other.Id != row.Id)) : _target.Where(row => row.At < from);
            _target = [.. kept, .. read];
            if (read.Count > 0) _watermark = Math.Max(_watermark ?? int.MinValue, read.Max(static row => row.At));
            if (_watermark is { } watermark) _window = Math.Max(_window ?? int.MinValue, watermark - lag);
            _story.Append(CultureInfo.InvariantCulture, $"\n-- load with lag {lag}: from {from}, {read.Count} rows, then loaded up to {_watermark}");
        }

        /// <summary>Loads; some loads are cut off, and a resumed run ends them, whatever the source has become meanwhile.</summary>
        private async Task LoadAsync(int lag)
        {
            var unit = _type switch { "timestamptz" => "s", "date" => "d", _ => "" };
            var sets = new List<string>
            {
                "streams.public.t.mode=incremental", "streams.public.t.cursor=at", "streams.public.t.partition.rows=7",
                unit == "d" ? string.Create(CultureInfo.InvariantCulture, $"streams.public.t.lag={lag * 24}h") : string.Create(CultureInfo.InvariantCulture, $"streams.public.t.lag={lag}{unit}"),
            };
            if (_hasKey) sets.Add("streams.public.t.key=[id]");
            if (_isFiles) sets.Add(_shape);
            var summary = _random.Next(3) switch
            {
                0 => await PublishingIsCutOffAsync(lag, [.. sets]),
                1 => await ReadingIsCutOffAsync(lag, [.. sets]),
                _ => await ExpectAsync(lag, () => Bench.TryMoveAsync([.. sets])),
            };
            Assert.True(summary.Status == RunStatus.Succeeded, _story + string.Join('\n', summary.Faults.Select(static fault => fault.Describe())));
        }

        /// <summary>All is read, and any step of the publication is the last: the resumed run publishes what was read.</summary>
        private async Task<RunSummary> PublishingIsCutOffAsync(int lag, string[] sets)
        {
            var left = _random.Next(12);
            string? died = null;
            Bench.Step = step =>
            {
                if (left-- == 0) throw new InvalidOperationException(died = step);
            };
            var summary = await ExpectAsync(lag, () => Bench.TryMoveAsync(sets));
            Bench.Step = static _ => { };
            if (died is null || summary.Status == RunStatus.Succeeded) return summary;
            _story.Append(CultureInfo.InvariantCulture, $", cut off after {died}");
            await ChangeAsync();
            return await Bench.ResumeAsync(sets);
        }

        /// <summary>Not all is read: the resumed run reads again, at its own moment.</summary>
        private async Task<RunSummary> ReadingIsCutOffAsync(int lag, string[] sets)
        {
            using var stop = new CancellationTokenSource();
            Bench.Listener = happened =>
            {
                if (happened is StreamPlanned) stop.Cancel();
            };
            var summary = await Bench.TryMoveAsync(stop.Token, sets);
            Bench.Listener = static _ => { };
            Assert.True(summary.Status != RunStatus.Succeeded, $"{_story}\nwas not cut off");
            _story.Append("\n-- reading is cut off");
            await ChangeAsync();
            return await ExpectAsync(lag, () => Bench.ResumeAsync(sets));
        }

        private Task<RunSummary> ExpectAsync(int lag, Func<Task<RunSummary>> load)
        {
            Expect(lag);
            return load();
        }
    }
}
