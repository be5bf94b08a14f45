using System.Net.Sockets;
using Millrace.Faults;

namespace Millrace.Connectors.Postgres.Protocol;

/// <summary>
/// The one table from PostgreSQL's errors (and the network's) to faults. A five-character SQLSTATE wins over its two-character class.
/// </summary>
internal static class PgErrors
{
    private sealed record Line(string Code, FaultKind Kind, bool Retryable, string? Advice);

    private static readonly Line[] s_lines =
    [
        // 08 connection exception: the session is gone, a new one may work.
        new("08", FaultKind.Unreachable, true, null),
        // 08P01 protocol violation: the server did not understand us; it will not the next time either.
        new("08P01", FaultKind.Unreachable, false, "Check that nothing between here and the server changes the stream (a proxy of another protocol version)."),
        // 0A not supported: a feature that this server or pooler lacks.
        new("0A", FaultKind.Refused, false, null),
        // 22 data exception: a value in the source that the query can't handle; the same row fails again.
        new("22", FaultKind.Data, false, "Correct the value in the source, or leave the row out with 'where' or the column with 'columns'."),
        // 25006 read-only transaction: the statement writes (a function in a view or query), which a source never may.
        new("25006", FaultKind.Refused, false, "The view, query or function writes to the database; a run reads only."),
        // 25P03/25P04/57P05 idle and transaction timeouts: a role or pooler setting ended our session; the work can be done again.
        new("25P03", FaultKind.Unreachable, true, "Raise idle_in_transaction_session_timeout for this role: a run keeps one snapshot open."),
        new("25P04", FaultKind.Unreachable, true, "Raise transaction_timeout for this role: a run keeps one snapshot open."),
        new("57P05", FaultKind.Unreachable, true, "Raise idle_session_timeout for this role."),
        // 28 authorization: pg_hba.conf or the role itself; only an administrator can change it.
        new("28", FaultKind.Refused, false, "Ask the server's administrator for a pg_hba.conf line and a role that allow this user, database, address and sslmode."),
        new("28P01", FaultKind.Refused, false, "Check user and password: in the URL, in PGPASSWORD or in the password file."),
        // 3D000 no such database; 3F000 no such schema.
        new("3D000", FaultKind.Refused, false, "Check the database's name behind the last '/' of the URL; without one the user's name is taken."),
        new("3F000", FaultKind.Refused, false, "Check the schema's name."),
        // 40 rollback: serialization failure, deadlock; PostgreSQL's advice is to run the transaction again. On a hot standby, 40001 is
        // also a recovery conflict.
        new("40", FaultKind.Unreachable, true, "On a standby, raise max_standby_streaming_delay or set hot_standby_feedback = on."),
        // 42 syntax or access rule: what the job names is not there or not allowed.
        new("42", FaultKind.Refused, false, "Check the stream's name, 'columns', 'where' and 'query' against the source."),
        new("42501", FaultKind.Refused, false, "Grant the user what it needs: GRANT USAGE ON SCHEMA … and GRANT SELECT ON … TO the user (row security needs BYPASSRLS)."),
        new("42P01", FaultKind.Refused, false, "Check the table's name; write it as schema.table, in the spelling of the catalog."),
        new("42703", FaultKind.Refused, false, "Check the column's name in 'columns' or 'where'."),
        // 53 insufficient resources: 53300 and 53000 pass when others leave; disk and memory do not without somebody's help.
        new("53", FaultKind.Limit, true, null),
        new("53100", FaultKind.Limit, false, "The server's disk is full: free space there."),
        new("53200", FaultKind.Limit, true, "The server is out of memory: lower limits.source_connections."),
        new("53300", FaultKind.Limit, true, "The server has no free connection: lower limits.source_connections or raise max_connections."),
        // 54 program limit: the statement is too large or too deep; it stays so.
        new("54", FaultKind.Limit, false, "Read fewer columns at once, or smaller values."),
        // 55P03 lock not available: somebody holds ACCESS EXCLUSIVE (ALTER, TRUNCATE, VACUUM FULL) longer than lock_timeout.
        new("55P03", FaultKind.Refused, true, "Somebody changes or rewrites the table now: run again when that is done."),
        // 55000 object not in prerequisite state: an unpopulated materialised view, an invalid snapshot.
        new("55000", FaultKind.Refused, false, "A materialised view must have been refreshed once; a snapshot must still be held by its session."),
        // 57014 query cancelled, not by us (that is Cancelled, see From): an administrator or a statement timeout of the pooler.
        new("57014", FaultKind.Refused, true, "Somebody, or a timeout on the server, cancelled the statement."),
        // 57P01-57P03: shutdown, crash of another backend, starting up: the server comes back.
        new("57P01", FaultKind.Unreachable, true, "The server's administrator ended the session or the server."),
        new("57P02", FaultKind.Unreachable, true, null),
        new("57P03", FaultKind.Unreachable, true, "The server is starting up or shutting down."),
        new("57P04", FaultKind.Refused, false, "The database was dropped."),
        new("57", FaultKind.Unreachable, true, null),
        // 58 system error (58030 I/O error): a disk that hiccuped may work again; the attempts are bounded.
        new("58", FaultKind.Unreachable, true, "The server has trouble with its files: see its log."),
        // 72000 snapshot too old (PostgreSQL 16 and earlier): the snapshot is gone for good.
        new("72000", FaultKind.Limit, false, "The snapshot is too old for old_snapshot_threshold: raise it, or read in smaller streams."),
        // HV foreign data wrapper: the server behind the server; its own code is not known, a lost connection is the usual cause.
        new("HV", FaultKind.Unreachable, true, "A foreign table's server failed: try the same SELECT in psql."),
        // XX internal error; XX001/XX002 corrupted table or index: reading again shows the same, and nobody should publish it.
        new("XX", FaultKind.Refused, false, "PostgreSQL met an internal error: see its log."),
        new("XX001", FaultKind.Data, false, "The table is damaged on the server: restore it or see its log; a run must not publish what it can read of it."),
        new("XX002", FaultKind.Data, false, "An index is damaged on the server: REINDEX it."),
    ];

    /// <summary>What is another matter, or wants another advice, when a target says it; these win over the table above.</summary>
    private static readonly Line[] s_writing =
    [
        // 22 data exception: a value that the target's column does not take.
        new("22", FaultKind.Data, false, "Correct the value in the source, leave the row out with 'where', or give the target's column another type."),
        // 22P05: the target's database has another encoding, which lacks a character.
        new("22P05", FaultKind.Data, false, "The target's database has an encoding that lacks this character: use one with UTF8."),
        // 23 constraint violation: NOT NULL, CHECK, unique, foreign key; the same rows fail again.
        new("23", FaultKind.Data, false, "Correct the rows in the source, leave them out with 'where', or change the constraint."),
        // 25006: a standby, or a database that is set read only. After a failover the address may lead to the new primary.
        new("25006", FaultKind.Refused, true, "The server is a standby or read only: name the primary."),
        new("25P03", FaultKind.Unreachable, true, "Raise idle_in_transaction_session_timeout for this role: a load keeps a transaction open."),
        new("25P04", FaultKind.Unreachable, true, "Raise transaction_timeout for this role: a load keeps a transaction open."),
        // 40 rollback: serialization failure, deadlock; PostgreSQL's advice is to run the transaction again.
        new("40", FaultKind.Unreachable, true, null),
        new("42", FaultKind.Refused, false, "Check the stream's name in the target, and that nobody changes the target's tables while they are loaded."),
        new("42501", FaultKind.Refused, false, "Grant the user what it needs: CREATE on the schema, INSERT (for overwrite and merge all rights) on the table."),
        new("42P01", FaultKind.Refused, false, "Somebody has dropped or renamed a table while it was loaded: run again."),
        new("42703", FaultKind.Refused, false, "Somebody has changed a table while it was loaded: run again."),
        // 53100: the server takes nothing more until somebody frees space.
        new("53100", FaultKind.Limit, false, "The server's disk is full: free space there, then `millrace resume` goes on where it stopped."),
        new("53200", FaultKind.Limit, true, "The server is out of memory: lower limits.target_connections."),
        new("53300", FaultKind.Limit, true, "The server has no free connection: lower limits.target_connections or raise max_connections."),
        new("54", FaultKind.Limit, false, "Write fewer columns, or smaller values."),
        new("55P03", FaultKind.Refused, true, "Somebody holds a lock on the table: run again when that is done."),
        new("55000", FaultKind.Refused, false, null),
        new("XX001", FaultKind.Refused, false, "A table of the target is damaged on the server: see its log."),
    ];

    /// <summary>Anything else: the server refused what was asked, and the same question gets the same answer.</summary>
    private static readonly Line s_unknown = new("", FaultKind.Refused, false, null);

    /// <summary>The fault for a server's error; <paramref name="cancelled"/> tells that we asked for the cancellation ourselves.</summary>
    internal static Fault From(PgServerError error, PgSettings settings, bool cancelled)
    {
        if (cancelled && error.Code == "57014")
            return Cancelled(settings);
        var line = Find(error.Code, settings.Access.Writes);
        var advice = error.Hint.Length > 0 && line.Advice is not null ? $"{line.Advice} The server hints: {error.Hint}" : line.Advice ?? NullIfEmpty(error.Hint);
        if (error.Code == "28P01" && settings.PasswordFileProblem is { } problem)
            advice = $"{advice} Also: {problem}.";
        var context = error.Context.Length > 0 ? $"; {error.Context.ReplaceLineEndings("; ")}" : "";
        return new Fault(line.Kind, $"{settings}: {error}{context} [SQLSTATE {error.Code}]")
        {
            Side = settings.Side,
            Retryable = line.Retryable,
            Code = error.Code,
            Advice = advice,
            Where = PgCopyContext.Where(error.Context),
        };
    }

    /// <summary>The same fault on the side that the session is on: what knows no session takes it for a source's.</summary>
    internal static Fault SidedAs(Fault fault, PgSettings settings) => fault.Side == settings.Side ? fault : new Fault(fault.Kind, fault.Message, fault)
    {
        Side = settings.Side, Retryable = fault.Retryable, Divisible = fault.Divisible, Where = fault.Where, Code = fault.Code, Advice = fault.Advice,
    };

    /// <summary>The fault of a statement that was cancelled by <see cref="PgConnection.Cancel"/>.</summary>
    internal static Fault Cancelled(PgSettings settings) =>
        new(FaultKind.Cancelled, settings.Access.Writes ? "writing was cancelled" : "reading was cancelled") { Side = settings.Side, Code = "57014" };

    /// <summary>The fault of a connection that could not be made.</summary>
    internal static Fault NotConnected(SocketException e, PgSettings settings)
    {
        var (what, retryable, advice) = e.SocketErrorCode switch
        {
            SocketError.HostNotFound or SocketError.NoData => ($"the host {settings.Host} is not known", false, "Check the host's name in the URL."),
            SocketError.TryAgain => ($"the name {settings.Host} could not be looked up", true, "Check this machine's name server (DNS)."),
            SocketError.ConnectionRefused => ("nobody listens there", true, "Check host and port, and that PostgreSQL runs and listens on that address."),
            SocketError.TimedOut => ("no answer", true, "Check host, port and firewalls."),
            SocketError.NetworkUnreachable or SocketError.HostUnreachable or SocketError.NetworkDown => ("there is no way to that host", true, "Check this machine's network."),
            SocketError.AccessDenied => ("this user may not open the server's socket", false, "Check the rights on the socket's folder."),
            _ when settings.IsUnixSocket => ($"there is no server socket {settings.SocketPath}", true, "Check the folder, the port and that PostgreSQL runs."),
            _ => (e.Message, true, null as string),
        };
        return new Fault(FaultKind.Unreachable, $"{settings} can't be reached: {what}", e)
        {
            Side = settings.Side,
            Retryable = retryable,
            Code = e.SocketErrorCode.ToString(),
            Advice = advice,
        };
    }

    /// <summary>The fault of a connection that took too long.</summary>
    internal static Fault TooSlow(PgSettings settings) =>
        new(FaultKind.Unreachable, $"{settings} can't be reached: no session within {settings.ConnectTimeout.TotalSeconds:0.#} s")
        {
            Side = settings.Side,
            Retryable = true,
            Advice = "Check host, port and firewalls, or raise connect_timeout in the URL.",
        };

    /// <summary>The fault of a connection that broke while it was used.</summary>
    internal static Fault Lost(PgSettings settings, Exception? inner) =>
        new(FaultKind.Unreachable, $"{settings}: the connection was lost{(inner is null ? ": the server closed it" : $": {inner.Message}")}", inner)
        {
            Side = settings.Side,
            Retryable = true,
            Advice = "See the server's log for the reason (a restart, a crash, a proxy's timeout).",
        };

    /// <summary>The fault of a login that we refuse or can't do.</summary>
    internal static Fault NotAuthenticated(PgSettings settings, string what, string? advice) =>
        new(FaultKind.Refused, $"{settings}: {what}") { Side = settings.Side, Advice = advice };

    private static Line Find(string code, bool writes)
    {
        var family = code.Length >= 2 ? code[..2] : "";
        if (writes && (Array.Find(s_writing, line => line.Code == code) ?? Array.Find(s_writing, line => line.Code == family)) is { } written)
            return written;
        return Array.Find(s_lines, line => line.Code == code) ?? Array.Find(s_lines, line => line.Code == family) ?? s_unknown;
    }

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;
}
