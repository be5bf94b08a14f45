using Millrace.Connectors.Postgres.Protocol;
using Millrace.Extract;

namespace Millrace.Connectors.Postgres.Writing;

/// <summary>Takes tuples that another PostgreSQL server has sent: they go into the COPY as they are.</summary>
/// <param name="copy">The attempt's COPY.</param>
internal sealed class PgTaker(PgCopyWriter copy) : IRowTaker
{
    /// <inheritdoc/>
    public long Rows => copy.Rows;

    /// <inheritdoc/>
    public IRowLane OpenLane() => new Lane(copy.OpenBuffer(fixedBytes: 0));

    /// <inheritdoc/>
    public void Complete() => copy.Complete();

    private sealed class Lane(PgCopyBuffer buffer) : IRowLane
    {
        public void Take(ReadOnlySpan<byte> row) => buffer.Row(row);

        public void End() => buffer.Flush();
    }
}
