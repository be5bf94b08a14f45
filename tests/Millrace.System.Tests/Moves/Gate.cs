using System.Globalization;
using Npgsql;

namespace Millrace.SystemTests.Moves;

/// <summary>
/// Holds chosen rows back inside the server, so that a test stops a run exactly in the middle: whoever reads such a row waits until the
/// gate is opened. No time is involved.
/// </summary>
internal sealed class Gate : IAsyncDisposable
{
    // The first lock says that somebody waits, the second one is what is waited for; asking again is not bound by lock_timeout.
    private const string Function =
        """
        CREATE OR REPLACE FUNCTION public.pass_gate() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock_shared(8);
            WHILE NOT pg_try_advisory_xact_lock_shared(7) LOOP PERFORM pg_sleep(0.01); END LOOP;
            RETURN true;
        END $$
        """;

    private const string Waiters =
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 8 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

    private readonly NpgsqlConnection _holder;
    private bool _open;

    private Gate(NpgsqlConnection holder) => _holder = holder;

    /// <summary>A condition for <c>where</c> that lets every row pass, those for which <paramref name="condition"/> is true through the gate.</summary>
    public static string Where(string condition) => $"CASE WHEN {condition} THEN public.pass_gate() ELSE true END";

    /// <summary>Makes the function; without a <see cref="CloseAsync"/> nobody waits.</summary>
    public static Task CreateAsync(Workbench bench) => bench.ExecuteAsync(Function);

    /// <summary>Closes the gate until it is opened or disposed of.</summary>
    public static async Task<Gate> CloseAsync(Workbench bench)
    {
        var holder = await bench.OpenAsync();
        await using var command = new NpgsqlCommand("SELECT pg_advisory_lock(7)", holder);
        await command.ExecuteNonQueryAsync();
        return new Gate(holder);
    }

    /// <summary>Waits until so many readers stand before the gate.</summary>
    public static Task WaitersAsync(Workbench bench, int count) => Eventually.TrueAsync(
        $"{count} readers wait at the gate",
        async () => await bench.NumberAsync(Waiters) >= count);

    /// <summary>Waits until readers stand before the gate; gives their sessions, none when something has ended before.</summary>
    public static async Task<IReadOnlyList<int>> WaitersOrEndAsync(Workbench bench, Task ended)
    {
        var sessions = "";
        await Eventually.TrueAsync("a reader stands at the gate, or the run has ended", async () =>
        {
            sessions = await bench.TextAsync(Waiters.Replace("count(*)", "coalesce(string_agg(pid::text, ' '), '')", StringComparison.Ordinal));
            return sessions.Length > 0 || ended.IsCompleted;
        });
        return [.. sessions.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(static pid => int.Parse(pid, CultureInfo.InvariantCulture))];
    }

    /// <summary>Ends sessions whose readers are dead, and waits until they are gone: at the gate they would stand for ever.</summary>
    public static Task TurnAwayAsync(Workbench bench, IReadOnlyList<int> sessions) => Eventually.TrueAsync("nobody of them stands at the gate", async () =>
        await bench.NumberAsync($"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid IN ({string.Join(',', sessions)})") == 0);

    /// <summary>Opens the gate: everybody passes. Doing it again changes nothing.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_open) return;
        _open = true;
        await using (var command = new NpgsqlCommand("SELECT pg_advisory_unlock_all()", _holder))
        {
            await command.ExecuteNonQueryAsync();
        }

        await _holder.DisposeAsync();
    }
}
