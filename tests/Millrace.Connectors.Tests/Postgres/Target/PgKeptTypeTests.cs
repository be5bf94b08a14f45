using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.Connectors.Tests.Postgres.Source;
using Millrace.Faults;

namespace Millrace.Connectors.Tests.Postgres.Target;

/// <summary>What a column is in the source it is in the target, with every value, also where the server must cast it.</summary>
public sealed class PgKeptTypeTests(PgServers servers)
{
    public static TheoryData<int> Versions => PgServers.Versions;

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Every_type_with_its_values_is_there_twice_after_two_loads(int version)
    {
        await using var bench = await PgTargetBench.CreateAsync(servers, version);
        var cases = TypeCases.All.Where(c => c.Since <= version).ToList();
        await bench.SourceAsync(TypeCases.Setup + $"SET search_path = pg_catalog; CREATE TABLE public.t (k int4, {string.Join(", ", cases.Select(static (c, i) => $"c{i} {c.Type}"))})");
        for (var k = 0; k <= cases.Max(static c => c.Values.Length); k++)
        {
            var values = cases.Select(c => k < c.Values.Length ? $"({c.Values[k].Sql})::{c.Type}" : "NULL");
            await bench.SourceAsync($"SET search_path = pg_catalog; SET lc_monetary = 'C'; INSERT INTO public.t VALUES ({k}, {string.Join(", ", values)})");
        }

        await bench.MoveAsync();
        await bench.MoveAsync(); // an exchange: the table that is there is the model
        var verified = await bench.VerifyAsync();
        Assert.True(verified.Faults.IsEmpty, string.Join('\n', verified.Faults.Select(static fault => fault.Describe())));
        Assert.Equal("", string.Join(", ", verified.Streams[0].LeftOut.Select(name => name.StartsWith('c') ? cases[int.Parse(name[1..], System.Globalization.CultureInfo.InvariantCulture)].Type : name)));
        await bench.MoveAsync("streams.public.t.mode=append");

        var texts = $"SELECT k, {string.Join(", ", cases.Select(static (_, i) => $"c{i}::text"))} FROM";
        Assert.Equal(await bench.SourceRowsAsync($"{texts} (SELECT * FROM t UNION ALL SELECT * FROM t) AS t ORDER BY k"), await bench.TargetRowsAsync($"{texts} t ORDER BY k"));
        const string Types = "SELECT DISTINCT format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0 AND format_type(atttypid, atttypmod) LIKE 'types.%'";
        Assert.Equal(await bench.SourceRowsAsync($"{Types} AND atttypid <> 'types.floats'::regtype ORDER BY 1"), await bench.TargetRowsAsync($"{Types} ORDER BY 1"));
        await bench.AssertNothingLeftAsync();
    }

    [Theory]
    [InlineData("text", "'1.234'", "numeric(10,2)")]
    [InlineData("numeric", "1.234", "numeric(10,2)")]
    [InlineData("text", "'2024-01-01 00:00:00.5'", "timestamp(0)")]
    [InlineData("text[]", "'{1.234}'", "numeric(10,2)[]")]
    public async Task What_the_server_would_round_silently_is_refused(string from, string value, string to)
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        await bench.SourceAsync($"CREATE TABLE t (v {from}); INSERT INTO t VALUES ({value})");
        await bench.TargetAsync($"CREATE TABLE t (v {to})");

        var summary = await bench.TryMoveAsync("streams.public.t.mode=append");

        Assert.Equal(FaultKind.Data, Assert.Single(summary.Faults).Kind);
        Assert.Equal("0", await bench.TargetTextAsync("SELECT count(*)::text FROM t"));
    }

    [Fact]
    public async Task A_type_that_is_there_stays_as_it_is()
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        await bench.SourceAsync("CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TABLE t (m mood); INSERT INTO t VALUES ('sad')");
        await bench.TargetAsync("CREATE TYPE mood AS ENUM ('ok', 'sad', 'other')");

        await bench.MoveAsync();

        Assert.Equal("sad", await bench.TargetTextAsync("SELECT m::text FROM t"));
        Assert.Equal("3", await bench.TargetTextAsync("SELECT count(*)::text FROM pg_enum"));
    }
}
