namespace Millrace.Connectors.Postgres.Reading;

/// <summary>A value that its target can't hold. The reader adds row and column and makes a fault of it, or rejects the row.</summary>
internal sealed class ValueRefused : Exception
{
    internal ValueRefused(string reason, string advice, string? found = null)
        : base(reason)
    {
        Advice = advice;
        Found = found;
    }

    /// <summary>What the user can do about it; <c>{0}</c> stands for the column's name.</summary>
    internal string Advice { get; }

    /// <summary>The refused value's whole text, or the element's; null where it has none.</summary>
    internal string? Found { get; }

    /// <summary>Whether <see cref="Found"/> is all of it.</summary>
    internal bool IsWhole => Found is not null;

    /// <summary>True when it is no value at all: what came is not what PostgreSQL sends. No row is to blame then.</summary>
    internal bool IsProtocol => Advice == RowDecoder.ReportAdvice;
}
