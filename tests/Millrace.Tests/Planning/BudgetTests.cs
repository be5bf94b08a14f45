using Millrace.Jobs;
using Millrace.Planning;

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
