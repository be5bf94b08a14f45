using Millrace.Connectors.Postgres.Catalog;
using Millrace.Faults;
using Millrace.Planning;

namespace Millrace.Connectors.Postgres;

/// <summary>
/// Keeps a run's snapshot over one connection: it imports the coordinator's, takes the same locks (a snapshot does not guard against TRUNCATE or
/// a rewritten table) and exports the snapshot under a name of its own.
/// </summary>
public sealed class PostgresKeeper : IMomentKeeper
{
    private readonly PgControl _control;

    /// <summary>A keeper; connects when it joins. A malformed address is a <see cref="Fault"/>.</summary>
    public PostgresKeeper(SourceContext context) => _control = new PgControl(PostgresConnector.SettingsOf(context), context.Clock);

    /// <inheritdoc/>
    public bool IsHeld => _control.IsHeld;

    /// <inheritdoc/>
    public async ValueTask<string> JoinAsync(HeldMoment moment, CancellationToken cancel)
    {
        var parsed = PgMoment.Parse(moment.Moment);
        if (!await parsed.TryBeginAsync(sql => _control.ExecuteAsync(sql, cancel))) throw parsed.Gone();
        foreach (var sql in moment.Locks) await _control.ExecuteAsync(sql, cancel);
        var snapshot = (await _control.QueryAsync("SELECT pg_export_snapshot()", [], cancel))[0][0]!;
        _control.Hold();
        return parsed.Also(snapshot).ToString();
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _control.DisposeAsync();
}
