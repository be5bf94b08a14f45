using Millrace.Connectors.Postgres.Protocol;
using Millrace.DuckDb;
using Millrace.Extract;

namespace Millrace.Connectors.Postgres.Writing;

/// <summary>Takes tuples that another PostgreSQL server has sent: they go into the COPY as they are.</summary>
/// <param name="copy">The attempt's COPY.</param>
/// <param name="isHashed">Whether what is handed over is hashed.</param>
internal sealed class PgTaker(PgCopyWriter copy, bool isHashed) : IRowTaker
{
    private readonly List<Lane> _lanes = [];

    /// <inheritdoc/>
    public long Rows => copy.Rows;

    /// <inheritdoc/>
    public ContentHash? Hash
    {
        get
        {
            if (!isHashed) return null;
            var sum = new WireSum().Value;
            foreach (var lane in _lanes) sum += lane.Sum.Value;
            return sum;
        }
    }

    /// <inheritdoc/>
    public IRowLane OpenLane()
    {
        var lane = new Lane(copy.OpenBuffer(fixedBytes: 0), isHashed);
        lock (_lanes) _lanes.Add(lane);
        return lane;
    }

    /// <inheritdoc/>
    public void Complete() => copy.Complete();

    private sealed class Lane(PgCopyBuffer buffer, bool isHashed) : IRowLane
    {
        public WireSum Sum { get; } = new();

        public void Take(ReadOnlySpan<byte> row)
        {
            if (isHashed) Sum.Add(row);
            buffer.Row(row);
        }

        public void End() => buffer.Flush();
    }
}
