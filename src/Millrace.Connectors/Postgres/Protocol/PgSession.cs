using System.Globalization;
using System.Text;
using Millrace.Faults;

namespace Millrace.Connectors.Postgres.Protocol;

/// <summary>The statements of one session, blocking: what is sent, and what must come back until the server is ready again.</summary>
internal sealed partial class PgSession
{
    private readonly PgSettings _settings;
    private readonly PgTransport _transport;
    private readonly PgReceiver _receiver;
    private readonly Dictionary<string, string> _parameters;
    private readonly List<PgServerError> _notices = [];
    private readonly PgSendBuffer _send = new();
    private volatile bool _isBroken;
    private volatile bool _isCancelled;
    private bool _isReady = true;

    internal PgSession(PgSettings settings, PgTransport transport, PgReceiver receiver, Dictionary<string, string> parameters)
    {
        _settings = settings;
        _transport = transport;
        _receiver = receiver;
        _parameters = parameters;
        ServerVersion = ReadVersion(_parameters.GetValueOrDefault("server_version", ""));
    }

    internal int ServerVersion { get; }

    internal bool IsBroken => _isBroken;

    /// <summary>Set once somebody asked for a cancellation: what fails from then on failed because of that.</summary>
    internal bool IsCancelled
    {
        get => _isCancelled;
        set => _isCancelled = value;
    }

    internal IReadOnlyDictionary<string, string> Parameters => _parameters;

    internal IReadOnlyList<PgServerError> Notices => _notices;

    /// <summary>True when the server waits for the next statement.</summary>
    internal bool IsReady => _isReady;

    /// <summary>True while the rows of a COPY stream in.</summary>
    internal bool IsStreaming
    {
        set => _transport.IsPaced = value;
    }

    internal PgReceiver Receiver => _receiver;

    /// <summary>What every session starts with, whatever the role, the database or PGOPTIONS have set.</summary>
    internal void SetUp()
    {
        var sql = new StringBuilder()
            // Texts of values must not depend on who reads them.
            .Append("SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET TimeZone = 'UTC'; SET bytea_output = 'hex'; ")
            .Append("SET client_encoding = 'UTF8'; SET extra_float_digits = 3; SET xmloption = 'content'; ")
            // Names mean the catalog's objects and nobody else's; a filtered table is refused rather than silently filtered.
            .Append("SET search_path = pg_catalog; SET row_security = off; ")
            .Append("SET default_transaction_read_only = ").Append(_settings.Access.Writes ? "off; " : "on; ")
            // A long read is the purpose; a long wait for a lock is not.
            .Append("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; ")
            .Append(CultureInfo.InvariantCulture, $"SET lock_timeout = '{(long)_settings.Access.LockTimeout.TotalMilliseconds}ms'");
        if (ServerVersion >= 140000)
            sql.Append("; SET idle_session_timeout = 0");
        if (ServerVersion >= 170000)
            sql.Append("; SET transaction_timeout = 0");
        // What a commit has said must outlive the server's crash; how many standbys it waits for is the server's matter.
        if (_settings.Access.Writes)
            sql.Append("; SELECT set_config('synchronous_commit', 'local', false) WHERE current_setting('synchronous_commit') = 'off'");
        Execute(sql.ToString());
    }

    internal bool Execute(string sql)
    {
        _send.Clear();
        Send(_send.Begin('Q').Text(sql).End());
        ReadTag(mayGiveRows: true);
        return true;
    }

    internal PgResult Query(string sql, IReadOnlyList<string?> parameters)
    {
        _send.Clear();
        _send.Begin('P').Text("").Text(sql).Int16(0).End();
        _send.Begin('B').Text("").Text("").Int16(0).Int16(checked((short)parameters.Count));
        foreach (var parameter in parameters)
            _ = parameter is null ? _send.Int32(-1) : _send.Counted(parameter);
        _send.Int16(0).End();
        _send.Begin('D').Byte((byte)'P').Text("").End();
        _send.Begin('E').Text("").Int32(0).End();
        Send(_send.Begin('S').End());
        return ReadResult();
    }

    internal IReadOnlyList<PgColumn> Describe(string sql)
    {
        _send.Clear();
        _send.Begin('P').Text("").Text(sql).Int16(0).End();
        _send.Begin('D').Byte((byte)'S').Text("").End();
        Send(_send.Begin('S').End());
        return ReadResult().Columns;
    }

    internal PgCopyReader CopyOut(string sql, PgConnection owner)
    {
        _send.Clear();
        Send(_send.Begin('Q').Text(sql).End());
        return new PgCopyReader(this, owner);
    }

    /// <summary>The next message that is meant for the statement; what the server says in between is kept or passed over.</summary>
    internal char Read(out ReadOnlySpan<byte> payload)
    {
        try
        {
            while (true)
            {
                var type = _receiver.Next(out payload);
                if (!TakeAside(type, payload))
                    return type;
            }
        }
        catch (Fault fault)
        {
            Break();
            if (_isCancelled && fault.Kind == FaultKind.Unreachable)
                throw PgErrors.Cancelled(_settings);
            throw;
        }
    }

    /// <summary>True for what the server says between a statement's messages.</summary>
    private bool TakeAside(char type, ReadOnlySpan<byte> payload)
    {
        switch (type)
        {
            case 'N':
                if (_notices.Count < Limits.PgNoticesMax)
                    _notices.Add(PgServerError.Read(payload));
                return true;
            case 'S':
                var parameter = new PgPayload(payload);
                PgLogin.SetParameter(_parameters, ref parameter);
                return true;
            case 'A':
                return true;
            case 'Z':
                _isReady = true;
                return false;
            default:
                return false;
        }
    }

    /// <summary>Reads an ErrorResponse; one that ends the session is thrown at once, for nothing comes after it.</summary>
    internal PgServerError ReadError(ReadOnlySpan<byte> payload)
    {
        var error = PgServerError.Read(payload);
        if (!error.EndsSession)
            return error;
        Break();
        throw Refused(error);
    }

    internal Fault Refused(PgServerError error) => PgErrors.From(error, _settings, _isCancelled);

    internal static Fault Unexpected(char type) => PgPayload.Violation($"an unexpected message '{type}'");

    /// <summary>After a statement: one that did not come to its end leaves bytes behind that nobody can place.</summary>
    internal void BreakUnlessReady()
    {
        if (!_isReady)
            Break();
    }

    /// <summary>Ends the session without ceremony.</summary>
    internal void Break()
    {
        _isBroken = true;
        _transport.Dispose();
    }

    /// <summary>Terminate: the server then logs no lost connection.</summary>
    internal void SayGoodbye()
    {
        if (_isBroken)
            return;
        try
        {
            _send.Clear();
            _transport.Send(_send.Begin('X').End().Written);
        }
        catch (Fault)
        {
            // It is gone already.
        }
    }

    private PgResult ReadResult()
    {
        IReadOnlyList<PgColumn> columns = [];
        var rows = new List<string?[]>();
        PgServerError? error = null;
        var bytes = 0L;
        while (true)
        {
            var type = Read(out var payload);
            switch (type)
            {
                case 'Z':
                    return error is null ? new PgResult(columns, rows) : throw Refused(error);
                case 'E':
                    error ??= ReadError(payload);
                    break;
                case 'T':
                    columns = PgColumn.ReadAll(payload);
                    break;
                case 'D':
                    bytes += payload.Length;
                    if (bytes > Limits.PgResultBytesMax)
                        throw TooLarge();
                    rows.Add(ReadRow(payload, columns.Count));
                    break;
                case '1' or '2' or 'n' or 't' or 'C' or 'I':
                    break;
                default:
                    throw Unexpected(type);
            }
        }
    }

    private static string?[] ReadRow(ReadOnlySpan<byte> payload, int columns)
    {
        var at = new PgPayload(payload);
        if (at.Int16() != columns)
            throw PgPayload.Violation("a row has not the columns that were announced");
        var row = new string?[columns];
        for (var i = 0; i < columns; i++)
        {
            var length = at.Int32();
            row[i] = length < 0 ? null : Encoding.UTF8.GetString(at.Bytes(length));
        }

        return row;
    }

    private Fault TooLarge() =>
        new Fault(FaultKind.Limit, $"{_settings}: a catalogue query gives more than {Limits.PgResultBytesMax} bytes")
        {
            Side = _settings.Side,
            Advice = "Name the streams more narrowly.",
        };

    private void Send(PgSendBuffer message)
    {
        try
        {
            _isReady = false;
            _transport.Send(message.Written);
        }
        finally
        {
            message.Clear();
        }
    }

    /// <summary>"12.22", "18.4 (Debian …)", "19devel" to 120022, 180004, 190000.</summary>
    private static int ReadVersion(string text)
    {
        var parts = text.Split(' ')[0].Split('.');
        var major = Leading(parts[0]);
        return (major * 10_000) + (parts.Length > 1 ? Leading(parts[1]) : 0);

        static int Leading(string digits)
        {
            var value = 0;
            foreach (var c in digits.TakeWhile(char.IsAsciiDigit).Take(4))
                value = (value * 10) + (c - '0');
            return value;
        }
    }
}
