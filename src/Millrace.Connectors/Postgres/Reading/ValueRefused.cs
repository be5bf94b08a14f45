namespace Millrace.Connectors.Postgres.Reading;

/// <summary>A value that its target can't hold. The reader adds row and column and makes a fault of it.</summary>
internal sealed class ValueRefused : Exception
{
    internal ValueRefused(string found, string advice)
        : base(found) => Advice = advice;

    /// <summary>What the user can do about it; <c>{0}</c> stands for the column's name.</summary>
    internal string Advice { get; }
}
