using Millrace.SystemTests.Chaos.Database;

namespace Millrace.SystemTests.Chaos;

/// <summary>
/// The same as <see cref="ChaosTests"/> where rows go from PostgreSQL to PostgreSQL: statements to the target are stopped on their way, and the
/// server restarts, crashes, or is replaced by its standby.
/// </summary>
public sealed class PostgresChaosTests(ChaosGround ground) : IClassFixture<ChaosGround>
{
    // The last one has found something once: a coordinator that was cut off in the transaction that publishes, and held up the one after it.
    private static readonly int[] s_seeds = [6, 13, 34, 43, 45, 54, 60, 391];

    public static TheoryData<int> Seeds => ChaosSeeds.Of(s_seeds);

    [Theory]
    [MemberData(nameof(Seeds))]
    public Task A_disturbed_run_ends_like_an_undisturbed_one(int seed) => ChaosSeeds.TryAsync(DatabasePlan.Of(seed), ground);
}
