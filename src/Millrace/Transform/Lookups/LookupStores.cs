using System.Collections.Immutable;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;

namespace Millrace.Transform;

/// <summary>The stores that a job's lookups ask, each with a number, and the memory that its lookups take of each process.</summary>
internal sealed class LookupStores : IAsyncDisposable
{
    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);
    private readonly List<ILookupStore> _stores = [];
    private readonly ImmutableArray<LookupStep> _steps;

    private LookupStores(ImmutableArray<LookupStep> steps) => _steps = steps;

    /// <summary>Their addresses with their secrets: they go to workers over a pipe and nowhere else.</summary>
    public ImmutableArray<string> Addresses { get; private set; } = [];

    /// <summary>Opens the stores of a job's lookups. Does no I/O yet.</summary>
    /// <exception cref="Fault">There is a store that nobody can ask.</exception>
    public static LookupStores Open(Job job, RunOptions options)
    {
        var stores = new LookupStores([.. job.Streams.SelectMany(static stream => stream.Transform).OfType<LookupStep>()]);
        var addresses = ImmutableArray.CreateBuilder<string>();
        foreach (var step in stores._steps)
        {
            if (!stores._numbers.TryAdd(step.In.Text, stores._stores.Count)) continue;
            var address = options.Secrets.Resolve(step.In).Reveal();
            stores._stores.Add(options.Connectors.OpenLookup(new SourceContext
            {
                Address = address,
                Mark = step.In.Mark,
                BaseDirectory = job.BaseDirectory,
                Connections = 1,
                Clock = options.Clock,
            }));
            addresses.Add(address);
        }

        stores.Addresses = addresses.ToImmutable();
        return stores;
    }

    /// <summary>The store of a step, and its number.</summary>
    public (ILookupStore Store, int Number) Of(LookupStep step) => (_stores[_numbers[step.In.Text]], _numbers[step.In.Text]);

    /// <summary>Bytes of rows that each process keeps for a step.</summary>
    /// <exception cref="Fault">All that steps ask for is more than there is.</exception>
    public long CacheBytesOf(LookupStep step, Budget budget)
    {
        var most = MostOf(budget);
        var asked = _steps.Sum(static one => (decimal)(one.CacheBytes ?? 0));
        if (step.CacheBytes is null) return (long)Math.Max(0, Math.Min(Limits.LookupCacheBytesDefault, most - asked)) / _steps.Count(static one => one.CacheBytes is null);
        if (step.CacheBytes == 0 || asked <= most) return step.CacheBytes.Value;
        throw TransformCompiler.Refused(
            step.Mark,
            $"found caches of {ByteSize.Format((long)Math.Min(asked, long.MaxValue))} in all lookups together, expected at most {ByteSize.Format(most)}: each process keeps them within limits.memory",
            "Raise limits.memory, or lower cache.");
    }

    /// <summary>What is left for DuckDB of what it would have without lookups.</summary>
    /// <param name="budget">The job's limits, divided.</param>
    /// <param name="bytes">What it would have.</param>
    /// <param name="least">What it has in any case.</param>
    public long Rest(Budget budget, long bytes, long least)
    {
        if (_steps.IsEmpty) return bytes;
        var caches = _steps.Sum(step => CacheBytesOf(step, budget));
        return Math.Max(least, bytes - caches - (_stores.Count * Limits.LookupStoreBytes));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var store in _stores) await store.DisposeAsync().ConfigureAwait(false);
    }

    private static long MostOf(Budget budget) => Math.Max(0, budget.DuckDbBytes) / Limits.LookupCacheParts;
}
