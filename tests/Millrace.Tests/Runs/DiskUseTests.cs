using Millrace.Faults;
using Millrace.Runs;
using Millrace.Testing;

namespace Millrace.Tests.Runs;

public sealed class DiskUseTests : IDisposable
{
    private const long Mega = 1 << 20;

    private readonly TempFolder _folder = new();
    private readonly List<string> _warnings = [];

    [Fact]
    public void Staged_bytes_and_spill_are_one_sum()
    {
        var use = Use(100 * Mega);
        use.Stage(60 * Mega);
        Spill("7-1", 39 * Mega);
        Assert.Null(use.Look());
        Spill("8-1", 2 * Mega);
        var fault = use.Look();
        Assert.Equal((FaultKind.Limit, "limits.disk", 5), (fault?.Kind, fault?.Where, fault?.ExitCode));
        Assert.Equal($"the run has {101 * Mega} bytes on disk, 60 MB staged and 41 MB spilled, and limits.disk is {100 * Mega}", fault!.Message);
        Assert.Contains("limits.memory", fault.Advice, StringComparison.Ordinal);

        // What was spilled has gone: the sum is as it was before.
        Directory.Delete(_folder["spill"], recursive: true);
        Assert.Null(use.Look());
    }

    [Fact]
    public void Staged_bytes_alone_fail_who_stages_them_and_nobody_else()
    {
        var use = Use(100 * Mega);
        use.Stage(100 * Mega);
        var fault = Assert.Throws<Fault>(() => use.Stage(1));
        Assert.Equal((FaultKind.Limit, "limits.disk"), (fault.Kind, fault.Where));
        Spill("7-1", Mega);
        Assert.Null(use.Look());
    }

    [Fact]
    public void A_warning_is_given_once_when_the_sum_gets_close()
    {
        var use = Use(100 * Mega);
        use.Stage(50 * Mega);
        Spill("7-1", 29 * Mega);
        Assert.Null(use.Look());
        Assert.Empty(_warnings);
        Spill("7-2", 2 * Mega);
        Assert.Null(use.Look());
        use.Stage(Mega);
        Assert.Equal("the run has 81 MB of the 100 MB of limits.disk: 50 MB staged and 31 MB spilled", Assert.Single(_warnings));
    }

    [Fact]
    public void What_is_left_for_spill_is_what_is_not_staged()
    {
        var use = Use(100 * Mega);
        use.Stage(60 * Mega);
        Spill("7-1", 30 * Mega);
        Assert.Equal(40 * Mega, use.BytesLeft);
        Assert.Throws<Fault>(() => use.Stage(50 * Mega));
        Assert.Equal(0, use.BytesLeft);
    }

    [Fact]
    public void Without_a_limit_the_disk_is_the_limit()
    {
        var use = Use(bytesMax: null);
        use.Stage(long.MaxValue / 2);
        Spill("7-1", Mega);
        Assert.Null(use.Look());
        Assert.Null(use.BytesLeft);
    }

    public void Dispose() => _folder.Dispose();

    private DiskUse Use(long? bytesMax) => new(_folder["spill"], bytesMax, _warnings.Add);

    private void Spill(string database, long bytes)
    {
        Directory.CreateDirectory(_folder[$"spill/{database}"]);
        using var file = File.Create(_folder[$"spill/{database}/duckdb_temp_storage_DEFAULT-0.tmp"]);
        file.SetLength(bytes);
    }
}
