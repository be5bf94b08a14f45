using Millrace.Faults;

namespace Millrace.Planning;

/// <summary>One difference between the columns that a table has and those that are to come.</summary>
/// <param name="Change">What has changed.</param>
/// <param name="Column">The column's name in the target; empty for <see cref="SchemaChange.Reordered"/>.</param>
/// <param name="Was">Its type in the table; null when it is new.</param>
/// <param name="Is">Its type now; null when it is gone.</param>
public sealed record SchemaDifference(SchemaChange Change, string Column, string? Was, string? Is)
{
    /// <summary>Whether every row that is there, and every reader of it, can live with the change: <c>schema: evolve</c> lets it through.</summary>
    public bool Evolves => Change is not (SchemaChange.AddedNotNull or SchemaChange.Gone or SchemaChange.Retyped);

    /// <summary>For people: the column, what it was, what it is.</summary>
    public override string ToString()
    {
        var name = Words.Quote(Column);
        return Change switch
        {
            SchemaChange.Added => $"{name} {Is} is new",
            SchemaChange.AddedNotNull => $"{name} {Is} NOT NULL is new",
            SchemaChange.Gone => $"{name} {Was} is gone",
            SchemaChange.MayBeNull => $"{name} may be NULL now",
            SchemaChange.NeverNull => $"{name} is never NULL now",
            SchemaChange.Reordered => "the columns stand in another order",
            _ => $"{name} was {Was} and is {Is}",
        };
    }
}

/// <summary>The ways in which a table's columns can differ.</summary>
public enum SchemaChange
{
    /// <summary>A column that may be NULL has come.</summary>
    Added = 0,

    /// <summary>A column without NULL has come: rows that are there have no value for it.</summary>
    AddedNotNull = 1,

    /// <summary>A column has gone; one that was renamed has gone under its old name.</summary>
    Gone = 2,

    /// <summary>A type that holds every value of the old one.</summary>
    Widened = 3,

    /// <summary>Any other type.</summary>
    Retyped = 4,

    /// <summary>A column that had no NULL may have some.</summary>
    MayBeNull = 5,

    /// <summary>A column that may have had NULL has none.</summary>
    NeverNull = 6,

    /// <summary>The same columns in another order.</summary>
    Reordered = 7,
}
