using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Runs;
using Millrace.Testing;
using Millrace.Worker;

namespace Millrace.Tests.Worker;

/// <summary>What a worker's DuckDB may spill is bounded, really.</summary>
public sealed class SpillTests : IDisposable
{
    private readonly TempFolder _folder = new();

    [Theory]
    [InlineData(8L << 20, true)]
    [InlineData(0, true)]
    [InlineData(1L << 30, false)]
    public void A_sort_spills_no_more_than_it_may(long most, bool isTooMuch)
    {
        using var session = DuckDbSession.Open(Settings with { SpillBytes = most }, _folder["spill"], oneStatement: false, [_folder.Path], static _ => { });
        var connection = session.Rent();
        var thrown = Record.Exception(() => connection.Execute(
            $"COPY (SELECT md5(i::VARCHAR) AS a, md5((i + 1)::VARCHAR) AS b, md5((i + 2)::VARCHAR) AS c FROM range(600000) AS t(i) ORDER BY a) TO '{_folder["sorted.parquet"]}' (FORMAT parquet)"));
        session.Return(connection);
        if (!isTooMuch)
        {
            Assert.Null(thrown);
            return;
        }

        var fault = DuckDbFaults.Translate(Assert.IsType<DuckDbException>(thrown), Order);
        Assert.Equal((FaultKind.Limit, true), (fault.Kind, fault.Divisible));
        Assert.Contains("would spill more to disk than limits.disk leaves", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_dead_process_has_spilled_goes()
    {
        foreach (var name in (string[])["7-1", "7-2", "77-1"]) _folder.Write($"spill/{name}/duckdb_temp_storage_DEFAULT-0.tmp", "x");
        RunDirectory.RemoveSpill(_folder.Path, 7);
        Assert.Equal(["77-1"], Directory.EnumerateDirectories(_folder["spill"]).Select(Path.GetFileName));
        RunDirectory.RemoveSpill(_folder["none"], 7);
    }

    public void Dispose() => _folder.Dispose();

    private static WorkerSettings Settings => new()
    {
        RunDirectory = "/none", Epoch = 1, Source = "none", Target = "none", Format = FileFormat.Parquet, BaseDirectory = "/", Lanes = 1, Connections = 1, DuckDbBytes = 64L << 20,
    };

    private static UnitOrder Order => new()
    {
        Id = 0, Stream = "events", Generation = 1, Unit = new Unit { Number = 0, Slice = "{}", Label = "all" }, Fingerprint = "aa", Attempt = 1,
    };
}
