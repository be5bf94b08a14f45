using System.Collections.Immutable;
using Millrace.Commit;
using Millrace.Connectors.Postgres.Catalog;
using Millrace.Connectors.Postgres.Types;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Connectors.Postgres.Target;

/// <summary>
/// Publishes one stream: everything that can be done before is done on tables that nobody sees; then one transaction writes (run, stream) into
/// the log and makes the rows visible. Whoever does it again finds the row in the log and changes nothing.
/// </summary>
internal sealed class PgPublishing
{
    private readonly PgControl _control;
    private readonly PgTypeCatalog _types;
    private readonly PgStagingPlace _place;
    private readonly StreamHeader _header;
    private readonly CommitRequest _request;
    private readonly PgStaging _staging;
    private readonly PgCommitLog _log;
    private readonly TimeProvider _clock;

    internal PgPublishing(PgControl control, PgStagingPlace place, StreamHeader header, CommitRequest request, TimeProvider clock)
    {
        _control = control;
        _types = new PgTypeCatalog(control);
        _place = place;
        _header = header;
        _request = request;
        _clock = clock;
        _staging = new PgStaging(control, _types, place, clock);
        _log = PgCommitLog.Of(control, place.Table.Schema);
    }

    /// <summary>Told the name of each step after it is done; tests throw from it.</summary>
    internal Action<string> Step { get; init; } = static _ => { };

    /// <summary>Publishes, or finds that it is done.</summary>
    /// <exception cref="PgStagingLost">The server has not all of the staged rows any more.</exception>
    public async Task<CommitReceipt> RunAsync(CancellationToken cancel)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                if (await _log.FindAsync(_header.Run, _header.Stream, cancel) is { } rows) return await FinishAsync(rows, already: attempt == 1, cancel);

                // One that was replaced must not end the sessions of the one after it.
                _request.AssertHolder();
                await PublishAsync(cancel);
                return await FinishAsync(_request.Rows, already: false, cancel);
            }
            catch (PgStagingLost)
            {
                // A coordinator before this one may have published in the last moment, and taken the staged rows with it.
                if (await _log.FindAsync(_header.Run, _header.Stream, cancel) is { } rows) return await FinishAsync(rows, already: true, cancel);
                throw;
            }
            catch (Fault fault) when (fault.Retryable && attempt < Limits.PgPublishAttemptsMax)
            {
                // A lock that was not free, a deadlock, a connection that broke, perhaps after the commit: the log tells.
                await Task.Delay(TimeSpan.FromMilliseconds(Limits.RetryWaitMilliseconds << Math.Min(attempt - 1, Limits.PgPublishWaitDoublingsMax)), _clock, cancel);
            }
        }
    }

    private async Task PublishAsync(CancellationToken cancel)
    {
        await _staging.SettleAsync(_request.Results(cancel), _request.Rows, cancel);
        Step("settled");
        if (_request.Merge is { } checkedRule) await PgMerge.CheckAsync(_control, _place, checkedRule, cancel);
        var live = await PgLiveTable.FindAsync(_control, _types, _place.Table, cancel);
        var shape = live is null
            ? PgTargetShape.New(_header.Columns)
            : PgTargetShape.Into(_header.Columns, live, _request.Schema, keepsRows: _request.Mode != WriteMode.Overwrite);
        var way = await WayAsync(live, shape, cancel);
        var watermark = await WatermarkAsync(cancel);
        Step("prepared");
        await _control.TransactionAsync(
            async () =>
            {
                await _staging.HoldAsync(cancel);

                // Before any row, so that of two that do the same one waits here and then has nothing to do.
                if (!await _log.TryAddAsync(Published(watermark), cancel)) return;
                await _staging.AssertWholeAsync(_request.Rows, cancel);
                await way(cancel);
                await PgRejectTable.AddAsync(_control, _place, _request.Rejects(cancel), cancel);
                Step("published");
                _request.AssertHolder();
            },
            cancel);
        Step("committed");
    }

    /// <summary>What the transaction does; what can be done before it is done when this returns.</summary>
    private async Task<Func<CancellationToken, Task>> WayAsync(PgLiveTable? live, PgTargetShape shape, CancellationToken cancel)
    {
        if (live is null)
        {
            var made = new PgNewTable(_control, _types, _staging, _place, shape, _request.Merge);
            await made.PrepareAsync(cancel);
            return made.PublishAsync;
        }

        if (_request.Mode == WriteMode.Overwrite && await PgDefinition.ReadAsync(_control, live, shape, cancel) is { WhyNotExchanged: null } definition)
        {
            var exchange = new PgExchange(_control, _types, _staging, _place, live, shape, definition);
            await exchange.PrepareAsync(cancel);
            return exchange.PublishAsync;
        }

        var insert = new PgInsertion(_control, _types, _staging, _place, live, shape);
        if (_request.Merge is { } rule)
        {
            var merge = new PgMerge(_control, insert, _place, live, shape, rule);
            return rule.Key.IsEmpty ? merge.ReplaceWindowAsync : merge.MergeAsync;
        }

        return _request.Mode == WriteMode.Overwrite ? insert.ReplaceAsync : insert.AppendAsync;
    }

    /// <summary>The fault of a table that somebody has changed in the meantime: what was made like it must be made again.</summary>
    public static Fault Changed(PgTable table) => new(FaultKind.Refused, $"somebody has changed the definition of {table.Written} while its new rows were made ready")
    {
        Side = FaultSide.Target, Retryable = true, Advice = "Run again when nobody changes it.",
    };

    private PgPublished Published(string? watermark) => new(
        _header.Run, _header.Stream, _place.Table, WriteModes.Of(_request.Mode), _request.Rows, _request.Epoch, TableColumn.Of(_header.Columns), watermark);

    /// <summary>The greatest value of the cursor that was loaded, now or before; null where no load goes by one.</summary>
    private async Task<string?> WatermarkAsync(CancellationToken cancel)
    {
        if (_request.Merge is not { Window: { } window, Cursor: { } cursor }) return null;
        var type = (await _staging.AttributesAsync(cancel)).First(attribute => attribute.Name == cursor).Spelling;
        var rows = await _control.QueryAsync($"SELECT greatest((SELECT max({PgName.Quote(cursor)}) FROM {_place.Rows.Sql}), $1::{type})::text", [window.Watermark], cancel);
        return rows[0][0];
    }

    private async Task<CommitReceipt> FinishAsync(long rows, bool already, CancellationToken cancel)
    {
        await _staging.DropAsync(cancel);
        Step("cleaned");
        return new CommitReceipt(rows, 0, _request.Bytes, already, _place.Table.Written);
    }
}
