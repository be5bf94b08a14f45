using System.Collections.Immutable;
using System.Text;
using Millrace.Commit;
using Millrace.Connectors.Postgres.Catalog;
using Millrace.Connectors.Postgres.Protocol;
using Millrace.Connectors.Postgres.Types;
using Millrace.Connectors.Postgres.Writing;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Load;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Connectors.Postgres.Target;

/// <summary>
/// The coordinator's half of the PostgreSQL target, over one connection: it makes staging tables beside the one that a stream goes to, and
/// publishes a stream in one transaction that also remembers it.
/// </summary>
internal sealed class PostgresTarget : ITarget
{
    private readonly PgSettings _settings;
    private readonly PgControl _control;
    private readonly PgCatalog _catalog;
    private readonly PgTypeCatalog _types;
    private readonly TargetContext _context;

    /// <summary>A target; connects when it is first asked. A malformed address is a <see cref="Fault"/>.</summary>
    public PostgresTarget(TargetContext context)
    {
        _context = context;
        _settings = PostgresConnector.SettingsOf(context.Address, context.Mark);
        _control = new PgControl(_settings, context.Clock, PgAccess.Write(TimeSpan.FromMilliseconds(Limits.PgPublishLockMilliseconds)));
        _catalog = new PgCatalog(_control);
        _types = new PgTypeCatalog(_control);
    }

    /// <inheritdoc/>
    public string Place => _settings.ToString();

    /// <inheritdoc/>
    public TargetTraits Traits => PostgresTraits.Target;

    /// <inheritdoc/>
    public bool OneFile => false;

    /// <summary>Told the name of each step of a publication after it is done; tests throw from it.</summary>
    internal Action<string> Step { get; set; } = static _ => { };

    /// <inheritdoc/>
    public async ValueTask<string> CheckAsync(CancellationToken cancel)
    {
        var row = (await _control.QueryAsync("SELECT current_setting('server_version'), pg_is_in_recovery(), current_setting('transaction_read_only')", [], cancel))[0];
        if (row[1] == "t" || row[2] == "on") throw Refused($"{Place} can't be written: it is {(row[1] == "t" ? "a standby" : "read only")}", "Name the primary server.");
        return $"PostgreSQL {row[0]}";
    }

    /// <inheritdoc/>
    public string IdentityOf(string to)
    {
        var name = PgTableName.Parse(to);
        return $"{Place}#{(name.Schema is { } schema ? PgName.Written(schema, name.Name) : name.Name)}";
    }

    /// <inheritdoc/>
    public async ValueTask<PublishedTable?> FindAsync(string to, CancellationToken cancel)
    {
        var table = await TableAsync(to, cancel);
        if (await PgLiveTable.FindAsync(_control, _types, table, cancel) is null) return null;
        return await PgCommitLog.Of(_control, table.Schema).LatestAsync(table, cancel) is { } latest ? new PublishedTable(IdentityOf(to), latest.Columns, latest.Run) : null;
    }

    /// <inheritdoc/>
    public async ValueTask<CursorWindow> WindowAsync(StreamJob stream, CancellationToken cancel)
    {
        var table = await TableAsync(stream.TargetName, cancel);
        if (await PgLiveTable.FindAsync(_control, _types, table, cancel) is not { } live) return new CursorWindow(null, null);
        var watermark = (await PgCommitLog.Of(_control, table.Schema).LatestAsync(table, cancel))?.Watermark;
        if (watermark is null)
        {
            var isEmpty = (await _control.QueryAsync($"SELECT NOT EXISTS (SELECT FROM {table.Sql})", [], cancel))[0][0] == "t";
            if (isEmpty || !stream.Key.IsEmpty) return new CursorWindow(null, null);
            throw new Fault(FaultKind.Refused, $"{table.Written} has rows, and no watermark says up to where they were loaded")
            {
                Side = FaultSide.Target,
                Where = stream.MarkOf("mode").ToString(),
                Advice = "Name a key, so that rows find those that are there, or begin with an empty table.",
            };
        }

        var name = stream.Rename.GetValueOrDefault(stream.Cursor!, stream.Cursor!);
        var cursor = live.Find(name) ?? throw Refused($"{table.Written} has no column {Words.Quote(name)}, the cursor", "Write to another table with `to:`.");
        return new CursorWindow(watermark, await new PgCursor(stream, cursor.Attribute.Spelling).LessLagAsync(_control, watermark, notBefore: null, cancel));
    }

    /// <inheritdoc/>
    public async ValueTask<ImmutableArray<string>> ForeseeAsync(StreamPlan plan, CancellationToken cancel)
    {
        var table = await TableAsync(plan.Stream.TargetName, cancel);
        if (await PgLiveTable.FindAsync(_control, _types, table, cancel) is not { } live) return [$"{table.Written} is made"];
        var remarks = ImmutableArray.CreateBuilder<string>();
        var shape = PgTargetShape.Into(plan.Columns, live, plan.Stream.Schema, keepsRows: plan.Stream.Mode != WriteMode.Overwrite);
        if (shape.Changes) remarks.Add($"{table.Written} changes: {string.Join(", ", PgInsertion.Changes(shape))}");
        if (plan.Stream.Mode == WriteMode.Overwrite)
        {
            remarks.Add((await PgDefinition.ReadAsync(_control, live, shape, cancel)).WhyNotExchanged is { } why
                ? $"the rows of {table.Written} are replaced by DELETE and INSERT, because {why}"
                : $"{table.Written} is exchanged for the new table");
        }

        if (plan.WireForm is not null && !shape.Changes && PgWireForm.Of(plan.Columns.Select(column => live.Find(column.Name)!.Attribute)) == plan.WireForm)
            remarks.Add("rows pass undecoded: both ends have the same columns");
        return remarks.ToImmutable();
    }

    /// <inheritdoc/>
    public async ValueTask<string> StageAsync(StagingRequest request, CancellationToken cancel)
    {
        var stream = request.Plan.Stream;
        var table = await TableAsync(request.To, cancel);
        Refuse(stream);
        await PgSchema.EnsureAsync(_control, table.Schema, cancel);
        await PgCommitLog.Of(_control, table.Schema).EnsureAsync(cancel);
        var place = new PgStagingPlace(table, request.Run, stream.Name);
        var staging = new PgStaging(_control, _types, place, _context.Clock);
        try
        {
            var live = await PgLiveTable.FindAsync(_control, _types, table, cancel);
            var shape = live is null
                ? PgTargetShape.New(request.Plan.Columns)
                : PgTargetShape.Into(request.Plan.Columns, live, stream.Schema, keepsRows: stream.Mode != WriteMode.Overwrite);
            await new PgTypeMaking(_control).MakeAsync(live is null ? request.Plan.Columns : shape.MadeOf(request.Plan.Columns), cancel);
            return (await staging.MakeAsync(request.Plan.Columns, request.Plan.WireForm, shape, await NextAsync(stream, live, shape, cancel), request.Fresh, cancel)).ToJson();
        }
        catch (Fault fault) when (fault.Where is null && fault.Kind == FaultKind.Data)
        {
            throw new Fault(fault.Kind, fault.Message, fault) { Side = fault.Side, Where = stream.MarkOf("to").ToString(), Advice = fault.Advice };
        }
    }

    /// <inheritdoc/>
    public ImmutableArray<Refusal> RefusalsOf(ImmutableArray<Column> columns, string writerJson) => PgRefusals.Of(columns, PgWriting.Parse(writerJson));

    /// <inheritdoc/>
    public bool IsPassed(string writerJson) => PgWriting.Parse(writerJson).IsPassed;

    /// <inheritdoc/>
    public async ValueTask<CommitReceipt> CommitAsync(StreamHeader header, CommitRequest request, CancellationToken cancel)
    {
        var place = new PgStagingPlace(await TableAsync(header.To, cancel), header.Run, header.Stream);
        try
        {
            return await new PgPublishing(_control, place, header, request, _context.Clock) { Step = Step }.RunAsync(cancel);
        }
        catch (PgStagingLost lost)
        {
            request.StagingLost();
            throw lost.Fault;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<PublishedStream?> ReadAgainAsync(StreamHeader header, WriteMode mode, CancellationToken cancel) =>
        await PgReadAgain.FindAsync(_control, await TableAsync(header.To, cancel), header, mode, _context.Mark, cancel);

    /// <inheritdoc/>
    public async ValueTask DiscardAsync(string run, CancellationToken cancel)
    {
        var rows = await _control.QueryAsync(
            """
            SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind = 'r' AND starts_with(c.relname, $1) AND starts_with(obj_description(c.oid, 'pg_class') || ',', $2 || ',')
            """,
            [PgStagingPlace.Prefix, PgStagingPlace.Mark + run],
            cancel);
        foreach (var row in rows) await _control.ExecuteAsync($"DROP TABLE IF EXISTS {row[0]}", cancel);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _control.DisposeAsync();

    /// <summary>What stands in the target's place of a name: without a schema, in the first that the user's search path has.</summary>
    private async Task<PgTable> TableAsync(string to, CancellationToken cancel)
    {
        var name = PgTableName.Parse(to);
        var schema = name.Schema ?? (await _catalog.SearchPathAsync(cancel)).Schemas.FirstOrDefault(static schema => !IsTemporary(schema))
            ?? throw Refused($"{Place}: this user's search path has no schema", "Name the schema with `to: schema.table`.");
        if (Encoding.UTF8.GetByteCount(name.Name) > Limits.PgNameBytesMax || Encoding.UTF8.GetByteCount(schema) > Limits.PgNameBytesMax)
            throw Refused($"{Words.Quote(to)} is longer than a name of PostgreSQL may be ({Limits.PgNameBytesMax} bytes): it would be cut", "Write to a shorter name with `to:`.");
        if (IsTemporary(schema)) throw Refused($"{Words.Quote(to)} is in a temporary schema: nobody else would see it", "Name another schema with `to:`.");
        if (name.Name.StartsWith(PgStagingPlace.Prefix, StringComparison.Ordinal)) throw Refused($"{Words.Quote(to)} has a name that Millrace keeps for itself", "Write to another name with `to:`.");
        return new PgTable(schema, name.Name);
    }

    private static bool IsTemporary(string schema) => schema.StartsWith("pg_temp", StringComparison.Ordinal);

    /// <summary>How the table is made that takes the live one's place; null: rows go into the one that is there.</summary>
    private async Task<PgNextTable?> NextAsync(StreamJob stream, PgLiveTable? live, PgTargetShape shape, CancellationToken cancel)
    {
        if (live is null) return PgNextTable.New(shape);
        if (stream.Mode != WriteMode.Overwrite) return null;
        var definition = await PgDefinition.ReadAsync(_control, live, shape, cancel);
        return definition.WhyNotExchanged is null ? PgNextTable.Like(live, shape, definition) : null;
    }

    private static void Refuse(StreamJob stream)
    {
        if (stream.Proof != Proof.Readback) return;
        throw new Fault(FaultKind.JobFile, "found proof: readback, which a PostgreSQL target has not")
        {
            Side = FaultSide.Job, Where = stream.MarkOf("proof").ToString(), Advice = "Use proof: hash, and compare the table with its source by `millrace verify` when it has been overwritten.",
        };
    }

    private Fault Refused(string message, string advice) => new(FaultKind.Refused, message) { Side = FaultSide.Target, Where = _context.Mark.ToString(), Advice = advice };
}
