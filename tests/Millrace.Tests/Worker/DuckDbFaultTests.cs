using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Runs;
using Millrace.Worker;

namespace Millrace.Tests.Worker;

/// <summary>What DuckDB's errors mean for a unit.</summary>
public sealed class DuckDbFaultTests
{
    [Fact]
    public void Memory_that_is_missing_is_a_limit_wherever_it_was_missing()
    {
        Exception[] thrown = [new InsufficientMemoryException("no room"), new DuckDbException(DuckDbErrorType.OutOfMemory, "no room")];
        foreach (var fault in thrown.Select(static error => Translate(new(DuckDbErrorType.InvalidInput, "no room", error))).Append(Translate(new(DuckDbErrorType.OutOfMemory, "no room"))))
        {
            Assert.Equal(FaultKind.Limit, fault.Kind);
            Assert.True(fault.Divisible);
            Assert.EndsWith("no room", fault.Message, StringComparison.Ordinal);
        }

        Assert.Equal(FaultKind.Data, Translate(new(DuckDbErrorType.InvalidInput, "no number")).Kind);
    }

    [Fact]
    public void Advice_on_settings_that_nobody_can_set_is_left_out()
    {
        var fault = Translate(new(DuckDbErrorType.OutOfMemory, "failed to allocate 1 MiB\n\nPossible solutions:\n* Reducing the number of threads"));
        Assert.EndsWith("failed to allocate 1 MiB", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Disk_that_is_missing_is_told_apart_from_memory()
    {
        var fault = Translate(new(DuckDbErrorType.OutOfMemory, "failed to offload data block of size 256.0 KiB (57.0 MiB/57.2 MiB used).\nThis limit was set by the 'max_temp_directory_size' setting.\nBy default, more"));
        Assert.Equal((FaultKind.Limit, true), (fault.Kind, fault.Divisible));
        Assert.EndsWith("than limits.disk leaves beside what is staged: failed to offload data block of size 256.0 KiB (57.0 MiB/57.2 MiB used).", fault.Message, StringComparison.Ordinal);
        Assert.StartsWith("Raise limits.disk", fault.Advice, StringComparison.Ordinal);
    }

    private static Fault Translate(DuckDbException error) => DuckDbFaults.Translate(error, new UnitOrder
    {
        Id = 1,
        Generation = 1,
        Fingerprint = "f",
        Attempt = 1,
        Stream = "public.t",
        Unit = new Unit { Number = 0, Slice = "", Label = "pages 0-11" },
    });
}
