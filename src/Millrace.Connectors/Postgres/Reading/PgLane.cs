using Millrace.Connectors.Postgres.Catalog;
using Millrace.Connectors.Postgres.Partitioning;
using Millrace.Connectors.Postgres.Protocol;
using Millrace.Faults;

namespace Millrace.Connectors.Postgres.Reading;

/// <summary>One connection of a worker, inside of a transaction at some moment. Used by one thread at a time.</summary>
internal sealed class PgLane : IAsyncDisposable
{
    private readonly PgConnection _connection;
    private string? _moment;
    private string? _searchPath;
    private bool? _rawText;
    private bool _inTransaction;

    private PgLane(PgConnection connection) => _connection = connection;

    /// <summary>The session.</summary>
    internal PgConnection Connection => _connection;

    /// <summary>False when it must not be used again.</summary>
    internal bool IsUsable => _connection.IsUsable;

    internal static async Task<PgLane> OpenAsync(PgSettings settings, TimeProvider clock, CancellationToken cancel) =>
        new(await PgConnection.OpenAsync(settings, cancel, clock));

    /// <summary>
    /// Puts the connection into a transaction at this moment, or at a new one of its own when there is none, with the settings that
    /// the stream's SQL needs. Costs no round trip when it already is.
    /// </summary>
    internal async Task EnterAsync(PgReading reading, string? moment, CancellationToken cancel)
    {
        var own = moment is null || reading.OwnSnapshots;
        if (_inTransaction && (own || _moment != moment)) await LeaveAsync(cancel);
        if (_rawText != reading.RawText)
        {
            await _connection.ExecuteAsync($"SET client_encoding = '{(reading.RawText ? "SQL_ASCII" : "UTF8")}'", cancel);
            _rawText = reading.RawText;
        }

        if (!_inTransaction) await BeginAsync(own ? null : moment, cancel);
        if (_searchPath != reading.SearchPath)
        {
            await _connection.ExecuteAsync($"SET LOCAL search_path = {reading.SearchPath ?? "pg_catalog"}", cancel);
            _searchPath = reading.SearchPath;
        }
    }

    /// <summary>Ends the transaction, so that an idle connection holds back no vacuum. A connection at a shared moment keeps it.</summary>
    internal async Task LeaveAsync(CancellationToken cancel)
    {
        await _connection.ExecuteAsync("COMMIT", cancel);
        (_inTransaction, _moment, _searchPath) = (false, null, null);
    }

    /// <summary>Whether the transaction is one unit's own and must end with it.</summary>
    internal bool HasOwnSnapshot => _inTransaction && _moment is null;

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private async Task BeginAsync(string? moment, CancellationToken cancel)
    {
        if (moment is null)
        {
            await _connection.ExecuteAsync("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", cancel);
        }
        else
        {
            var parsed = PgMoment.Parse(moment);
            if (!await parsed.TryBeginAsync(sql => _connection.ExecuteAsync(sql, cancel))) throw parsed.Gone();
        }

        (_inTransaction, _moment, _searchPath) = (true, moment, null);
    }
}
