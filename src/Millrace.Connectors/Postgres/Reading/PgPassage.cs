using Millrace.Connectors.Postgres.Protocol;
using Millrace.DuckDb;
using Millrace.Extract;
using Millrace.Faults;
using Millrace.Jobs;

namespace Millrace.Connectors.Postgres.Reading;

/// <summary>
/// A unit whose rows pass undecoded: each of its connections takes piece after piece, one COPY each, and hands every tuple on as it came.
/// </summary>
internal sealed class PgPassage(PgUnitTable table, IRowTaker taker)
{
    /// <summary>Rows between two looks at the counters.</summary>
    private const int RowsPerCount = 1024;

    private readonly bool _isHashed = table.Header.Proof != Proof.Counts;

    /// <summary>Reads to the end; gives the hash of the rows as they came, or null where none is wanted.</summary>
    public async Task<ContentHash?> RunAsync()
    {
        var lanes = new List<Task<ContentHash>>();
        while (table.TakeLane() is { } lane)
            lanes.Add(Task.Factory.StartNew(() => Read(lane), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default));
        var sums = await Task.WhenAll(lanes);
        await Task.Factory.StartNew(taker.Complete, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        return _isHashed ? sums.Aggregate(new WireSum().Value, static (sum, part) => sum + part) : null;
    }

    private ContentHash Read(PgLane lane)
    {
        var sum = new WireSum();
        var isSound = false;
        try
        {
            var target = taker.OpenLane();
            while (!table.IsCancelled && table.TakePiece() is { } piece)
            {
                using var copy = lane.Connection.CopyOut(table.CopyOf(piece));
                // Whoever cancelled before the COPY was sent found nothing to cancel.
                if (table.IsCancelled) lane.Connection.Cancel();
                Read(copy, target, sum);
                table.EndPiece();
            }

            target.End();
            isSound = true;
        }
        finally
        {
            table.Return(lane, isSound);
        }

        return sum.Value;
    }

    private void Read(PgCopyReader copy, IRowLane target, WireSum sum)
    {
        var (rows, bytes) = (0, copy.BytesReceived);
        while (copy.Next(out var tuple))
        {
            if (_isHashed) sum.Add(tuple);
            target.Take(tuple);
            if (++rows % RowsPerCount != 0) continue;
            table.Count(RowsPerCount, copy.BytesReceived - bytes);
            bytes = copy.BytesReceived;
        }

        table.Count(rows % RowsPerCount, copy.BytesReceived - bytes);
    }
}
