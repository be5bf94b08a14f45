using Millrace.DuckDb;
using Millrace.Faults;

namespace Millrace.Runs;

/// <summary>The content hashes of unit results, read and added up.</summary>
internal static class ResultHashes
{
    /// <summary>Reads a result's hash.</summary>
    /// <exception cref="Fault">There is none, or one of another version.</exception>
    public static ContentHash Read(UnitResult result, string? text) => ContentHash.TryParse(text, out var hash)
        ? hash
        : throw new Fault(FaultKind.Data, $"the result of unit {result.Number} has {text ?? "no hash"}, expected one of version {ContentHash.Version}");

    /// <summary>The hash of several results together, as text; null when they have none.</summary>
    public static string? Sum(IReadOnlyList<UnitResult> results, Func<UnitResult, string?> hash)
    {
        if (results.All(result => hash(result) is null)) return null;
        var sum = default(ContentHash);
        foreach (var result in results) sum += Read(result, hash(result));
        return sum.ToString();
    }
}
