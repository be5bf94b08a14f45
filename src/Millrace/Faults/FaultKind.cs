namespace Millrace.Faults;

/// <summary>What kind of error a <see cref="Fault"/> is. Each kind has one documented exit code.</summary>
public enum FaultKind
{
    /// <summary>A bug or an unforeseen state inside Millrace. Exit code 1.</summary>
    Internal = 0,

    /// <summary>The command line is wrong. Exit code 2.</summary>
    Usage = 1,

    /// <summary>The job file is wrong. Exit code 2.</summary>
    JobFile = 2,

    /// <summary>The other system can't be reached: no such host, nobody listens, the connection broke. Exit code 3.</summary>
    Unreachable = 3,

    /// <summary>The other system answered and refused: wrong password, no right, no such table. Exit code 3.</summary>
    Refused = 4,

    /// <summary>A value or a file is not what its type or format says, or the target can't hold it. Exit code 4.</summary>
    Data = 5,

    /// <summary>A limit was hit: memory, disk, connections, time, rejected rows. Exit code 5.</summary>
    Limit = 6,

    /// <summary>Somebody asked to stop. Exit code 130.</summary>
    Cancelled = 7,

    /// <summary>A process of the run died or vanished. Exit code 1.</summary>
    Died = 8,
}
