using Millrace.SystemTests.Chaos.Database;
using Millrace.SystemTests.Chaos.Faults;
using Millrace.SystemTests.Chaos.Points;

namespace Millrace.SystemTests.Chaos;

/// <summary>The target's server is lost in the middle, and its standby takes over under the same address: every row is there exactly once.</summary>
public sealed class PostgresFailOverTests(ChaosGround ground) : IClassFixture<ChaosGround>
{
    [Theory]
    [InlineData("Exchange", "the publication's commit is heard of", false)]
    [InlineData("Append", "an attempt is noted", true)]
    [InlineData("Incremental", "the publication is committed", false)]
    public async Task After_a_fail_over_every_row_is_there_once(string mode, string point, bool oldLivesOn)
    {
        var moment = new ChaosMoment(StatementPoint.All.Single(known => known.Name == point), 1);
        var fault = new FailOverFault(oldLivesOn);
        var plan = new DatabasePlan
        {
            Seed = 1,
            IsServer = true,
            Mode = Enum.Parse<DatabaseMode>(mode),
            IsNew = false,
            IsDecoded = false,
            IsOneServer = false,
            IsEncrypted = false,
            IsTargetEncrypted = false,
            Rows = [1200],
            Disk = ChaosDisk.None,
            HasClock = false,
            Rounds = [(moment, fault)],
        };

        var outcome = await ChaosSeeds.TryAsync(plan, ground);

        Assert.Equal([fault.Name], outcome.Struck);
    }
}
