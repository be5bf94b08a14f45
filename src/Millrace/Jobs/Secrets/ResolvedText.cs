using System.Diagnostics;

namespace Millrace.Jobs.Secrets;

/// <summary>A text with its secrets in it. It never prints: only <see cref="Reveal"/> gives the text, and only to code that asks.</summary>
[DebuggerDisplay("***")]
public sealed class ResolvedText
{
    private readonly string text;

    internal ResolvedText(string text, string shown)
    {
        this.text = text;
        Shown = shown;
    }

    /// <summary>The text as it may be shown: <c>${...}</c> unresolved, literal passwords taken out.</summary>
    public string Shown { get; }

    /// <summary>The text itself. Never put it into a message, a log, a plan or a command line.</summary>
    public string Reveal() => text;

    /// <summary>What may be shown, so that an interpolated string can't leak.</summary>
    public override string ToString() => Shown;
}
