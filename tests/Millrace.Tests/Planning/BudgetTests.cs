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
        Assert.Equal(Limits.DuckDbBytesAloneMin, budget.DuckDbBytesAlone);
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
    public void Without_a_limit_most_of_the_machine_is_the_ceiling_and_duckdb_gets_what_a_large_row_needs()
    {
        var budget = Budget.Of(new JobLimits { Workers = 2 });
        Assert.InRange(budget.MemoryBytes, Limits.MemoryBytesMin, MachineMemory.Bytes);
        Assert.InRange(budget.DuckDbBytes, Limits.DuckDbBytesAloneMin, Limits.DuckDbBytesUnasked);
    }

    [Theory]
    [InlineData(192, 2)]
    [InlineData(512, 2)]
    [InlineData(8192, 40)]
    public void The_workers_shares_and_the_coordinator_are_the_ceiling(int megabytes, int workers)
    {
        var budget = Budget.Of(new JobLimits { MemoryBytes = megabytes * 1024L * 1024, Workers = workers });
        Assert.InRange((budget.Processes * budget.WorkerBytes) + Limits.CoordinatorBytes, budget.MemoryBytes - budget.Processes, budget.MemoryBytes);
    }

    [Theory]
    [InlineData(128, 2, 64, true)]
    [InlineData(192, 2, 64, true)]
    [InlineData(256, 2, 112, true)]
    [InlineData(399, 2, 255, true)]
    [InlineData(400, 2, 256, false)]
    [InlineData(512, 2, 320, false)]
    [InlineData(512, 32, 136, true)]
    public void DuckDB_has_what_a_workers_share_leaves_and_what_a_large_row_needs_where_a_unit_is_alone(int megabytes, int workers, int duckDb, bool isLittle)
    {
        var budget = Budget.Of(new JobLimits { MemoryBytes = megabytes * 1024L * 1024, Workers = workers });
        Assert.Equal(duckDb, budget.DuckDbBytes >> 20);
        Assert.Equal(duckDb, budget.DuckDbBytesOf(EngineChoice.Local) >> 20);
        Assert.Equal(Math.Max(duckDb, 256), budget.DuckDbBytesAlone >> 20);
        Assert.Equal(Math.Max(duckDb, 256), budget.DuckDbBytesOf(EngineChoice.InProc) >> 20);
        Assert.Equal(isLittle, budget.HasLittleMemory);
    }

    [Fact]
    public void Whatever_the_limits_shares_keep_to_the_ceiling_or_to_their_least_and_what_does_not_fit_is_said()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var i = 0; i < 5_000; i++)
        {
            var limits = new JobLimits
            {
                MemoryBytes = Limits.MemoryBytesMin + random.NextInt64(random.Next(2) == 0 ? 1L << 30 : MachineMemory.Bytes - Limits.MemoryBytesMin),
                Workers = random.Next(1, Limits.WorkersMax + 1),
                SourceConnections = random.Next(1, Limits.SourceConnectionsMax + 1),
                TargetConnections = random.Next(1, Limits.TargetConnectionsMax + 1),
            };
            var budget = Budget.Of(limits);
            var text = $"seed {seed}: {limits}: {budget}";
            var together = Limits.CoordinatorBytes + (budget.Processes * budget.WorkerBytes);
            Assert.True(together <= budget.MemoryBytes || budget.WorkerBytes == Limits.WorkerBytesMin, text);
            Assert.True(budget.WorkerBytes >= Limits.WorkerBytesMin && budget.DuckDbBytes >= Limits.DuckDbBytesMin && budget.ConnectionsPerProcess >= 1, text);
            Assert.True(budget.Lanes == limits.Workers && budget.Processes * Limits.LanesPerProcessMax >= budget.Lanes && budget.Processes <= budget.Lanes, text);
            Assert.True(budget.ConnectionsPerProcess == 1 || (budget.Processes * budget.ConnectionsPerProcess) < limits.SourceConnections, text);
            Assert.True(budget.TargetConnectionsPerProcess == 1 || (budget.Processes * budget.TargetConnectionsPerProcess) < limits.TargetConnections, text);
            foreach (var engine in (EngineChoice[])[EngineChoice.InProc, EngineChoice.Local])
                Assert.True(budget.WhyItDoesNotFit(engine) is null == budget.PeakBytes(engine) <= budget.MemoryBytes, text);
        }
    }

    [Theory]
    [InlineData(192, 2, EngineChoice.Local, null)]
    [InlineData(176, 2, EngineChoice.Local, null)]
    [InlineData(128, 2, EngineChoice.Local, "limits.memory is 128 MB: set it to at least 176 MB")]
    [InlineData(256, 40, EngineChoice.Local, "limits.memory is 256 MB: set it to at least 432 MB, or limits.workers to 16")]
    [InlineData(128, 2, EngineChoice.InProc, null)]
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
        Assert.Equal(engine, EngineRule.Pick(EngineChoice.Auto, 8L << 30, rows, bytes));

    [Fact]
    public void Where_there_is_little_memory_a_worker_is_at_risk_and_not_the_run() =>
        Assert.Equal(EngineChoice.Local, EngineRule.Pick(EngineChoice.Auto, Limits.InProcMemoryBytesMin - 1, 10, 10));

    [Fact]
    public void What_the_user_says_counts() => Assert.Equal(EngineChoice.InProc, EngineRule.Pick(EngineChoice.InProc, 1, null, null));
}
