using Millrace.Connectors.Postgres.Catalog;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Load;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Connectors.Postgres.Target;

/// <summary>A table that a run has overwritten, as a stream of the PostgreSQL source, so that it can be compared.</summary>
internal static class PgReadAgain
{
    /// <summary>The table as it is now; it must still be what the run has left.</summary>
    /// <param name="control">The target's connection.</param>
    /// <param name="table">The table.</param>
    /// <param name="header">The stream as it was published.</param>
    /// <param name="mode">How.</param>
    /// <param name="mark">Where the target is named.</param>
    /// <param name="cancel">Stops the looking.</param>
    /// <exception cref="Fault">It is gone, a later run has changed it, or it has other rows as well.</exception>
    public static async Task<PublishedStream> FindAsync(PgControl control, PgTable table, StreamHeader header, WriteMode mode, Mark mark, CancellationToken cancel)
    {
        if (mode != WriteMode.Overwrite)
            throw Refused($"the rows of mode: {WriteModes.Of(mode)} lie among others in {table.Written}, and can't be told from them", "Verify tables that are overwritten; others were proved unit by unit when they were loaded.");
        if (await table.FindAsync(control, cancel) is null) throw Refused($"{table.Written} is gone: somebody has moved or removed it after the run", "Run the job again to write it anew.");
        var latest = await PgCommitLog.Of(control, table.Schema).LatestAsync(table, cancel);
        if (latest?.Run is { } run && run != header.Run) throw Refused($"{table.Written} was changed by run {run}", $"What is there now is that run's: `millrace verify {run}`.");
        return new PublishedStream(new StreamJob { Name = table.Written, Mark = mark }, ComesBack);

        Fault Refused(string message, string advice) => new(FaultKind.Refused, message) { Side = FaultSide.Target, Where = header.Stream, Advice = advice };
    }

    /// <summary>Whether reading a column gives the values that were written into it, and not what PostgreSQL or a cast has made of them.</summary>
    internal static bool ComesBack(Column written, Column found)
    {
        if (written.Native is not null && written.SourceType == found.SourceType) return true;
        if (!DuckDbType.TryParse(written.Type, out var from) || !DuckDbType.TryParse(found.Type, out var to)) return false;
        if (to.Kind == DuckDbKind.Varchar)
        {
            // Blanks at the end, the order of JSON's keys, the spelling of addresses: other types have a notation of their own.
            var sql = found.SourceType;
            return from.Kind switch
            {
                DuckDbKind.Varchar or DuckDbKind.Enum => sql is "text" or "json" || sql.StartsWith("character varying", StringComparison.Ordinal),
                DuckDbKind.HugeInt or DuckDbKind.UHugeInt => sql.StartsWith("numeric", StringComparison.Ordinal),
                DuckDbKind.Bit => sql.StartsWith("bit varying", StringComparison.Ordinal),
                _ => false,
            };
        }

        return from.ToSql() == to.ToSql() || from.Kind switch
        {
            DuckDbKind.TinyInt or DuckDbKind.UTinyInt or DuckDbKind.SmallInt => to.Kind is DuckDbKind.SmallInt or DuckDbKind.Integer or DuckDbKind.BigInt,
            DuckDbKind.USmallInt or DuckDbKind.Integer => to.Kind is DuckDbKind.Integer or DuckDbKind.BigInt,
            DuckDbKind.UInteger => to.Kind == DuckDbKind.BigInt,
            DuckDbKind.UBigInt => to is { Kind: DuckDbKind.Decimal, Scale: 0 },
            DuckDbKind.Float => to.Kind == DuckDbKind.Double,
            DuckDbKind.TimestampS or DuckDbKind.TimestampMs or DuckDbKind.TimestampNs => to.Kind == DuckDbKind.Timestamp,
            DuckDbKind.TimeNs => to.Kind == DuckDbKind.Time,
            _ => false,
        };
    }
}
