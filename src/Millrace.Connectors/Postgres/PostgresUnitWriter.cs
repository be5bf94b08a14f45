using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Millrace.Connectors.Postgres.Protocol;
using Millrace.Connectors.Postgres.Writing;
using Millrace.DuckDb;
using Millrace.Load;
using Millrace.Runs;

namespace Millrace.Connectors.Postgres;

/// <summary>
/// The worker's half of the PostgreSQL target: each attempt at a unit is one transaction that copies its rows into the stream's stage. The
/// rows leave DuckDB through the copy function <c>millrace_postgres</c>. Any number of lanes.
/// </summary>
public sealed class PostgresUnitWriter : IUnitWriter
{
    /// <summary>The copy function's name.</summary>
    internal const string Format = "millrace_postgres";

    /// <summary>A folder that can't be there: DuckDB looks whether it may write a COPY's path, and whether such a file exists.</summary>
    internal const string Folder = "/dev/null/millrace";

    private readonly PgWriterPool _pool;
    private readonly ConcurrentDictionary<string, PgUnitOutput> _open = new(StringComparer.Ordinal);
    private readonly ConditionalWeakTable<StreamHeader, PgWriting> _writings = [];

    /// <summary>A writer; connects when the first unit is opened.</summary>
    /// <param name="settings">The server.</param>
    /// <param name="context">The target.</param>
    internal PostgresUnitWriter(PgSettings settings, TargetContext context) => _pool = new PgWriterPool(settings, context.Connections, context.Clock);

    /// <inheritdoc/>
    public IReadOnlyList<string> WritablePaths(StreamHeader header) => [Folder];

    /// <inheritdoc/>
    public void Attach(DuckDbConnection connection) => connection.RegisterCopyFunction(Format, binding =>
    {
        var name = binding.Options.GetValueOrDefault(PgUnitOutput.Option) ?? "";
        return _open.TryGetValue(name, out var output) ? output.Bind(binding) : throw new InvalidOperationException($"no unit is written under the name '{name}'");
    });

    /// <inheritdoc/>
    public async ValueTask<IUnitOutput> OpenAsync(StreamHeader header, Unit unit, string attempt, CancellationToken cancel)
    {
        var writing = _writings.GetValue(header, static header => PgWriting.Parse(header.WriterJson));
        // The random part keeps two workers apart that believe to be the same attempt: one of them was thought dead.
        var name = string.Create(CultureInfo.InvariantCulture, $"{unit.Number:D6}-{attempt}-{RandomNumberGenerator.GetHexString(8, lowercase: true)}");
        var connection = await _pool.RentAsync(cancel);
        try
        {
            var copy = await connection.CopyInAsync(writing.CopySql, cancel);
            var output = new PgUnitOutput(header, unit, name, writing, connection, copy, CloseAsync, cancel);
            _open[name] = output;
            return output;
        }
        catch
        {
            await _pool.ReturnAsync(connection, sound: false);
            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _pool.DisposeAsync();

    private Task CloseAsync(string name, PgConnection connection, bool sound)
    {
        _open.TryRemove(name, out _);
        return _pool.ReturnAsync(connection, sound);
    }
}
