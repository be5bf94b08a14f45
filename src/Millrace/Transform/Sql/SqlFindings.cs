using Millrace.Faults;

namespace Millrace.Transform;

/// <summary>What was found against an SQL, and what to do instead. All of it is reported at once.</summary>
internal sealed class SqlFindings(SqlSource source)
{
    private readonly List<string> _found = [];
    private readonly List<string> _advice = [];

    /// <summary>Adds a finding, once.</summary>
    public void Add(string found, string advice)
    {
        if (!_found.Contains(found)) _found.Add(found);
        if (!_advice.Contains(advice)) _advice.Add(advice);
    }

    /// <summary>Throws one fault with all that was found, when there is something.</summary>
    /// <param name="rule">What the SQL must be.</param>
    /// <exception cref="Fault">There is something.</exception>
    public void ThrowIfAny(string rule)
    {
        if (_found.Count == 0) return;
        var shown = string.Join("; ", _found.Take(Limits.SqlFindingsMax));
        if (_found.Count > Limits.SqlFindingsMax) shown += $"; and {_found.Count - Limits.SqlFindingsMax} more";
        throw source.Fault($"{rule}: {shown}", string.Join(' ', _advice.Take(Limits.SqlFindingsMax)));
    }
}
