using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Millrace.DuckDb;
using Millrace.Extract;
using Millrace.Load;
using Millrace.Runs;

namespace Millrace.Worker;

/// <summary>
/// One embedded DuckDB, locked to what one stream's units need: their folders and nothing else, no extension, no setting that can
/// be changed afterwards. Connections are kept and lent to one unit at a time.
/// </summary>
internal sealed class DuckDbSession : IDisposable
{
    private static int _opened;

    private readonly DuckDbDatabase _database;
    private readonly ConcurrentBag<DuckDbConnection> _idle = [];

    private DuckDbSession(DuckDbDatabase database) => _database = database;

    /// <summary>Opens and locks a database for a stream, with a folder of its own to spill into.</summary>
    public static DuckDbSession Open(WorkerSettings settings, RunDirectory directory, StreamHeader header, IUnitReader reader, IUnitWriter writer, Action<DuckDbConnection> attach) =>
        Open(settings, directory.SpillFolder(Environment.ProcessId, Interlocked.Increment(ref _opened)), header.OneUnit, [.. reader.ReadablePaths(header), .. writer.WritablePaths(header)], connection =>
        {
            reader.Attach(connection);
            writer.Attach(connection, header);
            attach(connection);
        });

    /// <summary>Opens and locks a database.</summary>
    /// <param name="settings">Memory, disk and lanes.</param>
    /// <param name="spill">Where it may spill: no other database may, in no process. They would give their files the same names, and read each other's.</param>
    /// <param name="oneStatement">True when one statement is to have all threads; false when each lane has its own.</param>
    /// <param name="paths">What it may read and write beside that.</param>
    /// <param name="attach">Registers functions.</param>
    public static DuckDbSession Open(WorkerSettings settings, string spill, bool oneStatement, IReadOnlyList<string> paths, Action<DuckDbConnection> attach)
    {
        var options = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["threads"] = Number(settings.Lanes),
            // Every lane's own thread works on its own statement. A thread of DuckDB's own would take a statement's only task away from
            // the lane that waits for it, and that lane would spin: a tenth of all processor time, measured.
            ["external_threads"] = oneStatement ? "1" : Number(settings.Lanes),
            ["memory_limit"] = Bytes(settings.DuckDbBytes),
            ["temp_directory"] = spill,
            ["preserve_insertion_order"] = "false",
            ["partitioned_write_max_open_files"] = Number(Limits.PartitionFilesOpenMax),
            ["autoinstall_known_extensions"] = "false",
            ["autoload_known_extensions"] = "false",
            ["allow_community_extensions"] = "false",
        };
        var database = DuckDbDatabase.Open(options);
        var session = new DuckDbSession(database);
        try
        {
            var connection = session.Rent();
            attach(connection);
            connection.Execute("SET GLOBAL TimeZone = 'UTC'");

            // Given with the other options it would show in the settings, and bound nothing.
            if (settings.SpillBytes is { } most) connection.Execute($"SET GLOBAL max_temp_directory_size = '{Bytes(most)}'");
            connection.Execute($"SET GLOBAL allowed_directories = {PathList([spill, .. paths])}");
            connection.Execute("SET GLOBAL enable_external_access = false");
            connection.Execute("SET GLOBAL lock_configuration = true");
            session.Return(connection);
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Lends a connection.</summary>
    public DuckDbConnection Rent() => _idle.TryTake(out var connection) ? connection : _database.Connect();

    /// <summary>Takes a connection back whose last query has ended.</summary>
    public void Return(DuckDbConnection connection) => _idle.Add(connection);

    /// <inheritdoc/>
    public void Dispose()
    {
        while (_idle.TryTake(out var connection)) connection.Dispose();
        _database.Dispose();
    }

    private static string Bytes(long bytes) => Number(bytes) + "B";

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string PathList(IEnumerable<string> paths)
    {
        var list = new StringBuilder("[");
        foreach (var path in paths) list.Append(list.Length == 1 ? "" : ", ").Append(SqlText.Literal(path));
        return list.Append(']').ToString();
    }
}
