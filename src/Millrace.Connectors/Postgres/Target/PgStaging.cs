using System.Collections.Immutable;
using Millrace.Connectors.Postgres.Catalog;
using Millrace.Connectors.Postgres.Types;
using Millrace.Connectors.Postgres.Writing;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Connectors.Postgres.Target;

/// <summary>
/// A stream's staging tables: makes them, says how its columns are sent there, and at the end makes sure that they hold exactly the rows
/// that the units' results name.
/// </summary>
internal sealed class PgStaging(PgControl control, PgTypeCatalog types, PgStagingPlace place, TimeProvider clock)
{
    /// <summary>
    /// Makes the tables, or takes those that an earlier coordinator has made; gives what the writers need. Where no column must be cast,
    /// <paramref name="next"/> makes the rows' table, so that it can become the live one.
    /// </summary>
    /// <param name="columns">What comes.</param>
    /// <param name="wireForm">The form in which the source can hand rows over undecoded; null: in none.</param>
    /// <param name="shape">What it becomes.</param>
    /// <param name="next">How a table is made that takes the live one's place; null: rows are put into a table that is there.</param>
    /// <param name="isFresh">Whether what is there is removed first.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<PgWriting> MakeAsync(
        ImmutableArray<Column> columns, string? wireForm, PgTargetShape shape, PgNextTable? next, bool isFresh, CancellationToken cancel)
    {
        if (isFresh) await EndOthersAsync(cancel);
        else if (await IsThereAsync(cancel)) return (await DescribeAsync(columns, wireForm, cancel)).Writing;
        PgWriting? writing = null;
        await control.TransactionAsync(
            async () =>
            {
                await TakeTurnAsync(cancel);
                await control.ExecuteAsync($"{DropSql}; CREATE UNLOGGED TABLE {place.Rows.Sql} ({string.Join(", ", shape.Staged.Select(static column => $"{column.Sql} {column.Type}"))})", cancel);
                (writing, var isCast) = await DescribeAsync(columns, wireForm, cancel);
                var isNext = next is not null && !isCast && shape.Staged.Length == shape.Columns.Length;
                if (isNext) await control.ExecuteAsync($"DROP TABLE {place.Rows.Sql}; {next!.Make(place.Rows)}", cancel);
                await control.ExecuteAsync(
                    $"""
                    CREATE {(isNext && next!.IsLogged ? "" : "UNLOGGED ")}TABLE {place.Attempts.Sql} (attempt text PRIMARY KEY, unit bigint NOT NULL, xid bigint NOT NULL, rows bigint NOT NULL);
                    COMMENT ON TABLE {place.Attempts.Sql} IS {PgName.Literal(place.Comment)};
                    COMMENT ON TABLE {place.Rows.Sql} IS {PgName.Literal(isNext ? place.CommentLike(next!.Fingerprint) : place.Comment)}
                    """,
                    cancel);
            },
            cancel);
        return writing!;
    }

    /// <summary>
    /// The first thing in the transaction that makes the tables. A coordinator before this one that was cut off in it has made tables that nobody
    /// else can see, under the names that this one needs: its session is found by this lock, and ended.
    /// </summary>
    private async Task TakeTurnAsync(CancellationToken cancel)
    {
        for (var wait = 1; ; wait *= 2)
        {
            if ((await control.QueryAsync("SELECT pg_try_advisory_xact_lock($1::bigint)", [PgCatalog.Text(place.Turn)], cancel))[0][0] == "t") return;
            if (wait > Limits.PgPublishLockMilliseconds) throw Occupied();
            await control.QueryAsync(
                """
                SELECT pg_terminate_backend(a.pid) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
                WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.classid::bigint = ($1::bigint >> 32) & 4294967295 AND l.objid::bigint = $1::bigint & 4294967295 AND l.granted
                    AND l.database = a.datid AND a.datname = current_database() AND a.usename = current_user AND a.application_name = current_setting('application_name')
                """,
                [PgCatalog.Text(place.Turn)],
                cancel);
            await Task.Delay(TimeSpan.FromMilliseconds(wait), clock, cancel);
        }
    }

    /// <summary>Whether the rows' table was made to become the live one, from a definition with this fingerprint.</summary>
    public async Task<bool> IsLikeAsync(string fingerprint, CancellationToken cancel) =>
        (await control.QueryAsync("SELECT obj_description($1::regclass, 'pg_class')", [place.Rows.Sql], cancel))[0][0] == place.CommentLike(fingerprint);

    /// <summary>
    /// Before the rows are published: no session of this run writes any more, attempts that no result names are taken out, and those that
    /// are named are all there. An attempt's record is there exactly when its rows are: one transaction has written both, and a crash
    /// that empties the one table empties the other. So the rows are only counted where some were taken out.
    /// </summary>
    /// <param name="results">The units' results.</param>
    /// <param name="rows">Rows of all of them.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="PgStagingLost">The server has not all of it any more.</exception>
    public async Task SettleAsync(IAsyncEnumerable<UnitResult> results, long rows, CancellationToken cancel)
    {
        if (!await IsThereAsync(cancel)) throw Lost("the staging table is gone");
        await EndOthersAsync(cancel);
        await control.TransactionAsync(
            async () =>
            {
                await NameAsync(results, cancel);
                await TakeOutAsync(rows, cancel);
                var missing = PgCatalog.Number((await control.QueryAsync(
                    $"SELECT count(*) FROM pg_temp.named n WHERE NOT EXISTS (SELECT FROM {place.Attempts.Sql} a WHERE a.attempt = n.attempt AND a.rows = n.rows)", [], cancel))[0][0]);
                if (missing > 0) throw Lost($"{missing} pieces that were written are not there");
            },
            cancel);
    }

    /// <summary>
    /// Inside the transaction that publishes: what was settled is still there. A crash in between has emptied a table that is not logged, and
    /// the connection is another one then.
    /// </summary>
    /// <exception cref="PgStagingLost">It is not.</exception>
    public async Task AssertWholeAsync(long rows, CancellationToken cancel)
    {
        var there = PgCatalog.Number((await control.QueryAsync($"SELECT coalesce(sum(rows), 0)::bigint FROM {place.Attempts.Sql}", [], cancel))[0][0]);
        if (there != rows) throw Lost($"{there} rows are there, and {rows} were written");
    }

    /// <summary>Attempts that no result names: of a coordinator or worker that was killed before it wrote one, or that came second.</summary>
    private async Task TakeOutAsync(long rows, CancellationToken cancel)
    {
        var strays = $"FROM {place.Attempts.Sql} a WHERE NOT EXISTS (SELECT FROM pg_temp.named n WHERE n.attempt = a.attempt)";
        if ((await control.QueryAsync($"SELECT EXISTS (SELECT {strays})", [], cancel))[0][0] != "t") return;
        await control.ExecuteAsync(
            $"DELETE FROM {place.Rows.Sql} WHERE xmin = ANY (ARRAY(SELECT (xid & 4294967295)::text::xid {strays})); DELETE {strays}", cancel);
        var there = PgCatalog.Number((await control.QueryAsync($"SELECT count(*) FROM {place.Rows.Sql}", [], cancel))[0][0]);
        if (there != rows) throw Lost($"{there} rows are there, and {rows} were written");
    }

    /// <summary>
    /// Ends sessions that work with the rows yet: those that write, and those in which a coordinator that was killed publishes. A statement
    /// runs on without its client, for hours if it has much to do, and who publishes again would wait for it.
    /// </summary>
    private async Task EndOthersAsync(CancellationToken cancel)
    {
        for (var wait = 1; ; wait *= 2)
        {
            var others = await control.QueryAsync(
                """
                SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a WHERE a.pid <> pg_backend_pid() AND EXISTS (
                    SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.relation IN (to_regclass($1), to_regclass($2)) AND l.database = a.datid AND a.datname = current_database()
                        AND (l.mode = 'RowExclusiveLock' OR a.usename = current_user AND a.application_name = current_setting('application_name')))
                """,
                [place.Rows.Sql, place.Next.Sql],
                cancel);
            if (others.Count == 0) return;
            if (wait > Limits.PgPublishLockMilliseconds) throw Occupied();
            await Task.Delay(TimeSpan.FromMilliseconds(wait), clock, cancel);
        }
    }

    /// <summary>
    /// The first thing in a transaction that publishes, or makes ready for it: a coordinator that comes after this one, which may be dead or cut off from the server,
    /// finds its session by the rows and ends it, wherever it stands.
    /// </summary>
    /// <exception cref="PgStagingLost">The table is gone, perhaps because another one has just published it.</exception>
    public async Task HoldAsync(CancellationToken cancel)
    {
        try
        {
            await control.ExecuteAsync($"LOCK TABLE {place.Rows.Sql} IN ACCESS SHARE MODE", cancel);
        }
        catch (Fault fault) when (fault.Code == "42P01")
        {
            throw Lost("the staging table is gone");
        }
    }

    /// <summary>Brings the attempts that results name to the server, some at a time.</summary>
    private async Task NameAsync(IAsyncEnumerable<UnitResult> results, CancellationToken cancel)
    {
        await control.ExecuteAsync("CREATE TEMPORARY TABLE named (attempt text PRIMARY KEY, rows bigint NOT NULL) ON COMMIT DROP", cancel);
        var (attempts, counts) = (new List<string>(), new List<string>());
        await foreach (var result in results.WithCancellation(cancel))
        {
            foreach (var piece in result.Files)
            {
                attempts.Add($"\"{piece.Path}\"");
                counts.Add(PgCatalog.Text(piece.Rows));
            }

            if (attempts.Count >= Limits.PgNamesPerStatement) await SendAsync();
        }

        await SendAsync();

        async Task SendAsync()
        {
            await control.QueryAsync(
                "INSERT INTO pg_temp.named SELECT * FROM unnest($1::text[], $2::bigint[])", [$"{{{string.Join(',', attempts)}}}", $"{{{string.Join(',', counts)}}}"], cancel);
            attempts.Clear();
            counts.Clear();
        }
    }

    /// <summary>The staged rows as columns of a table that has its final types: cast where they were sent as text.</summary>
    /// <param name="shape">The columns.</param>
    /// <param name="final">The table's columns.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<string> SelectListAsync(PgTargetShape shape, IEnumerable<PgAttribute> final, CancellationToken cancel)
    {
        var finals = final.ToDictionary(static attribute => attribute.Name, StringComparer.Ordinal);
        var staged = (await AttributesAsync(cancel)).ToDictionary(static attribute => attribute.Name, StringComparer.Ordinal);
        return string.Join(", ", shape.Columns.Select(column => Cast(column, staged[column.Name], finals[column.Name])));

        // Without the type's modifier: with it an explicit cast would cut what is too long; the assignment that follows refuses it.
        static string Cast(PgTargetColumn column, PgAttribute staged, PgAttribute final) => staged.Type.Oid == final.Type.Oid
            ? $"s.{column.Sql}"
            : $"s.{column.Sql}::{PgName.Quote(final.Type.Schema)}.{PgName.Quote(final.Type.Name)}";
    }

    /// <summary>The columns of the staged rows.</summary>
    public async Task<ImmutableArray<PgAttribute>> AttributesAsync(CancellationToken cancel)
    {
        var oid = await place.Rows.FindAsync(control, cancel) ?? throw Lost("the staging table is gone");
        return await types.AttributesAsync(oid, cancel);
    }

    /// <summary>Removes the tables, whatever there is of them.</summary>
    public Task DropAsync(CancellationToken cancel) => control.ExecuteAsync(DropSql, cancel);

    private string DropSql => $"DROP TABLE IF EXISTS {place.Attempts.Sql}, {place.Rows.Sql}, {place.Next.Sql}";

    /// <summary>
    /// How columns are sent into the staging table that is there, and whether any is sent as text to be cast: one whose type has no exact form is
    /// altered then.
    /// </summary>
    private async Task<(PgWriting Writing, bool IsCast)> DescribeAsync(ImmutableArray<Column> columns, string? wireForm, CancellationToken cancel)
    {
        var attributes = (await AttributesAsync(cancel)).ToDictionary(static attribute => attribute.Name, StringComparer.Ordinal);
        if (wireForm is not null && PgWireForm.Of(columns.Select(column => attributes[column.Name])) == wireForm)
        {
            // Their encodings are never asked for.
            ImmutableArray<PgWrittenColumn> passed = [.. columns.Select(static column => new PgWrittenColumn(PgName.Quote(column.Name), new PgEncoding(WireKind.Bytes)))];
            return (new PgWriting(place.Rows.Sql, place.Attempts.Sql, passed) { IsPassed = true }, false);
        }

        var written = ImmutableArray.CreateBuilder<PgWrittenColumn>(columns.Length);
        var isCast = false;
        foreach (var column in columns)
        {
            var (attribute, from) = (attributes[column.Name], DuckDbType.Parse(column.Type));
            var encoding = PgEncodings.For(from, attribute.Type, attribute.Modifier);
            if (encoding is null)
            {
                var (text, encoded) = PgEncodings.StagedAsText(from) ?? throw NoForm(column, attribute);
                isCast = true;
                await control.ExecuteAsync($"ALTER TABLE {place.Rows.Sql} ALTER COLUMN {PgName.Quote(column.Name)} TYPE {text} USING NULL", cancel);
                encoding = encoded;
            }

            written.Add(new PgWrittenColumn(PgName.Quote(column.Name), encoding));
        }

        return (new PgWriting(place.Rows.Sql, place.Attempts.Sql, written.MoveToImmutable()), isCast);
    }

    private async Task<bool> IsThereAsync(CancellationToken cancel) =>
        await place.Rows.FindAsync(control, cancel) is not null && await place.Attempts.FindAsync(control, cancel) is not null;

    private PgStagingLost Lost(string what) => new(new Fault(FaultKind.Unreachable, $"{place.Table.Written}: {what}: the server has lost what was staged")
    {
        Side = FaultSide.Target,
        Advice = "A crash or a fail-over of the server does that. `millrace resume` reads the stream again.",
    });

    private Fault Occupied() => new(FaultKind.Refused, $"{place.Table.Written}: a session that works with the staged rows was told to end, and goes on")
    {
        Side = FaultSide.Target, Retryable = true, Advice = "Look for it in pg_stat_activity; `millrace resume` goes on when it is gone.",
    };

    private Fault NoForm(Column column, PgAttribute there) => new(FaultKind.Data, $"{place.Table.Written}: {column.Type} can't go into {Words.Quote(column.Name)}, which is {there.Spelling}")
    {
        Side = FaultSide.Target,
        Advice = "Set `types:` for the column, or write to another table with `to:`.",
    };
}

/// <summary>What was staged is not there any more: the stream must be read again.</summary>
internal sealed class PgStagingLost(Fault fault) : Exception(fault.Message, fault)
{
    /// <summary>What to tell.</summary>
    public Fault Fault => fault;
}
