using Millrace.DuckDb;

namespace Millrace.Connectors.Postgres.Types;

/// <summary>Which nested values have a JSON form that says what they are.</summary>
internal static class JsonForms
{
    /// <summary>Whether every value of a type can be said in JSON; what is no number, text or truth value becomes a text.</summary>
    internal static bool Holds(DuckDbType type) => type.Kind switch
    {
        DuckDbKind.Map => IsKey(type.Fields[0].Type) && Holds(type.Fields[1].Type),
        DuckDbKind.Blob or DuckDbKind.Bit or DuckDbKind.BigNum or DuckDbKind.Geometry or DuckDbKind.Variant => false,
        _ => type.Fields.All(static field => Holds(field.Type)),
    };

    /// <summary>A key of an object is a text.</summary>
    private static bool IsKey(DuckDbType type) => !type.IsNested && Holds(type);
}
