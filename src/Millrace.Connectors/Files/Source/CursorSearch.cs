using System.Globalization;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Connectors.Files.Source;

/// <summary>
/// Where an incremental load of files will end: the greatest value of the cursor. Every unit is read for it as a worker reads it, in a DuckDB
/// that is locked as a worker's is; of Parquet files only this column.
/// </summary>
internal sealed class CursorSearch : IAsyncDisposable
{
    private readonly FilesUnitReader _reader = new();
    private readonly DuckDbDatabase _database;
    private readonly DuckDbConnection _connection;
    private readonly StreamHeader _header;
    private readonly StreamJob _stream;
    private readonly string _column;
    private readonly string _type;

    /// <summary>A search in a stream's files.</summary>
    /// <param name="plan">The stream's plan, which reads what the load reads.</param>
    public CursorSearch(StreamPlan plan)
    {
        _stream = plan.Stream;
        var column = plan.Columns.First(column => string.Equals(column.SourceName, _stream.Cursor, StringComparison.Ordinal));
        (_column, _type) = (SqlText.Name(column.Name), column.Type);
        _header = new StreamHeader
        {
            Run = "", Stream = _stream.Name, To = "", Generation = 0, Proof = Proof.Counts, OnReject = _stream.OnReject, Columns = plan.Columns, ReaderJson = plan.ReaderJson, WriterJson = "",
        };
        _database = DuckDbDatabase.Open(Probe.Settings);
        _connection = _database.Connect();
        _reader.Attach(_connection);
        var paths = string.Join(", ", _reader.ReadablePaths(_header).Select(SqlText.Literal));
        _connection.Execute($"SET GLOBAL TimeZone = 'UTC'; SET GLOBAL allowed_directories = [{paths}]; SET GLOBAL enable_external_access = false; SET GLOBAL lock_configuration = true");
    }

    /// <summary>Reads the units.</summary>
    /// <param name="units">What the load reads.</param>
    /// <param name="window">Where it begins.</param>
    /// <param name="cancel">Stops the reading.</param>
    /// <returns>Where it ends; null: there has never been a row.</returns>
    public async Task<CursorEnd?> FindAsync(IAsyncEnumerable<PlannedUnit> units, CursorWindow window, CancellationToken cancel)
    {
        var watermark = window.Watermark;
        await foreach (var planned in units.WithCancellation(cancel).ConfigureAwait(false))
        {
            var unit = new Unit { Number = 0, Slice = planned.Slice, Label = planned.Label };
            watermark = await GreaterAsync(watermark, unit, cancel).ConfigureAwait(false);
        }

        return watermark is null ? null : new CursorEnd(watermark, await LessLagAsync(watermark, window.From, cancel).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _connection.Dispose();
        _database.Dispose();
        await _reader.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>One unit; tried again where the reader then reads otherwise.</summary>
    private async Task<string?> GreaterAsync(string? than, Unit unit, CancellationToken cancel)
    {
        for (var attempt = 1; ; attempt++)
        {
            await using var input = await _reader.OpenAsync(_header, unit, cancel).ConfigureAwait(false);
            using var stop = cancel.Register(static state => ((Extract.IUnitInput)state!).Cancel(), input);
            try
            {
                return await AskAsync($"SELECT CAST(greatest({Value(than)}, max({_column})) AS VARCHAR) FROM ({input.Select})", cancel).ConfigureAwait(false);
            }
            catch (DuckDbException error)
            {
                cancel.ThrowIfCancellationRequested();
                var fault = input.Explain(error) ?? SourceFaults.Data(unit.Label, error.Message, inner: error);
                if (!fault.Retryable || attempt >= Limits.UnitAttemptsMax) throw fault;
            }
        }
    }

    private async Task<string> LessLagAsync(string watermark, string? notBefore, CancellationToken cancel)
    {
        if (_stream.Lag is not { } lag || lag == "0") return watermark;
        var less = Duration.TryParse(lag, out var seconds) ? string.Create(CultureInfo.InvariantCulture, $"INTERVAL '{seconds} seconds'") : lag;
        try
        {
            return (await AskAsync($"SELECT CAST(greatest(CAST({Value(watermark)} - {less} AS {_type}), {Value(notBefore)}) AS VARCHAR)", cancel).ConfigureAwait(false))!;
        }
        catch (DuckDbException error)
        {
            cancel.ThrowIfCancellationRequested();
            throw SourceFaults.Job(
                _stream.MarkOf("lag"), $"found lag: {lag}, which can't be taken from a cursor of type {_type}", $"Expected {Duration.Expected} for a date or a time, a number for a number.", error);
        }
    }

    private string Value(string? text) => $"CAST({(text is null ? "NULL" : SqlText.Literal(text))} AS {_type})";

    private async Task<string?> AskAsync(string sql, CancellationToken cancel)
    {
        using var answer = await _connection.QueryAsync(sql, cancel).ConfigureAwait(false);
        return answer.Read() ? answer.GetText(0) : null;
    }
}
