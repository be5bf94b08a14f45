using System.Text;

namespace Millrace.DuckDb;

/// <summary>How many rows break each of some rules, and the first few of them as text. Thread safe.</summary>
/// <param name="rules">How many rules there are; they are known by their numbers, from 0.</param>
/// <param name="samplesMax">How many rows of each are kept.</param>
public sealed class RuleTally(int rules, int samplesMax)
{
    private readonly Lock _lock = new();
    private readonly long[] _rows = new long[rules];
    private readonly List<string>?[] _samples = new List<string>?[rules];

    /// <summary>How many rows break a rule.</summary>
    public long RowsOf(int rule)
    {
        lock (_lock) return _rows[rule];
    }

    /// <summary>Some of them.</summary>
    public IReadOnlyList<string> SamplesOf(int rule)
    {
        lock (_lock) return [.. _samples[rule] ?? []];
    }

    /// <summary>Adds rows that were counted elsewhere.</summary>
    public void Add(int rule, long rows, IEnumerable<string> samples)
    {
        lock (_lock)
        {
            _rows[rule] += rows;
            foreach (var sample in samples.Take(samplesMax - (_samples[rule]?.Count ?? 0))) (_samples[rule] ??= []).Add(sample);
        }
    }

    /// <summary>Whether a row would be kept.</summary>
    /// <param name="broken">The rules that it breaks: their numbers with a comma between them.</param>
    internal bool Wants(ReadOnlySpan<byte> broken)
    {
        lock (_lock)
        {
            while (!broken.IsEmpty)
            {
                if ((_samples[Next(ref broken)]?.Count ?? 0) < samplesMax) return true;
            }
        }

        return false;
    }

    /// <summary>Counts a row.</summary>
    /// <param name="broken">The rules that it breaks.</param>
    /// <param name="row">The row as text; empty: it is not wanted.</param>
    internal void Take(ReadOnlySpan<byte> broken, ReadOnlySpan<byte> row)
    {
        string? sample = null;
        lock (_lock)
        {
            while (!broken.IsEmpty)
            {
                var rule = Next(ref broken);
                _rows[rule]++;
                if (row.IsEmpty || _samples[rule]?.Count >= samplesMax) continue;
                (_samples[rule] ??= []).Add(sample ??= Encoding.UTF8.GetString(row));
            }
        }
    }

    private static int Next(ref ReadOnlySpan<byte> numbers)
    {
        var number = 0;
        var at = 0;
        for (; at < numbers.Length && numbers[at] != (byte)','; at++) number = (number * 10) + (numbers[at] - '0');
        numbers = numbers[Math.Min(numbers.Length, at + 1)..];
        return number;
    }
}
