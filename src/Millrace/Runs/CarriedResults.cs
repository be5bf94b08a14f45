using System.Collections.Immutable;
using System.Globalization;

namespace Millrace.Runs;

/// <summary>
/// Finished units of an earlier generation that still count: the same slice under the same moment (or under any, where the job says so)
/// is not read again, whatever number it has in the new plan.
/// </summary>
internal sealed class CarriedResults
{
    private readonly Generation? _earlier;
    private readonly Dictionary<UInt128, long> _numbers;
    private readonly Dictionary<UInt128, ImmutableArray<Unit>> _parts;

    private CarriedResults(Generation? earlier, Dictionary<UInt128, long> numbers, Dictionary<UInt128, ImmutableArray<Unit>> parts)
    {
        _earlier = earlier;
        _numbers = numbers;
        _parts = parts;
    }

    /// <summary>No results.</summary>
    public static CarriedResults None { get; } = new(null, [], []);

    /// <summary>How many there are, parts of divided units among them.</summary>
    public long Count => _numbers.Count;

    /// <summary>Looks up the units of an earlier generation that have results.</summary>
    public static async Task<CarriedResults> LoadAsync(Generation earlier, Func<Unit, string> fingerprint, CancellationToken cancel)
    {
        var numbers = new Dictionary<UInt128, long>();
        await foreach (var unit in earlier.ReadPlanAsync(cancel).ConfigureAwait(false))
        {
            if (numbers.Count >= Limits.CarriedUnitsMax) break;
            var key = fingerprint(unit);
            if (earlier.HasResult(unit.Number)) numbers[Key(key)] = unit.Number;
        }

        var parts = new Dictionary<UInt128, ImmutableArray<Unit>>();
        await foreach (var division in earlier.ReadDivisionsAsync(cancel).ConfigureAwait(false))
        {
            if (parts.Count >= Limits.DivisionsMax) break;
            parts[Key(division.Fingerprint)] = division.Parts;
            foreach (var part in division.Parts)
            {
                if (earlier.HasResult(part.Number)) numbers[Key(fingerprint(part))] = part.Number;
            }
        }

        return new CarriedResults(earlier, numbers, parts);
    }

    /// <summary>The parts that a unit with this fingerprint was divided into; empty when it was not.</summary>
    public ImmutableArray<Unit> PartsOf(string fingerprint) => _parts.TryGetValue(Key(fingerprint), out var parts) ? parts : [];

    /// <summary>The result of a unit with this fingerprint, renumbered; null when there is none.</summary>
    public UnitResult? Find(string fingerprint, long number)
    {
        if (_earlier is null || !_numbers.TryGetValue(Key(fingerprint), out var earlier)) return null;
        return _earlier.ReadResult(earlier, fingerprint) is { } result ? result with { Number = number } : null;
    }

    private static UInt128 Key(string fingerprint) => UInt128.Parse(fingerprint, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
