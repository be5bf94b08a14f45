using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Millrace.Connectors.Postgres.Catalog;
using Millrace.Faults;
using Millrace.Planning;

namespace Millrace.Connectors.Postgres.Target;

/// <summary>
/// The small table beside the data that remembers what was published: one row for each (run, stream), written in the transaction that
/// publishes. Who finds its own row there has nothing left to do.
/// </summary>
internal sealed class PgCommitLog(PgControl control, PgTable log)
{
    private const string Name = PgStagingPlace.Prefix + "commits";

    /// <summary>The log of a schema.</summary>
    public static PgCommitLog Of(PgControl control, string schema) => new(control, new PgTable(schema, Name));

    /// <summary>Makes the table if it is not there; of several at once each finds it made.</summary>
    public async Task EnsureAsync(CancellationToken cancel)
    {
        if (await log.FindAsync(control, cancel) is not null) return;
        try
        {
            await control.ExecuteAsync(
                $"""
                CREATE TABLE IF NOT EXISTS {log.Sql} (
                    run text NOT NULL, stream text NOT NULL, target text NOT NULL, mode text NOT NULL, rows bigint NOT NULL, epoch integer NOT NULL,
                    columns text NOT NULL, watermark text, committed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(), PRIMARY KEY (run, stream));
                COMMENT ON TABLE {log.Sql} IS 'What Millrace has published into this schema: keep it, it makes every publication happen once'
                """,
                cancel);
        }
        catch (Fault fault) when (fault.Code is "23505" or "42P07" or "XX000")
        {
            // IF NOT EXISTS does not keep two sessions from creating it at the same moment: one of them gets an error, and the table is there.
            if (await log.FindAsync(control, cancel) is null) throw;
        }
    }

    /// <summary>Rows that a run has published of a stream; null: it has not.</summary>
    public async Task<long?> FindAsync(string run, string stream, CancellationToken cancel)
    {
        if (await log.FindAsync(control, cancel) is null) return null;
        var rows = await control.QueryAsync($"SELECT rows FROM {log.Sql} WHERE run = $1 AND stream = $2", [run, stream], cancel);
        return rows.Count == 0 ? null : PgCatalog.Number(rows[0][0]);
    }

    /// <summary>The latest publication into a table; null: there is none.</summary>
    public async Task<PgPublication?> LatestAsync(PgTable table, CancellationToken cancel)
    {
        if (await log.FindAsync(control, cancel) is null) return null;
        var rows = await control.QueryAsync(
            $"""
            SELECT run, columns, (SELECT watermark FROM {log.Sql} WHERE target = $1 AND watermark IS NOT NULL ORDER BY committed_at DESC, run DESC LIMIT 1)
            FROM {log.Sql} WHERE target = $1 ORDER BY committed_at DESC, run DESC LIMIT 1
            """,
            [table.Name],
            cancel);
        if (rows.Count == 0) return null;
        var columns = JsonSerializer.Deserialize(rows[0][1]!, PgCommitJson.Default.ImmutableArrayTableColumn);
        return new PgPublication(rows[0][0]!, columns, rows[0][2]);
    }

    /// <summary>
    /// Inside the transaction that publishes: writes the row. False: it is there already. Where another session is just writing it, this
    /// waits for that one's end.
    /// </summary>
    public async Task<bool> TryAddAsync(PgPublished published, CancellationToken cancel)
    {
        var added = await control.QueryAsync(
            $"""
            INSERT INTO {log.Sql} (run, stream, target, mode, rows, epoch, columns, watermark) VALUES ($1, $2, $3, $4, $5::bigint, $6::integer, $7, $8)
            ON CONFLICT (run, stream) DO NOTHING RETURNING 1
            """,
            [
                published.Run, published.Stream, published.Table.Name, published.Mode, PgCatalog.Text(published.Rows), PgCatalog.Text(published.Epoch),
                JsonSerializer.Serialize(published.Columns, PgCommitJson.Default.ImmutableArrayTableColumn), published.Watermark,
            ],
            cancel);
        return added.Count == 1;
    }
}

/// <summary>What the log remembers of a table's latest publication.</summary>
/// <param name="Run">The run.</param>
/// <param name="Columns">The columns as it left them.</param>
/// <param name="Watermark">The cursor's value that the table is loaded up to; null: no run has loaded it by a cursor.</param>
internal sealed record PgPublication(string Run, ImmutableArray<TableColumn> Columns, string? Watermark);

/// <summary>A publication as it is written.</summary>
/// <param name="Run">The run.</param>
/// <param name="Stream">The stream.</param>
/// <param name="Table">The table.</param>
/// <param name="Mode">The mode, in the job file's word.</param>
/// <param name="Rows">Rows that were staged.</param>
/// <param name="Epoch">The coordinator's fencing number.</param>
/// <param name="Columns">The columns.</param>
/// <param name="Watermark">The cursor's value that the table is loaded up to; null: it is not loaded by a cursor.</param>
internal sealed record PgPublished(
    string Run, string Stream, PgTable Table, string Mode, long Rows, int Epoch, ImmutableArray<TableColumn> Columns, string? Watermark);

/// <summary>The columns as the log keeps them.</summary>
[JsonSerializable(typeof(ImmutableArray<TableColumn>))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
internal sealed partial class PgCommitJson : JsonSerializerContext;
