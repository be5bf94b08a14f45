using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.SystemTests.Moves;

namespace Millrace.SystemTests;

/// <summary>In CSV an empty text is a pair of quotes and NULL is nothing at all: whoever looks can tell them apart.</summary>
public sealed class CsvNullTests(PgServers servers)
{
    // A field that stands for NULL when quoted or not is not the same field for DuckDB with this setting.
    private const string ByDuckDb =
        """
        import duckdb, sys
        rows = duckdb.sql("SELECT id, note, more FROM read_csv('%s', all_varchar = true, header = true, delim = ',', quote = '\"', escape = '\"', nullstr = '', allow_quoted_nulls = false) ORDER BY id::int" % sys.argv[1]).fetchall()
        print('\n'.join(repr(row) for row in rows))
        """;

    private const string ByPyArrow =
        """
        import pyarrow.dataset as d, sys
        rows = d.dataset(sys.argv[1]).to_table().sort_by('id').to_pylist()
        print('\n'.join(repr((str(row['id']), row['note'], row['more'])) for row in rows))
        """;

    private const string Expected =
        """
        ('1', '', None)
        ('2', None, '')
        ('3', '', '')
        ('4', None, None)
        ('5', ' ', 'NULL')
        ('6', '""', '\\N')
        ('7', 'a,b', 'c\nd')
        """;

    [Fact]
    public async Task Empty_text_and_null_stay_apart()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        await bench.ExecuteAsync(@"CREATE TABLE n AS SELECT * FROM (VALUES (1, '', NULL), (2, NULL, ''), (3, '', ''), (4, NULL, NULL), (5, ' ', 'NULL'), (6, '""""', '\N'), (7, 'a,b', E'c\nd')) AS v (id, note, more)");
        (await MoveAsync(bench, "${PG_URL}", bench["lake"], "--stream", "public.n", "--set", "format=csv")).Expect(0);
        var file = Assert.Single(Directory.GetFiles(bench["lake/n"], "*.csv"));
        Assert.Equal(Expected.ReplaceLineEndings("\n"), await Python.RunAsync(ByDuckDb, file));

        // And for ourselves, when the file comes back in.
        (await MoveAsync(bench, file, bench["back"], "--stream", "back")).Expect(0);
        Assert.Equal(Expected.ReplaceLineEndings("\n"), await Python.RunAsync(ByPyArrow, bench["back/back"]));
    }

    [Fact]
    public async Task A_single_column_has_empty_texts_and_refuses_null()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        await bench.ExecuteAsync("CREATE TABLE n AS SELECT v FROM (VALUES ('a'), (''), ('b')) AS v (v)");
        (await MoveAsync(bench, "${PG_URL}", bench["n.csv"], "--stream", "public.n")).Expect(0);
        Assert.Equal("v\na\n\"\"\nb\n", await File.ReadAllTextAsync(bench["n.csv"], TestContext.Current.CancellationToken));

        await bench.ExecuteAsync("INSERT INTO n VALUES (NULL)");
        var exit = (await MoveAsync(bench, "${PG_URL}", bench["n.csv"], "--stream", "public.n")).Expect(4);
        Assert.Contains("can't show NULL", exit.Stderr, StringComparison.Ordinal);
        Assert.Equal("v\na\n\"\"\nb\n", await File.ReadAllTextAsync(bench["n.csv"], TestContext.Current.CancellationToken));
    }

    private static Task<MillraceExit> MoveAsync(Workbench bench, string from, string to, params string[] more) =>
        MillraceProcess.RunAsync(["run", "--from", from, "--to", to, "--state", bench.State, .. more], bench.Begin());
}
