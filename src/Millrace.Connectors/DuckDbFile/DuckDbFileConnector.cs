using Millrace.Planning;
using Millrace.Transform;

namespace Millrace.Connectors.DuckDbFile;

/// <summary>A file of DuckDB as a store of lookups: <c>duckdb:FILE</c>, or a path that ends as such files do. Stateless.</summary>
public sealed class DuckDbFileConnector : ILookupConnector
{
    private const string Scheme = "duckdb:";

    private static readonly string[] s_endings = [".duckdb", ".ddb", ".db"];

    /// <inheritdoc/>
    public string Name => "duckdb";

    /// <inheritdoc/>
    public bool Claims(string address) => address.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
        || (!address.Contains("://", StringComparison.Ordinal) && s_endings.Any(ending => address.EndsWith(ending, StringComparison.OrdinalIgnoreCase)));

    /// <inheritdoc/>
    public ILookupStore OpenLookup(SourceContext context)
    {
        var path = context.Address.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? context.Address[Scheme.Length..] : context.Address;
        if (path.StartsWith("//", StringComparison.Ordinal)) path = path[2..];
        return new DuckDbLookup(Path.GetFullPath(path, context.BaseDirectory), context.Mark);
    }
}
