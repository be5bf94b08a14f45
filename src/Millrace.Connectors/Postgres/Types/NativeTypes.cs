using Millrace.Planning;

namespace Millrace.Connectors.Postgres.Types;

/// <summary>Which of a PostgreSQL database's types another PostgreSQL database can have, too.</summary>
internal static class NativeTypes
{
    /// <summary>The type for a column there; null when only its values can go there.</summary>
    /// <param name="type">The column's type.</param>
    /// <param name="spelling">In PostgreSQL's spelling, its modifier among it.</param>
    internal static NativeType? Of(PgType type, string spelling) =>
        IsPortable(type.Element ?? type) ? new NativeType(PgTargetTypes.System, spelling) : null;

    private static bool IsPortable(PgType type) => type is { IsBuiltIn: true, Kind: 'b' or 'r' or 'm' } && type.Name switch
    {
        // Its text is the database's locale's.
        "money" => false,
        "numeric" => true,
        _ => type.Kind != 'b' || PostgresTypes.Knows(type.Name),
    };
}
