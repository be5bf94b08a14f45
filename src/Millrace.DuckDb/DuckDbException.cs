namespace Millrace.DuckDb;

/// <summary>
/// DuckDB refused or failed. When the cause is an exception thrown inside a callback (a table or copy function written in C#),
/// that very exception is <see cref="Exception.InnerException"/>.
/// </summary>
public sealed class DuckDbException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="type">DuckDB's error class.</param>
    /// <param name="message">DuckDB's text.</param>
    /// <param name="inner">The exception of the callback that failed, or null.</param>
    public DuckDbException(DuckDbErrorType type, string message, Exception? inner = null)
        : base(message, inner) => Type = type;

    /// <summary>DuckDB's error class.</summary>
    public DuckDbErrorType Type { get; }

    /// <summary>Makes the exception of DuckDB's class and text, and finds the callback's exception that the text stands for.</summary>
    internal static DuckDbException From(DuckDbErrorType type, string text)
    {
        var inner = CallbackErrors.Claim(ref text);
        return new DuckDbException(type, text, inner);
    }

    /// <summary>DuckDB gives only a text when opening fails; its first words are the class.</summary>
    internal static DuckDbException FromOpen(string text)
    {
        var type = text.StartsWith("IO Error", StringComparison.Ordinal) ? DuckDbErrorType.IO
            : text.StartsWith("Out of Memory", StringComparison.Ordinal) ? DuckDbErrorType.OutOfMemory
            : text.StartsWith("Permission", StringComparison.Ordinal) ? DuckDbErrorType.Permission
            : text.StartsWith("Invalid Input", StringComparison.Ordinal) ? DuckDbErrorType.InvalidInput
            : text.StartsWith("Catalog", StringComparison.Ordinal) ? DuckDbErrorType.Catalog
            : DuckDbErrorType.InvalidConfiguration;
        return new DuckDbException(type, text);
    }
}
