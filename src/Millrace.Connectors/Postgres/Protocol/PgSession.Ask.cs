using Millrace.DuckDb;

namespace Millrace.Connectors.Postgres.Protocol;

/// <summary>Takes a row of an answer: as in COPY's binary format, the number of values, then each with its length before it.</summary>
internal delegate void PgRowTaker(ReadOnlySpan<byte> row);

/// <summary>Queries with large parameters, whose rows come in binary.</summary>
internal sealed partial class PgSession
{
    /// <summary>Runs one query through the extended protocol: its parameters as texts, its rows in binary, one after the other.</summary>
    internal void Ask(string sql, ReadOnlySpan<ByteList> parameters, PgRowTaker taker)
    {
        _send.Clear();
        _send.Begin('P').Text("").Text(sql).Int16(0).End();
        _send.Begin('B').Text("").Text("").Int16(0).Int16(checked((short)parameters.Length));
        foreach (var parameter in parameters) _send.Int32(parameter.Count).Bytes(parameter.Written);
        _send.Int16(1).Int16(1).End();
        _send.Begin('E').Text("").Int32(0).End();
        Send(_send.Begin('S').End());
        PgServerError? error = null;
        while (true)
        {
            var type = Read(out var payload);
            switch (type)
            {
                case 'Z':
                    if (error is not null) throw Refused(error);
                    return;
                case 'E':
                    error ??= ReadError(payload);
                    break;
                case 'D':
                    taker(payload);
                    break;
                case '1' or '2' or 'n' or 'C' or 'I':
                    break;
                default:
                    throw Unexpected(type);
            }
        }
    }
}
