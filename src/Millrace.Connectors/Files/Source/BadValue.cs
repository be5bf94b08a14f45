using System.Globalization;

namespace Millrace.Connectors.Files.Source;

/// <summary>
/// A value that its column's type can't hold, on its way from an expression inside DuckDB, where only a text can be raised, to the
/// fault that names file, row, column and value.
/// </summary>
/// <param name="Column">The column's number in the layout.</param>
/// <param name="Reason">Why.</param>
/// <param name="Value">The value's text, cut to <see cref="ValueCharsMax"/>.</param>
internal sealed record BadValue(int Column, BadValue.Why Reason, string Value)
{
    /// <summary>Characters of the value that an error shows.</summary>
    public const int ValueCharsMax = 200;

    private const string Sign = "millrace-value:";

    /// <summary>Why a value was refused.</summary>
    public enum Why
    {
        /// <summary>The text is no value of the column's type.</summary>
        NoSuchValue = 0,

        /// <summary>The target can't hold the value.</summary>
        NotForTarget = 1,

        /// <summary>A key of a JSON object has no column.</summary>
        UnknownKey = 2,

        /// <summary>A JSON value that should be an object isn't one.</summary>
        NoObject = 3,

        /// <summary>A JSON object has a key twice.</summary>
        KeyTwice = 4,
    }

    /// <summary>SQL of what a bad value becomes: an error, or NULL where its row is rejected for it.</summary>
    public static string Sql(bool isRejected, int column, string text, Why reason = Why.NoSuchValue) => isRejected ? "NULL" : Raise(column, text, reason);

    /// <summary>SQL that raises the error for the text in an expression.</summary>
    public static string Raise(int column, string text, Why reason = Why.NoSuchValue) =>
        $"error('{Sign}{column.ToString(CultureInfo.InvariantCulture)}:{((int)reason).ToString(CultureInfo.InvariantCulture)}:' || left({text}, {ValueCharsMax}))";

    /// <summary>Finds a raised value in DuckDB's message; null when there is none.</summary>
    public static BadValue? Find(string message)
    {
        var at = message.IndexOf(Sign, StringComparison.Ordinal);
        if (at < 0) return null;
        var rest = message.AsSpan(at + Sign.Length);
        var first = rest.IndexOf(':');
        if (first < 0 || !int.TryParse(rest[..first], CultureInfo.InvariantCulture, out var column)) return null;
        rest = rest[(first + 1)..];
        var second = rest.IndexOf(':');
        if (second < 0 || !int.TryParse(rest[..second], CultureInfo.InvariantCulture, out var reason)) return null;
        return new BadValue(column, (Why)reason, rest[(second + 1)..].ToString());
    }
}
