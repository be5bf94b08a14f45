using System.Collections.Immutable;

namespace Millrace.Faults;

/// <summary>
/// Where in the program an exception came up: types, methods and, where the program has its symbols, line numbers. Nothing of what these
/// worked on is in them, so no secret can be.
/// </summary>
internal static class FaultFrames
{
    private const string At = "at ";
    private const string Line = ":line ";

    /// <summary>The calls of an exception and of those that it wraps, each as <c>Type.Method:line</c>; the innermost exception's innermost call first.</summary>
    public static ImmutableArray<string> Of(Exception error)
    {
        var frames = ImmutableArray.CreateBuilder<string>();
        Add(error, frames);
        return frames.ToImmutable();
    }

    private static void Add(Exception error, ImmutableArray<string>.Builder frames)
    {
        if (error.InnerException is { } inner) Add(inner, frames);

        // What crossed a process border has brought its own.
        if (error is Fault { Recorded: { IsDefault: false } recorded })
        {
            foreach (var frame in recorded) Add(frame, frames);
            return;
        }

        foreach (var line in (error.StackTrace ?? "").AsSpan().EnumerateLines())
        {
            var text = line.Trim();
            if (text.StartsWith(At, StringComparison.Ordinal)) Add(Short(text[At.Length..]), frames);
        }
    }

    private static void Add(string frame, ImmutableArray<string>.Builder frames)
    {
        if (frames.Count < Limits.FaultFramesMax) frames.Add(frame);
    }

    /// <summary>Without parameters and the path of the source file.</summary>
    private static string Short(ReadOnlySpan<char> frame)
    {
        var parameters = frame.IndexOf('(');
        var line = frame.LastIndexOf(Line, StringComparison.Ordinal);
        var method = parameters < 0 ? frame : frame[..parameters];
        return line < 0 ? method.ToString() : $"{method}:{frame[(line + Line.Length)..]}";
    }
}
