using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Telemetry;

namespace Millrace.Tests.Planning;

public sealed class BudgetTests
{
    [Fact]
    public void The_bounds_agree_with_each_other() => Limits.AssertRelations();

    [Fact]
    public void A_small_memory_limit_leaves_duckdb_its_least()
    {
        var budget = Budget.Of(new JobLimits { MemoryBytes = Limits.MemoryBytesMin, Workers = 2 });
        Assert.Equal(Limits.DuckDbBytesMin, budget.DuckDbBytes);
    }

    [Fact]
    public void A_large_one_is_shared_by_the_processes()
    {
        var budget = Budget.Of(new JobLimits { MemoryBytes = 8L << 30, Workers = 40, SourceConnections = 41 });
        Assert.Equal(3, budget.Processes);
        Assert.Equal(13, budget.ConnectionsPerProcess);
        Assert.Equal(((8L << 30) - (4 * Limits.ProcessOverheadBytes)) / 3, budget.DuckDbBytes);
    }

    [Fact]
    public void Without_a_limit_most_of_the_machine_is_the_ceiling_and_duckdb_gets_what_its_lanes_need()
    {
        var budget = Budget.Of(new JobLimits { Workers = 2 });
        Assert.InRange(budget.MemoryBytes, Limits.MemoryBytesMin, MachineMemory.Bytes);
        Assert.InRange(budget.DuckDbBytes, Limits.DuckDbBytesMin, Limits.DuckDbBytesBase + (2 * Limits.DuckDbBytesPerLane));
    }

    [Theory]
    [InlineData(128, 1)]
    [InlineData(256, 2)]
    [InlineData(512, 2)]
    [InlineData(8192, 40)]
    public void A_workers_share_holds_its_duckdb_and_what_duckdb_does_not_count(int megabytes, int workers)
    {
        var budget = Budget.Of(new JobLimits { MemoryBytes = megabytes * 1024L * 1024, Workers = workers });
        Assert.True(budget.WorkerBytes >= budget.DuckDbBytes + Limits.ProcessOverheadBytes, budget.ToString());
    }

    [Theory]
    [InlineData(256, 2, EngineChoice.Local, null)]
    [InlineData(128, 2, EngineChoice.Local, "limits.memory is 128 MB: set it to at least 240 MB")]
    [InlineData(256, 40, EngineChoice.Local, "limits.memory is 256 MB: set it to at least 528 MB, or limits.workers to 16")]
    [InlineData(256, 2, EngineChoice.InProc, null)]
    [InlineData(128, 2, EngineChoice.InProc, "limits.memory is 128 MB: set it to at least 144 MB")]
    public void A_budget_that_its_ceiling_does_not_hold_says_what_to_change(int megabytes, int workers, EngineChoice engine, string? why) =>
        Assert.Equal(why, Budget.Of(new JobLimits { MemoryBytes = megabytes * 1024L * 1024, Workers = workers }).WhyItDoesNotFit(engine));

    [Fact]
    public void A_ceiling_above_the_machine_is_said() =>
        Assert.Contains("more than the", Budget.Of(new JobLimits { MemoryBytes = 1L << 50 }).WhyItDoesNotFit(EngineChoice.Local), StringComparison.Ordinal);

    [Theory]
    [InlineData(10L, 10L, EngineChoice.InProc)]
    [InlineData(2_000_000L, 10L, EngineChoice.Local)]
    [InlineData(10L, 1L << 30, EngineChoice.Local)]
    [InlineData(null, null, EngineChoice.Local)]
    [InlineData(null, 10L, EngineChoice.InProc)]
    public void Auto_means_worker_processes_for_large_or_unknown_streams(long? rows, long? bytes, EngineChoice engine) =>
        Assert.Equal(engine, EngineRule.Pick(EngineChoice.Auto, rows, bytes));

    [Fact]
    public void What_the_user_says_counts() => Assert.Equal(EngineChoice.InProc, EngineRule.Pick(EngineChoice.InProc, null, null));
}
