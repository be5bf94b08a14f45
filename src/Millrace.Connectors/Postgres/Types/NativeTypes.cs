using System.Collections.Immutable;
using Millrace.Planning;

namespace Millrace.Connectors.Postgres.Types;

/// <summary>Which of a PostgreSQL database's types another PostgreSQL database can have, too, and how they are made there.</summary>
internal static class NativeTypes
{
    /// <summary>The type for a column there; null when only its values can go there.</summary>
    /// <param name="type">The column's type.</param>
    /// <param name="modifier">Its type modifier, -1 for none.</param>
    /// <param name="declared">In PostgreSQL's spelling, its modifier and dimensions among it.</param>
    internal static NativeType? Of(PgType type, int modifier, string declared)
    {
        var definitions = ImmutableArray.CreateBuilder<NativeDefinition>();
        return TryDefine(type, modifier, definitions) ? new NativeType(PgTargetTypes.System, declared) { Definitions = definitions.DrainToImmutable() } : null;
    }

    /// <summary>What a type is made of comes before it. False when it can't be had elsewhere.</summary>
    private static bool TryDefine(PgType type, int modifier, ImmutableArray<NativeDefinition>.Builder definitions)
    {
        if (type.Element is { } element) return TryDefine(element, modifier, definitions);
        if (type.Definition is not { } sql) return IsPortable(type, modifier);
        if (type.Domain is { } domain && !TryDefine(domain, type.DomainModifier, definitions)) return false;
        foreach (var field in type.Fields)
        {
            if (!TryDefine(field.Type, field.Modifier, definitions)) return false;
        }

        var definition = new NativeDefinition(type.Schema, type.Name, sql);
        if (!definitions.Contains(definition)) definitions.Add(definition);
        return true;
    }

    private static bool IsPortable(PgType type, int modifier) => type is { IsBuiltIn: true, Kind: 'b' or 'r' or 'm' } && type.Name switch
    {
        // Its text is the database's locale's.
        "money" => false,
        // The decimal that holds a numeric(5,-2) goes into a numeric of its own digits: this one would round others silently.
        "numeric" => NumericModifier.From(modifier) is not { } declared || (declared.Scale >= 0 && declared.Scale <= declared.Precision),
        _ => type.Kind != 'b' || PostgresTypes.Knows(type.Name),
    };
}
