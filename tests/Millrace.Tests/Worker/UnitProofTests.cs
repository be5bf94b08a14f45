using System.Collections.Immutable;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Load;
using Millrace.Planning;
using Millrace.Runs;
using Millrace.Transform;
using Millrace.Worker;

namespace Millrace.Tests.Worker;

public sealed class UnitProofTests : IDisposable
{
    private const string Rows = "SELECT i AS id, 'text ' || i AS name FROM range(5000) AS r(i)";

    private readonly DuckDbDatabase _database = DuckDbDatabase.Open();
    private readonly DuckDbConnection _connection;
    private readonly HashTaps _taps = new("tap");
    private readonly ElementTaps _elements = new("element");

    public UnitProofTests()
    {
        _connection = _database.Connect();
        _taps.Attach(_connection);
    }

    public void Dispose()
    {
        _connection.Dispose();
        _database.Dispose();
    }

    [Fact]
    public async Task What_agrees_is_told()
    {
        using var proof = await RunAsync(Proof.Readback, new Output());
        Assert.StartsWith("h1:5000:", proof.Hash, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Counts_alone_hash_nothing()
    {
        using var proof = await RunAsync(Proof.Counts, new Output { Read = "nonsense" });
        Assert.Equal(Rows, proof.Over(Rows));
        Assert.Null(proof.Hash);
    }

    [Theory]
    [InlineData(Proof.Hash)]
    [InlineData(Proof.Readback)]
    public async Task Rows_that_go_into_buckets_are_not_hashed(Proof level)
    {
        using var proof = await RunAsync(level, new Output { Read = "nonsense" }, new BucketOutput(4, ["id"], 1000));
        Assert.Equal(Rows, proof.Over(Rows));
        Assert.Null(proof.Hash);
    }

    [Theory]
    [InlineData("SELECT i AS id, 'text ' || CASE i WHEN 4711 THEN '' ELSE i::VARCHAR END AS name FROM range(5000) AS r(i)")]
    [InlineData("SELECT i AS id, CASE WHEN i <> 4711 THEN 'text ' || i END AS name FROM range(5000) AS r(i)")]
    [InlineData("SELECT i // 2 * 2 AS id, 'text ' || i AS name FROM range(5000) AS r(i)")]
    [InlineData("SELECT i AS id, 'text ' || i AS name FROM range(4998) AS r(i)")]
    [InlineData("SELECT greatest(i, 1) AS id, 'text ' || greatest(i, 1) AS name FROM range(5000) AS r(i)")]
    [InlineData("SELECT CAST(error('the file is torn') AS BIGINT) AS id, '' AS name")]
    public async Task What_reads_back_differently_is_a_fault_that_names_the_file(string read)
    {
        var fault = await Assert.ThrowsAsync<Fault>(() => RunAsync(Proof.Readback, new Output { Read = read }));
        Assert.Equal((FaultKind.Data, FaultSide.Target, "some.file"), (fault.Kind, fault.Side, fault.Where));
    }

    [Fact]
    public async Task Columns_that_do_not_come_back_leave_the_others_to_be_compared()
    {
        const string OtherName = "SELECT i AS id, 'other' AS name FROM range(5000) AS r(i)";
        using var proof = await RunAsync(Proof.Readback, new Output { ReadBackColumns = ["id"], Read = OtherName });
        await Assert.ThrowsAsync<Fault>(() => RunAsync(Proof.Readback, new Output { ReadBackColumns = ["name"], Read = OtherName }));
        using var counted = await RunAsync(Proof.Readback, new Output { ReadBackColumns = [], Read = OtherName });
        await Assert.ThrowsAsync<Fault>(() => RunAsync(Proof.Readback, new Output { ReadBackColumns = [], Read = "SELECT 1 AS id" }));
    }

    [Theory]
    [InlineData(Proof.Counts, 5000, "SELECT 1", false)]
    [InlineData(Proof.Hash, 5000, "SELECT 1", false)]
    [InlineData(Proof.Hash, 4999, "SELECT 1", true)]
    [InlineData(Proof.Counts, 5001, "SELECT 1", true)]
    [InlineData(Proof.Readback, 5000, "SELECT i AS id FROM range(50) AS r(i)", false)]
    [InlineData(Proof.Readback, 5000, "SELECT i AS id FROM range(51) AS r(i)", true)]
    [InlineData(Proof.Readback, 5000, "SELECT i // 2 AS id FROM range(50) AS r(i)", true)]
    public async Task Elements_are_counted_and_hashed_as_the_rows_that_they_make(Proof level, long written, string read, bool isFault)
    {
        const string Elements = "SELECT i // 100 AS id, [i] AS name, i % 100 = 0 AS first FROM range(5000) AS r(i)";
        _elements.Attach(_connection);
        _connection.Execute("SET threads = 1");
        var output = new Output { ReadBackColumns = ["id"], Read = read, Elements = written };
        using var proof = UnitProof.OfElements(_elements, "first", _taps, Header(level, "BIGINT[]"), output);
        Task Check() => CheckAsync(proof, output, Elements);
        if (isFault)
        {
            Assert.Equal(FaultKind.Data, (await Assert.ThrowsAsync<Fault>(Check)).Kind);
            return;
        }

        await Check();
        using var whole = _taps.Open();
        _connection.Execute($"SELECT count(*) FROM ({whole.Over("SELECT i AS id, range(i * 100, i * 100 + 100) AS name FROM range(50) AS r(i)", ["id", "name"])})");
        Assert.Equal(level == Proof.Counts ? null : whole.Hash.ToString(), proof.Hash);
    }

    private async Task CheckAsync(UnitProof proof, Output output, string elements)
    {
        using (var answer = await _connection.QueryAsync($"SELECT count(*) FROM ({proof.Over(elements)})", CancellationToken.None))
            Assert.Equal(50, proof.RowsOfElements(output, answer));
        await proof.CompareAsync(output, _connection, CancellationToken.None);
    }

    private static StreamHeader Header(Proof level, string type) => new()
    {
        Run = "r", Stream = "public.t", To = "t", Generation = 1, ReaderJson = "{}", WriterJson = "{}", Proof = level,
        Columns = [Column("id", "BIGINT"), Column("name", type)],
    };

    private async Task<UnitProof> RunAsync(Proof level, Output output, BucketOutput? buckets = null)
    {
        var header = Header(level, "VARCHAR");
        var stage = new StageHeader { Number = 1, InputColumns = header.Columns, Output = buckets, RunStart = default };
        var proof = UnitProof.Of(_taps, buckets is null ? header : header with { Stage = stage }, output);
        try
        {
            await _connection.ExecuteAsync(proof.Over(Rows), CancellationToken.None);
            await proof.CompareAsync(output, _connection, CancellationToken.None);
            return proof;
        }
        catch
        {
            proof.Dispose();
            throw;
        }
    }

    private static Column Column(string name, string type) => new() { Name = name, SourceName = name, SourceType = type, Type = type };

    private sealed class Output : IUnitOutput, IWrittenRows
    {
        public ImmutableArray<string> ReadBackColumns { get; init; } = ["id", "name"];

        public string Read { get; init; } = Rows;

        public long Elements { get; init; }

        public string Select => Read;

        public string Place => "some.file";

        public ValueTask<IWrittenRows> ReadBackAsync(CancellationToken cancel) => ValueTask.FromResult<IWrittenRows>(this);

        public string CopyStatement(string select, int batchDivisor) => select;

        public long Answered(DuckDbResult answer) => 5000;

        public long AnsweredElements(DuckDbResult answer, long rows) => Elements;

        public ValueTask<WrittenOutput> CompleteAsync(CancellationToken cancel) => ValueTask.FromResult(new WrittenOutput(5000, []));

        public Fault? Explain(DuckDbException error) => null;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
