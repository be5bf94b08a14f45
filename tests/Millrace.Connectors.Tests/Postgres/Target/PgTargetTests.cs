using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.Faults;
using Millrace.Telemetry;

namespace Millrace.Connectors.Tests.Postgres.Target;

/// <summary>Tables that are moved into PostgreSQL: made, added to, replaced, and what is refused. Looked at with Npgsql.</summary>
public sealed class PgTargetTests(PgServers servers)
{
    private const string Rows = "INSERT INTO t SELECT i, 'row ' || i, i / 8.0, CASE WHEN i % 3 > 0 THEN now() END FROM generate_series(1, 5000) AS i";

    public static TheoryData<int> Versions => PgServers.Versions;

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_table_that_is_not_there_is_made_with_the_source_s_types(int version)
    {
        await using var bench = await PgTargetBench.CreateAsync(servers, version);
        await bench.SourceAsync($"CREATE TABLE t (id bigint NOT NULL, name varchar(40), part numeric(12,3), at timestamptz); {Rows}");

        var summary = await bench.MoveAsync("streams.public.t.partition.rows=500");

        Assert.Equal(5000, summary.RowsWritten);
        Assert.Contains("public.t is made", bench.Remarks);
        Assert.Equal(await bench.SourceRowsAsync("SELECT * FROM t ORDER BY id"), await bench.TargetRowsAsync("SELECT * FROM t ORDER BY id"));
        Assert.Equal(
            ["(id,bigint,t)", "(name,\"character varying(40)\",f)", "(part,\"numeric(12,3)\",f)", "(at,\"timestamp with time zone\",f)"],
            await bench.TargetRowsAsync("SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0 ORDER BY attnum"));
        await bench.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task Rows_are_added_to_those_that_are_there()
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        await bench.SourceAsync($"CREATE TABLE t (id int, name text, part numeric, at timestamptz); {Rows}");
        await bench.TargetAsync("CREATE TABLE t (at timestamptz, name text DEFAULT 'x', more text DEFAULT 'kept', id bigint, part numeric(20,6)); INSERT INTO t (id) VALUES (0)");

        await bench.MoveAsync("streams.public.t.mode=append", "streams.public.t.types.part=decimal(18,6)");
        await bench.MoveAsync("streams.public.t.mode=append", "streams.public.t.types.part=decimal(18,6)");

        Assert.Equal("10001 25005000 1", await bench.TargetTextAsync("SELECT count(*) || ' ' || sum(id) || ' ' || count(DISTINCT more) FROM t"));
        await bench.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task What_does_not_fit_is_named_column_by_column_before_anything_is_read()
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        await bench.SourceAsync($"CREATE TABLE t (id bigint, name text, part float8, at timestamptz); {Rows}");
        await bench.TargetAsync("CREATE TABLE t (id int, name text, part real, at date, needed int NOT NULL)");

        var summary = await bench.TryMoveAsync("streams.public.t.mode=append", "streams.public.t.schema=freeze");

        var fault = Assert.Single(summary.Faults);
        Assert.Equal(FaultKind.Data, fault.Kind);
        Assert.Equal(
            "the rows do not fit into public.t: 'id' is integer, and what comes is BIGINT; 'part' is real, and what comes is DOUBLE; "
            + "'at' is date, and what comes is TIMESTAMP WITH TIME ZONE; 'needed' integer NOT NULL has no default, and no value comes for it",
            fault.Message);
        await bench.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task New_columns_and_wider_types_change_the_table_that_is_there()
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        await bench.SourceAsync($"CREATE TABLE t (id bigint, name text, part float8, at timestamptz); {Rows}");
        await bench.TargetAsync("CREATE TABLE t (id int PRIMARY KEY, part float8); INSERT INTO t VALUES (0, 1)");

        await bench.MoveAsync("streams.public.t.mode=append");

        Assert.Equal("bigint 5001 5000", await bench.TargetTextAsync("SELECT min(pg_typeof(id)::text) || ' ' || count(*) || ' ' || count(name) FROM t"));
    }

    [Fact]
    public async Task Values_whose_form_only_the_server_knows_arrive_as_their_types()
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        await bench.SourceAsync(
            """
            CREATE TABLE t (id int, span interval, place point, net inet, bits bit(5), price money, amount numeric, words tsvector, book xml);
            INSERT INTO t VALUES (1, '1 year 2 days 3.5 s', '(1,2)', '10.0.0.0/8', '10101', 12.5, 1e30, 'a b:2', '<a/>'); INSERT INTO t (id) VALUES (2)
            """);

        await bench.MoveAsync();
        await bench.MoveAsync();
        await bench.MoveAsync("streams.public.t.mode=append");

        var rows = await bench.SourceRowsAsync("SELECT * FROM t ORDER BY id");
        Assert.Equal([rows[0], rows[0], rows[1], rows[1]], await bench.TargetRowsAsync("SELECT * FROM t ORDER BY id"));
        Assert.Equal("point", await bench.TargetTextAsync("SELECT pg_typeof(place)::text FROM t LIMIT 1"));
    }

    [Fact]
    public async Task Names_that_try_to_inject_are_names()
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        const string Evil = "x\"; DROP TABLE t; --' {0}";
        await bench.SourceAsync($"CREATE TABLE t (id int, \"{Evil.Replace("\"", "\"\"", StringComparison.Ordinal)}\" text, \"Größe 𝒳\" int); INSERT INTO t VALUES (1, 'a', 2)");
        var to = "streams.public.t.to='\"s; --\".\"" + Evil.Replace("\"", "\"\"", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal) + "\"'";

        foreach (var mode in new[] { "overwrite", "overwrite", "append" }) await bench.MoveAsync(to, $"streams.public.t.mode={mode}");

        Assert.Equal("2", await bench.TargetTextAsync($"SELECT count(*)::text FROM \"s; --\".\"{Evil.Replace("\"", "\"\"", StringComparison.Ordinal)}\" WHERE \"Größe 𝒳\" = 2"));
        await bench.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task A_file_s_rows_become_a_table()
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        bench.Folder.Write("t.csv", "id,name,at,amount\n1,one,2024-01-01 12:00:00,1.5\n2,\"two\nlines\",2024-01-02 12:00:00,\n");

        var summary = await bench.TryMoveFileAsync("t.csv");

        Assert.Equal(RunStatus.Succeeded, summary.Status);
        Assert.Equal(["(1,one,\"2024-01-01 12:00:00\",1.5)", "(2,\"two\nlines\",\"2024-01-02 12:00:00\",)"], await bench.TargetRowsAsync("SELECT * FROM t ORDER BY id"));
    }

    [Fact]
    public async Task What_is_no_table_is_refused_at_once()
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        await bench.SourceAsync("CREATE TABLE t (id int)");
        await bench.TargetAsync("CREATE VIEW t AS SELECT 1 AS id");

        var fault = Assert.Single((await bench.TryMoveAsync()).Faults);

        Assert.Equal("public.t is a view, expected a table", fault.Message);
        Assert.Equal(3, fault.ExitCode);
    }

    [Theory]
    [InlineData("pg_temp.t", "is in a temporary schema: nobody else would see it")]
    [InlineData("pg_temp_3.t", "is in a temporary schema: nobody else would see it")]
    [InlineData("_millrace_t", "has a name that Millrace keeps for itself")]
    [InlineData("ä123456789012345678901234567890123456789012345678901234567890123", "is longer than a name of PostgreSQL may be")]
    public async Task Names_that_no_table_can_have_are_refused_before_anything_is_read(string to, string said)
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        await bench.SourceAsync("CREATE TABLE t (id int)");

        var fault = Assert.Single((await bench.TryMoveAsync($"streams.public.t.to={to}")).Faults);

        Assert.Contains(said, fault.Message, StringComparison.Ordinal);
        Assert.Equal(3, fault.ExitCode);
    }

    /// <summary>The server lets this user in twice at a time, which the coordinator and one lane take; a table of its own is exchanged without being superuser.</summary>
    [Fact]
    public async Task A_run_takes_no_more_connections_than_it_may_and_needs_no_superuser()
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        await bench.SourceAsync("CREATE TABLE t (id bigint, name text); INSERT INTO t SELECT i, 'n' || i FROM generate_series(1, 3000) AS i");
        bench.TargetUser = $"two_of_{await bench.TargetTextAsync("SELECT current_database()::text")}";
        await bench.TargetAsync(
            $"""
            CREATE ROLE {bench.TargetUser} LOGIN PASSWORD '{PgServer.Password}' CONNECTION LIMIT 2; CREATE SCHEMA s AUTHORIZATION {bench.TargetUser}; SET ROLE {bench.TargetUser};
            CREATE TABLE s.t (id bigint PRIMARY KEY, name text, n int GENERATED ALWAYS AS IDENTITY, m serial); CREATE STATISTICS s.some ON id, name FROM s.t; GRANT SELECT ON s.t TO PUBLIC; COMMENT ON SEQUENCE s.t_n_seq IS 'n'; RESET ROLE
            """);

        await bench.MoveAsync("streams.public.t.to=s.t", "streams.public.t.partition.rows=200", "limits.target_connections=2");

        Assert.Contains("s.t is exchanged for the new table", bench.Remarks);
        Assert.Equal("3000 4501500", await bench.TargetTextAsync("SELECT count(*) || ' ' || sum(id) FROM s.t"));
        Assert.Equal("some n", await bench.TargetTextAsync("SELECT stxname || ' ' || obj_description('s.t_n_seq'::regclass, 'pg_class') FROM pg_statistic_ext WHERE stxrelid = 's.t'::regclass"));
    }
}
