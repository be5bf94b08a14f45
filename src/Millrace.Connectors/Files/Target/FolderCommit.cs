using System.Collections.Immutable;
using Millrace.Commit;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Connectors.Files.Target;

/// <summary>
/// Publishes a folder of files in one step. A kill between any two steps leaves the old table or the new one, and doing all of it again
/// ends the same. The steps:
/// <list type="number">
/// <item>A marker in the live table that names this run and stream: done already.</item>
/// <item>The units' files move together into the staged table; sums are checked.</item>
/// <item>Under the table's lock: the marker again; append and incremental link the live files in; the staged table gets its marker; all is flushed.</item>
/// <item>The coordinator still holds the run; then staged and live table are exchanged, and the folders above are flushed.</item>
/// <item>What was live is removed with the rest of the staging.</item>
/// </list>
/// </summary>
internal sealed class FolderCommit
{
    private readonly StagingPlace _place;
    private readonly StreamHeader _header;
    private readonly CommitRequest _request;
    private readonly string _live;
    private readonly FileFormat _format;
    private readonly string _where;

    /// <summary>A commit.</summary>
    /// <param name="place">Where staging lies.</param>
    /// <param name="live">The table's folder.</param>
    /// <param name="format">The files' format.</param>
    /// <param name="where">The place in the user's input, for errors.</param>
    /// <param name="header">The stream.</param>
    /// <param name="request">What to publish.</param>
    public FolderCommit(StagingPlace place, string live, FileFormat format, string where, StreamHeader header, CommitRequest request)
    {
        _place = place;
        _live = live;
        _format = format;
        _where = where;
        _header = header;
        _request = request;
    }

    /// <summary>The clock.</summary>
    public required TimeProvider Clock { get; init; }

    /// <summary>Told the name of each step after it is done; tests throw from it.</summary>
    public Action<string> Step { get; init; } = static _ => { };

    /// <summary>Whether two folders can be exchanged in one step; tests say no.</summary>
    public bool CanExchange { get; init; } = true;

    private string Staging => _place.Stream(_header.Run, _header.To);

    private string Old => Path.Combine(Staging, StagingPlace.Old);

    /// <summary>Does it.</summary>
    public async Task<CommitReceipt> RunAsync(CancellationToken cancel)
    {
        if (TableMarker.Read(_live)?.Find(_header.Run, _header.Stream) is { } done) return Finish(done, already: true);
        Restore(Staging, _live);
        var staged = new StagedTable(Staging, _header.To, _header.Run, Step);
        if (staged.IsGone)
        {
            throw new Fault(FaultKind.Internal, $"nothing is staged for {Words.Quote(_header.To)} in {Staging}, and the table does not have this run")
            {
                Side = FaultSide.Target, Where = _where, Advice = "Something else has removed the staging folder. Run the job again.",
            };
        }

        try
        {
            var keepEmpty = _request.Rows == 0 && !KeepsFiles;
            await staged.AssembleAsync(_request, keepEmpty, cancel).ConfigureAwait(false);
            var commit = await PublishUnderLockAsync(staged, cancel).ConfigureAwait(false);
            return Finish(commit.Commit, commit.Already);
        }
        catch (Fault) when (IsPublished)
        {
            // Somebody else has published the stream and removed what was staged, while this coordinator stood still: what it has made since is nobody's.
            RemoveStaging();
            throw;
        }
    }

    private async Task<(TableCommit Commit, bool Already)> PublishUnderLockAsync(StagedTable staged, CancellationToken cancel)
    {
        var path = _place.Lock(_header.To);
        using var held = await FileLock.AcquireAsync(path, $"run {_header.Run}", TimeSpan.FromSeconds(Limits.TableLockSecondsMax), Clock, cancel).ConfigureAwait(false)
            ?? throw new Fault(FaultKind.Refused, $"another commit to {_live} did not end within {Limits.TableLockSecondsMax} s: {FileLock.HolderOf(path) ?? "unknown"}")
            {
                Side = FaultSide.Target, Retryable = true, Where = _where, Advice = "Wait for it, then `millrace resume`.",
            };
        Step("locked");
        var before = LiveTable.Check(_live, _request.Mode, _format, _where);
        if (before?.Find(_header.Run, _header.Stream) is { } done)
        {
            held.RemoveFiles();
            return (done, true);
        }

        AssertWindow(before);
        var columns = Columns(before);
        staged.RemoveOther();
        if (KeepsFiles) staged.LinkLive(_live, path => IsReplaced(path, before), cancel);
        var commit = new TableCommit
        {
            Run = _header.Run,
            Stream = _header.Stream,
            Epoch = _request.Epoch,
            Mode = _request.Mode,
            Rows = _request.Rows,
            Files = staged.Files,
            Bytes = staged.Bytes,
            At = Clock.GetUtcNow(),
        };
        TableMarker.With(before, _format, columns, commit, Window()).Write(staged.Folder);
        FolderTree.Sync(staged.Folder);
        Step("marked");

        cancel.ThrowIfCancellationRequested();
        AssertHolder(held);
        Publish(staged.Folder);
        held.RemoveFiles();
        return (commit, false);
    }

    private bool IsPublished => TableMarker.Read(_live)?.Find(_header.Run, _header.Stream) is not null;

    private void AssertHolder(FileLock held)
    {
        try
        {
            _request.AssertHolder();
        }
        catch (Fault) when (IsPublished)
        {
            held.RemoveFiles();
            throw;
        }
    }

    /// <summary>Whether the table's files stay, all or those before the window.</summary>
    private bool KeepsFiles => _request.Mode != WriteMode.Overwrite && Directory.Exists(_live);

    /// <summary>
    /// What an incremental load has read begins where the table ended when it was planned: if another load has come first, its rows would be
    /// there twice.
    /// </summary>
    private void AssertWindow(TableMarker? before)
    {
        if (_request.Merge is not { Cursor: { } cursor } || _header.Window is not { } read) return;
        var now = TableWindow.Of(before, _live, _header.Stream, cursor, _where);
        if (now.Watermark == read.Watermark && now.From == read.From) return;
        _request.StagingLost();
        throw new Fault(FaultKind.Refused, $"{_live} is loaded up to {now.Watermark ?? "nothing"} now, and was up to {read.Watermark ?? "nothing"} when this load began: nothing was published")
        {
            Side = FaultSide.Target, Where = _where, Advice = "Another run came between. `millrace resume` reads the stream again, from there on.",
        };
    }

    /// <summary>Whether what this load has read again stands in the place of a file.</summary>
    private bool IsReplaced(string path, TableMarker? before) =>
        _request.Mode == WriteMode.Incremental && before?.Window is { } window && CursorParting.IsReplaceable(path, StagedTable.StemOf(_header.To, window.Run));

    /// <summary>What the table will remember of an incremental load; null for other modes.</summary>
    private TableWindow? Window() => _request.Merge is not { Cursor: { } cursor } ? null : new TableWindow
    {
        Run = _header.Run, Stream = _header.Stream, Cursor = cursor, Watermark = _header.Window?.Next?.Watermark, From = _header.Window?.Next?.From,
    };

    /// <summary>
    /// The columns that the table will have. They were compared when the stream was planned; a table that is appended to may have changed
    /// since.
    /// </summary>
    private ImmutableArray<TableColumn> Columns(TableMarker? before)
    {
        var columns = TableColumn.Of(_header.Columns);
        if (_request.Mode == WriteMode.Overwrite || before?.Columns is not { } there) return columns;
        new SchemaRuling(_request.Schema, _request.Mode, _where).Admit(new PublishedTable(_live, there, before.Commits.LastOrDefault()?.Run), _header.Columns);
        return SchemaComparison.Appended(there, columns);
    }

    /// <summary>The one step that readers see.</summary>
    private void Publish(string table)
    {
        DurableFiles.CreateFolder(Path.GetDirectoryName(_live)!);
        if (!Directory.Exists(_live))
        {
            Directory.Move(table, _live);
        }
        else
        {
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(table, File.GetUnixFileMode(_live));
            if (!CanExchange || !DurableFiles.TryExchange(table, _live))
            {
                // Two steps: between them a reader finds no table, and a kill there is put right by doing this again or by discarding.
                Directory.Move(_live, Old);
                Step("old moved");
                Directory.Move(table, _live);
            }
        }

        Step("published");
    }

    /// <summary>After the table is live, now or earlier: makes that durable and removes what is left.</summary>
    private CommitReceipt Finish(TableCommit commit, bool already)
    {
        DurableFiles.SyncFolder(Path.GetDirectoryName(_live)!);
        if (Directory.Exists(Staging)) DurableFiles.SyncFolder(Staging);
        Step("durable");
        RemoveStaging();
        return new CommitReceipt(commit.Rows, commit.Files, commit.Bytes, already, _live);
    }

    private void RemoveStaging()
    {
        FolderTree.Remove(Staging);
        Step("cleaned");
        FolderTree.RemoveIfEmpty(_place.Run(_header.Run));
        FolderTree.RemoveIfEmpty(_place.Home);
    }

    /// <summary>Before a stream's staging is removed unpublished: a table that was moved away to be replaced comes back.</summary>
    public static void Restore(string staging, string live)
    {
        var old = Path.Combine(staging, StagingPlace.Old);
        if (Directory.Exists(old) && !Path.Exists(live)) Directory.Move(old, live);
    }
}
