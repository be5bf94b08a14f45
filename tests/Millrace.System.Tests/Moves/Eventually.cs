using System.Diagnostics;

namespace Millrace.SystemTests.Moves;

/// <summary>Waits for what another process does and no line tells: asks again and again, for a bounded time.</summary>
internal static class Eventually
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    /// <summary>Returns once the answer is yes; fails the test when that takes too long.</summary>
    public static async Task TrueAsync(string what, Func<Task<bool>> ask)
    {
        var began = Stopwatch.GetTimestamp();
        while (!await ask())
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < s_limit, $"not within {s_limit.TotalSeconds} s: {what}");
            await Task.Delay(TimeSpan.FromMilliseconds(20), TestContext.Current.CancellationToken);
        }
    }

    /// <summary>The same for a question that is answered at once.</summary>
    public static Task TrueAsync(string what, Func<bool> ask) => TrueAsync(what, () => Task.FromResult(ask()));
}
