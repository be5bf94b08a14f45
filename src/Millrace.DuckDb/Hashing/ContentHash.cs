using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>
/// What a set of rows holds, whatever their order: the number of rows and two independent sums of their hashes. Hashes of parts add up to
/// the hash of the whole. It finds faults, not forgery: whoever wants to can make other rows with the same hash. Its text form is
/// <c>h1:rows:32 hex digits</c>; docs/reference/content-hash.md has the formula. Rows that pass in the form in which one system sends them to another
/// are hashed in that form: <c>w1</c>.
/// </summary>
/// <param name="Rows">The number of rows, at least 0.</param>
/// <param name="Low">The first sum over rows, modulo 2^64.</param>
/// <param name="High">The second sum over rows, modulo 2^64.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct ContentHash(long Rows, ulong Low, ulong High)
{
    /// <summary>The formula's version, as the text form begins: hashes of two versions can't be compared.</summary>
    public const string Version = "h1";

    /// <summary>The same for rows in the form in which they pass from one system to another.</summary>
    public const string WireVersion = "w1";

    /// <summary>Whether rows were hashed in the form in which they pass: such a hash is comparable with its own kind only.</summary>
    public bool IsOfWire { get; init; }

    /// <summary>The hash of both sets of rows together, which were hashed in the same form.</summary>
    public static ContentHash operator +(ContentHash a, ContentHash b) =>
        new(a.Rows + b.Rows, unchecked(a.Low + b.Low), unchecked(a.High + b.High)) { IsOfWire = a.IsOfWire || b.IsOfWire };

    /// <summary>Reads the text form.</summary>
    /// <returns>False when it is none, or one of another version.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, out ContentHash hash)
    {
        hash = default;
        if (text?.Split(':') is not [Version or WireVersion, var rows, { Length: 32 } sums]) return false;
        if (!long.TryParse(rows, NumberStyles.None, CultureInfo.InvariantCulture, out var count)) return false;
        if (!ulong.TryParse(sums.AsSpan(0, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var low)) return false;
        if (!ulong.TryParse(sums.AsSpan(16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var high)) return false;
        hash = new ContentHash(count, low, high) { IsOfWire = text.StartsWith(WireVersion, StringComparison.Ordinal) };
        return true;
    }

    /// <summary>The text form.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{(IsOfWire ? WireVersion : Version)}:{Rows}:{Low:x16}{High:x16}");
}
