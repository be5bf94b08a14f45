using Millrace.Jobs;
using Millrace.Keeper;
using Millrace.Runs;
using Millrace.Testing;

namespace Millrace.Tests.Runs;

public sealed class KeeperSignTests : IDisposable
{
    private readonly TempFolder _state = new();
    private readonly RunDirectory _run;

    public KeeperSignTests()
    {
        var job = JobReader.ReadShortForm(new JobOverrides { From = "in.csv", To = "out" }, _state.Path).Job!;
        _run = RunDirectory.Create(_state.Path, job, DateTimeOffset.UnixEpoch);
    }

    public void Dispose() => _state.Dispose();

    [Fact]
    public void Signs_of_any_coordinator_are_seen_until_the_end()
    {
        var path = new KeeperSign(_run).Begin(1);
        var texts = new HashSet<string?> { KeeperSign.Read(path) };
        var other = new KeeperSign(_run);
        for (var sign = 0; sign < 3; sign++)
        {
            other.Give();
            Assert.True(texts.Add(KeeperSign.Read(path)));
        }

        Assert.True(other.IsKept());
        other.End();
        Assert.Null(KeeperSign.Read(path));
        Assert.False(other.IsKept());

        // A keeper that was told to end is not called back.
        other.Give();
        Assert.Null(KeeperSign.Read(path));
    }

    [Fact]
    public void A_second_keeper_does_not_keep_the_first_alive()
    {
        var sign = new KeeperSign(_run);
        var first = sign.Begin(1);
        sign.End();
        var second = sign.Begin(2);
        sign.Give();
        Assert.Null(KeeperSign.Read(first));
        Assert.NotNull(KeeperSign.Read(second));
    }

    [Fact]
    public void A_run_without_a_keeper_gets_no_file()
    {
        var sign = new KeeperSign(_run);
        sign.Give();
        sign.End();
        Assert.False(sign.IsKept());
        Assert.Empty(Directory.GetFiles(_run.Path, "keeper*"));
    }

    [Fact]
    public void A_keeper_whose_run_directory_is_removed_ends()
    {
        var path = new KeeperSign(_run).Begin(1);
        Directory.Delete(_run.Path, recursive: true);
        Assert.Null(KeeperSign.Read(path));
    }
}
