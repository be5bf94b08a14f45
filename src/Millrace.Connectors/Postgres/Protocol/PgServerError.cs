using System.Text;

namespace Millrace.Connectors.Postgres.Protocol;

/// <summary>
/// An ErrorResponse or NoticeResponse (PostgreSQL documentation, "Error and Notice Message Fields"), reduced to what faults and
/// logs need. Fields that are missing are empty.
/// </summary>
public sealed record PgServerError
{
    /// <summary>ERROR, FATAL, PANIC, WARNING, NOTICE…, not translated.</summary>
    public string Severity { get; init; } = "";

    /// <summary>The SQLSTATE, five characters.</summary>
    public string Code { get; init; } = "";

    /// <summary>The server's message, in the server's language.</summary>
    public string Message { get; init; } = "";

    /// <summary>More about it; may show values of rows.</summary>
    public string Detail { get; init; } = "";

    /// <summary>What the server suggests.</summary>
    public string Hint { get; init; } = "";

    /// <summary>Where in nested statements it happened: for COPY the table, line and column.</summary>
    public string Context { get; init; } = "";

    /// <summary>True when the server ends the session with this error.</summary>
    public bool EndsSession => Severity is "FATAL" or "PANIC";

    internal static PgServerError Read(ReadOnlySpan<byte> payload)
    {
        var error = new PgServerError();
        var at = new PgPayload(payload);
        while (!at.IsAtEnd)
        {
            var field = (char)at.Byte();
            if (field == '\0')
                break;
            var text = at.Text();
            error = field switch
            {
                // S is translated, V (9.6 and later) is not: V comes after S and wins.
                'S' or 'V' => error with { Severity = text },
                'C' => error with { Code = text },
                'M' => error with { Message = text },
                'D' => error with { Detail = text },
                'H' => error with { Hint = text },
                'W' => error with { Context = text },
                _ => error,
            };
        }

        return error;
    }

    /// <summary>One line: severity, code, message, detail.</summary>
    public override string ToString()
    {
        var text = new StringBuilder(Message);
        if (Detail.Length > 0)
            text.Append(" (").Append(Detail).Append(')');
        return text.ToString();
    }
}
