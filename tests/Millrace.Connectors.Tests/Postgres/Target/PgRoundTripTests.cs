using System.Globalization;
using System.Text;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.Connectors.Tests.Postgres.Source;

namespace Millrace.Connectors.Tests.Postgres.Target;

/// <summary>Every type of PostgreSQL into another PostgreSQL: passed on as it comes, and decoded and encoded again. Compared by the servers' own texts.</summary>
public sealed class PgRoundTripTests(PgServers servers)
{
    private const string Columns = "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'public.t'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum";

    public static TheoryData<int, bool> Ways
    {
        get
        {
            var data = new TheoryData<int, bool>();
            foreach (var version in PgServers.Versions.Select(static row => row.Data))
            {
                data.Add(version, true);
                data.Add(version, false);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Every_type_is_what_it_was(int version, bool isPassed)
    {
        await using var bench = await PgTargetBench.CreateAsync(servers, version);
        var cases = TypeCases.All.Where(one => one.Since <= version).ToList();
        await bench.SourceAsync(TypeCases.Setup);
        await bench.TargetAsync(TypeCases.Setup);
        // Types with a form of their own are one table, which passes; all of them together are another, which does not.
        var table = new StringBuilder("CREATE TABLE public.t (id int");
        for (var i = 0; i < cases.Count; i++) table.Append(CultureInfo.InvariantCulture, $", c{i} {cases[i].Type}");
        table.Append(')');
        for (var row = 0; row < cases.Max(static one => one.Values.Length); row++)
        {
            table.Append(CultureInfo.InvariantCulture, $"; INSERT INTO public.t (id");
            var having = Enumerable.Range(0, cases.Count).Where(i => row < cases[i].Values.Length).ToList();
            foreach (var i in having) table.Append(CultureInfo.InvariantCulture, $", c{i}");
            table.Append(CultureInfo.InvariantCulture, $") VALUES ({row}");
            foreach (var i in having) table.Append(CultureInfo.InvariantCulture, $", {cases[i].Values[row].Sql}");
            table.Append(')');
        }

        await bench.SourceAsync($"SET search_path = types, public; {table}; INSERT INTO public.t (id) VALUES (1000)");
        // Types that pass as they come are one table; all that are not made of others are another.
        var odd = await bench.SourceRowsAsync(
            """
            SELECT a.attname FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid LEFT JOIN pg_type e ON e.oid = y.typelem AND e.typarray = y.oid
            WHERE a.attrelid = 'public.t'::regclass AND a.attnum > 1 AND NOT (coalesce(e.typnamespace, y.typnamespace) = 'pg_catalog'::regnamespace AND coalesce(e.typname, y.typname) <> ALL (
                '{oid,money,xid,xid8,cid,tid,pg_snapshot,txid_snapshot,int2vector,oidvector,regclass,regtype,regproc,regprocedure,regoper,regoperator,regrole,regnamespace,regconfig,regdictionary,regcollation}')
                AND format_type(a.atttypid, a.atttypmod) NOT IN ('numeric(5,-2)', 'numeric(3,5)', 'numeric(3,40)'))
            """);
        if (isPassed) await bench.SourceAsync($"ALTER TABLE public.t {string.Join(", ", odd.Select(static name => $"DROP COLUMN {name.Trim('(', ')')}"))}");

        await bench.MoveAsync(isPassed ? "streams.public.t.proof=hash" : "streams.public.t.on_reject=quarantine");

        Assert.Equal(isPassed, bench.IsPassed());
        var (before, after) = (await bench.SourceRowsAsync(Columns), await bench.TargetRowsAsync(Columns));
        Assert.Equal(before.Count, after.Count);
        // A type that only the source knows becomes text; a numeric of an odd scale the one that holds it exactly.
        Assert.All(before.Zip(after), pair => Assert.True(pair.First == pair.Second || (!isPassed && (pair.Second.Contains("text", StringComparison.Ordinal) || pair.First.Contains("numeric(5,-2)", StringComparison.Ordinal) || pair.First.Contains("numeric(3,5)", StringComparison.Ordinal))), pair.ToString()));
        Assert.Equal(await bench.SourceRowsAsync("SELECT * FROM public.t ORDER BY id"), await bench.TargetRowsAsync("SELECT * FROM public.t ORDER BY id"));
        await bench.AssertNothingLeftAsync();
    }
}
