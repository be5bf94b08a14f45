using Millrace.SystemTests.Chaos.Lake;

namespace Millrace.SystemTests.Chaos;

/// <summary>The runs of <see cref="ChaosTests"/> with jobs whose rows go through several stages: steps by key, and rows put together by folder.</summary>
public sealed class StageChaosTests(ChaosGround ground) : IClassFixture<ChaosGround>
{
    private static readonly int[] s_seeds = [1, 2, 3, 4];

    public static TheoryData<int> Seeds => ChaosSeeds.Of(s_seeds);

    [Theory]
    [MemberData(nameof(Seeds))]
    public Task A_disturbed_run_through_stages_ends_like_an_undisturbed_one(int seed) => ChaosSeeds.TryAsync(LakePlan.Of(seed, hasStages: true), ground);
}
