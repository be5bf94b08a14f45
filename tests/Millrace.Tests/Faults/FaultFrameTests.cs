using System.Globalization;
using System.Text.Json;
using Millrace.Faults;
using Millrace.Runs;
using Millrace.Worker;

namespace Millrace.Tests.Faults;

/// <summary>A fault that is the program's own says where in the program it came up, on whatever way it reaches the user.</summary>
public sealed class FaultFrameTests
{
    private const string Here = $"{nameof(Millrace)}.{nameof(Tests)}.{nameof(Faults)}.{nameof(FaultFrameTests)}";

    [Fact]
    public async Task An_internal_fault_names_calls_and_lines_and_nothing_else()
    {
        var fault = await InternalAsync("secret-1");
        Assert.Matches($@"^{Here}\.BreakAsync(:\d+)?$", fault.Frames[0]);
        Assert.Matches($@"^{Here}\.InternalAsync(:\d+)?$", fault.Frames[1]);
        Assert.DoesNotContain(fault.Frames, static frame => frame.Contains("secret", StringComparison.Ordinal) || frame.Contains('(', StringComparison.Ordinal) || frame.Contains('/', StringComparison.Ordinal));
        Assert.Contains($"\n  at {fault.Frames[0]}\n  at {fault.Frames[1]}", fault.Describe(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_survives_the_border_between_worker_and_coordinator_and_the_report()
    {
        var fault = await InternalAsync("x");
        var answer = JsonSerializer.Deserialize(JsonSerializer.Serialize(new WorkerOutput { Order = 1, Fault = fault }, WorkerJson.Default.WorkerOutput), WorkerJson.Default.WorkerOutput)!;
        var arrived = await Record.ExceptionAsync(() => Task.FromException(answer.Fault!));
        Assert.Equal(fault.Frames, Assert.IsType<Fault>(arrived).Frames);

        // Told anew by who knows more about it.
        var named = new Fault(FaultKind.Internal, "of a stream", Assert.IsType<Fault>(arrived));
        Assert.Equal(fault.Frames, named.Frames);
    }

    [Fact]
    public async Task What_a_wrapped_exception_came_through_is_first()
    {
        var inner = await Record.ExceptionAsync(() => BreakAsync("x"));
        var outer = Record.Exception(() => Throw(new DuckDb.DuckDbException(DuckDb.DuckDbErrorType.Internal, "it broke", inner!)));
        var fault = DuckDbFaults.Translate(new DuckDb.DuckDbException(DuckDb.DuckDbErrorType.Internal, "it broke", outer), new UnitOrder
        {
            Id = 1, Generation = 1, Fingerprint = "f", Attempt = 1, Stream = "t", Unit = new Unit { Number = 0, Slice = "", Label = "all" },
        });
        Assert.Equal(FaultKind.Internal, fault.Kind);
        Assert.StartsWith($"{Here}.BreakAsync", fault.Frames[0], StringComparison.Ordinal);
        Assert.Contains(fault.Frames, static frame => frame.Contains(nameof(What_a_wrapped_exception_came_through_is_first), StringComparison.Ordinal));
    }

    [Fact]
    public void A_fault_that_is_not_the_programs_has_none()
    {
        var fault = Assert.IsType<Fault>(Record.Exception(static () => Throw(new Fault(FaultKind.Data, "a value") { Advice = "do" })));
        Assert.Empty(fault.Frames);
        Assert.Equal("a value\n  do", fault.Describe());
    }

    [Fact]
    public void There_are_never_more_than_a_reader_can_bear()
    {
        var fault = Faulted.From(Record.Exception(static () => { Deep(200); })!);
        Assert.Equal(Limits.FaultFramesMax, fault.Frames.Length);
        Assert.Equal(Limits.FaultFramesShownMax, fault.Describe().Split('\n').Count(static line => line.StartsWith("  at ", StringComparison.Ordinal)));
    }

    private static void Throw(Exception error) => throw error;

    private static int Deep(int calls) => calls == 0 ? throw new InvalidOperationException("deep") : Deep(calls - 1) + 1;

    private static async Task<Fault> InternalAsync(string value)
    {
        try
        {
            await BreakAsync(value);
            throw new InvalidOperationException("it did not break");
        }
        catch (FormatException error)
        {
            return Faulted.From(error);
        }
    }

    private static async Task BreakAsync(string value)
    {
        await Task.Yield();
        throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"a text of {value.Length} characters"));
    }
}
