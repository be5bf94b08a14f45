using Millrace.SystemTests.Chaos.Database;

namespace Millrace.SystemTests.Chaos;

/// <summary>
/// The same as <see cref="ChaosTests"/> where rows go from PostgreSQL to PostgreSQL: statements to the target are stopped on their way, and the
/// server restarts, crashes, or is replaced by its standby.
/// </summary>
public sealed class PostgresChaosTests(ChaosGround ground) : IClassFixture<ChaosGround>
{
    private static readonly int[] s_seeds = [1, 2, 3, 4, 5, 6, 7, 8];

    public static TheoryData<int> Seeds => ChaosSeeds.Of(s_seeds);

    [Theory]
    [MemberData(nameof(Seeds))]
    public Task A_disturbed_run_ends_like_an_undisturbed_one(int seed) => ChaosSeeds.TryAsync(DatabasePlan.Of(seed), ground);
}
