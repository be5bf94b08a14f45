namespace Millrace.Faults;

/// <summary>Any exception as a fault, at the edges where exceptions of all kinds arrive.</summary>
public static class Faulted
{
    private const int DiskFull = unchecked((int)0x80070070);
    private const int NoSpaceOnDevice = 28;

    /// <summary>The fault itself, or what the exception means.</summary>
    public static Fault From(Exception error) => error switch
    {
        Fault fault => fault,
        AggregateException { InnerExceptions: [var only] } => From(only),
        OperationCanceledException => new Fault(FaultKind.Cancelled, "it was cancelled", error),
        OutOfMemoryException => new Fault(FaultKind.Limit, "the process has run out of memory", error)
        {
            Divisible = true,
            Advice = "Lower limits.workers or raise limits.memory.",
        },
        IOException { HResult: DiskFull or NoSpaceOnDevice } => new Fault(FaultKind.Limit, $"the disk is full: {error.Message}", error)
        {
            Advice = "Free some space, then `millrace resume` goes on where it stopped.",
        },
        UnauthorizedAccessException => new Fault(FaultKind.Refused, error.Message, error) { Advice = "Check the rights on that path." },
        IOException => new Fault(FaultKind.Refused, error.Message, error),
        _ => new Fault(FaultKind.Internal, $"{error.GetType().Name}: {error.Message}", error)
        {
            Advice = "This is a bug in Millrace: please report it with the command and this message.",
        },
    };
}
