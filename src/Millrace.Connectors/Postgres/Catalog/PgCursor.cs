using System.Globalization;
using Millrace.Faults;
using Millrace.Jobs;

namespace Millrace.Connectors.Postgres.Catalog;

/// <summary>The cursor of an incremental stream, as the server reckons with it.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Spelling">The column's type.</param>
internal sealed record PgCursor(StreamJob Stream, string Spelling)
{
    /// <summary>A value less the stream's lag.</summary>
    /// <param name="control">The connection.</param>
    /// <param name="value">The value.</param>
    /// <param name="notBefore">What is given instead of anything before it; null: nothing.</param>
    /// <param name="cancel">Stops the reckoning.</param>
    /// <exception cref="Fault">The lag is none for this type.</exception>
    public async Task<string> LessLagAsync(PgControl control, string value, string? notBefore, CancellationToken cancel)
    {
        if (Stream.Lag is not { } lag || lag == "0") return value;
        var less = Duration.TryParse(lag, out var seconds) ? string.Create(CultureInfo.InvariantCulture, $"interval '{seconds} seconds'") : $"{lag}::numeric";
        try
        {
            var rows = await control.QueryAsync($"SELECT greatest(($1::{Spelling} - {less})::{Spelling}, $2::{Spelling})::text", [value, notBefore], cancel);
            return rows[0][0]!;
        }
        catch (Fault fault) when (fault.Code is "42883" or "42725")
        {
            throw new Fault(FaultKind.JobFile, $"found lag: {lag}, which can't be taken from a cursor of type {Spelling}", fault)
            {
                Side = FaultSide.Job, Where = Stream.MarkOf("lag").ToString(), Advice = $"Expected {Duration.Expected} for a date or a time, a number for a number.",
            };
        }
    }
}
