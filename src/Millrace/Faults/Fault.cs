using System.Collections.Immutable;
using System.Text;

namespace Millrace.Faults;

/// <summary>
/// The one error type of Millrace: what went wrong, on which side, whether trying again can help, and what to do about it.
/// Everything that decides (retry, exit code, report) reads these properties and never the text.
/// </summary>
public sealed class Fault : Exception
{
    private const string Own = $"{nameof(Millrace)}.";

    /// <summary>A fault with a message for people: what was found, what was expected.</summary>
    public Fault(FaultKind kind, string message, Exception? inner = null)
        : base(message, inner) => Kind = kind;

    /// <summary>What kind of error this is; decides the exit code.</summary>
    public FaultKind Kind { get; }

    /// <summary>Whose fault it is: the job file, the source, the transform, the target or the run itself.</summary>
    public FaultSide Side { get; init; } = FaultSide.Run;

    /// <summary>True when the same attempt can succeed later without anybody changing anything (a lost connection, a busy server).</summary>
    public bool Retryable { get; init; }

    /// <summary>
    /// True when a smaller unit can succeed where this one failed: its worker died on it, or it needs more memory than there is. Such a unit
    /// is divided when trying again does not help.
    /// </summary>
    public bool Divisible { get; init; }

    /// <summary>True when what is too large is the rows of one key: a part of the unit would have them all as well.</summary>
    public bool IsOneKey { get; init; }

    /// <summary>Where: a key and line of the job file, or a file, row and column of the data. Null when the message says it all.</summary>
    public string? Where { get; init; }

    /// <summary>What the user can do about it, as an imperative sentence. Null when the message says it all.</summary>
    public string? Advice { get; init; }

    /// <summary>The other system's own error code (a SQLSTATE, an errno name), when there is one.</summary>
    public string? Code { get; init; }

    /// <summary>
    /// Where in the program an <see cref="FaultKind.Internal"/> fault came up, the innermost call first, each as <c>Type.Method:line</c>: who mends it
    /// has only what the user reports. Empty for other kinds, which are not the program's.
    /// </summary>
    public ImmutableArray<string> Frames
    {
        get => !Recorded.IsDefault ? Recorded : Kind == FaultKind.Internal ? FaultFrames.Of(this) : [];
        init => Recorded = value;
    }

    /// <summary>The frames that came with the fault from another process or a file; default: it came up here.</summary>
    internal ImmutableArray<string> Recorded { get; private init; }

    /// <summary>The process exit code for this fault, as documented in <c>docs/reference/exit-codes.md</c>.</summary>
    public int ExitCode => Kind switch
    {
        FaultKind.Usage or FaultKind.JobFile => 2,
        FaultKind.Unreachable or FaultKind.Refused => 3,
        FaultKind.Data => 4,
        FaultKind.Limit => 5,
        FaultKind.Cancelled => 130,
        _ => 1,
    };

    /// <summary>The whole story on a few lines: where, message, advice, and the first calls of ours that an internal fault came through. What the console prints.</summary>
    public string Describe()
    {
        var text = Where is null ? Message : $"{Where}: {Message}";
        var told = new StringBuilder(Advice is null ? text : $"{text}\n  {Advice}");
        foreach (var frame in Frames.Where(static frame => frame.StartsWith(Own, StringComparison.Ordinal)).Take(Limits.FaultFramesShownMax))
            told.Append("\n  at ").Append(frame);
        return told.ToString();
    }
}
