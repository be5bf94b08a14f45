using System.Globalization;
using Millrace.Faults;
using Millrace.Jobs;

namespace Millrace.Runs;

/// <summary>The fault of a stream that rejects more rows than <c>limits.rejects</c> allows: nothing of it is published.</summary>
internal static class RejectFlood
{
    /// <summary>One unit alone rejects too many.</summary>
    /// <param name="header">The stream.</param>
    /// <param name="rejected">Rows that it has rejected.</param>
    /// <param name="last">The row that was one too many, for people: its unit's file of rejects is gone with the unit.</param>
    public static Fault InUnit(StreamHeader header, long rejected, string last) =>
        Fault(header.Stream, $"at least {Whole(rejected)} rows are rejected", header.RejectLimit, $": {last}", place: null);

    /// <summary>The stream's units together reject too many, before all are read.</summary>
    public static Fault SoFar(StreamHeader header, long rejected, string place) =>
        Fault(header.Stream, $"{Whole(rejected)} rows were rejected so far", header.RejectLimit, "", place);

    /// <summary>The stream is read, and has rejected too many.</summary>
    public static Fault AtTheEnd(StreamHeader header, RejectLimit limit, long rejected, long read, string place) =>
        Fault(header.Stream, $"{Whole(rejected)} of {Whole(read)} rows were rejected", limit, ": nothing was published", place);

    private static Fault Fault(string stream, string found, RejectLimit limit, string behind, string? place) =>
        new(FaultKind.Limit, $"{found}, and limits.rejects is {limit}{behind}")
        {
            Side = FaultSide.Source,
            Where = stream,
            Advice = (place is null ? "" : $"The first of them are in {place}. ")
                + "Correct such rows in the source, leave them out with 'where', or read the column as text ('types'); or raise the limit: "
                + "`millrace resume --set limits.rejects=N` goes on from here.",
        };

    private static string Whole(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
