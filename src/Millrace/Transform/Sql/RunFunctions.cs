using System.Globalization;
using Millrace.DuckDb;

namespace Millrace.Transform;

/// <summary>
/// The functions that every SQL of a run's transforms sees, in worker and coordinator alike: <c>now()</c> and all its kin are the run's start,
/// <c>row_random(key, …)</c> is a hash. So a unit that is tried again or divided gives the same rows.
/// </summary>
/// <remarks>
/// DuckDB looks a name up among the database's own macros before it looks among its functions, for <c>CURRENT_TIMESTAMP</c> and its like too,
/// and for the names in its own macros (<c>ago</c>). Only a name with its catalog, <c>system.main.now()</c>, goes by: <see cref="SqlCheck"/>
/// refuses that.
/// </remarks>
public static class RunFunctions
{
    /// <summary>Functions of DuckDB that tell the time, and here the run's start; <c>age</c> with one argument does.</summary>
    internal static readonly IReadOnlySet<string> OfTime = new HashSet<string>(StringComparer.OrdinalIgnoreCase)
    {
        "now", "get_current_timestamp", "transaction_timestamp", "current_date", "today", "get_current_time", "current_localtime",
        "current_localtimestamp", "age",
    };

    /// <summary>Makes them known to a connection's database; once for each database, before its configuration is locked or after.</summary>
    /// <param name="connection">A connection to the database.</param>
    /// <param name="runStart">What time it is; whatever the session's time zone, dates and times of day are those of UTC.</param>
    public static void Attach(DuckDbConnection connection, DateTimeOffset runStart)
    {
        var moment = runStart.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.ffffff", CultureInfo.InvariantCulture);
        var (date, time) = (moment[..10], moment[11..]);
        Define(connection, "now", $"TIMESTAMPTZ '{moment}+00'");
        Define(connection, "get_current_timestamp", $"TIMESTAMPTZ '{moment}+00'");
        Define(connection, "transaction_timestamp", $"TIMESTAMPTZ '{moment}+00'");
        Define(connection, "current_date", $"DATE '{date}'");
        Define(connection, "today", $"DATE '{date}'");
        Define(connection, "get_current_time", $"TIMETZ '{time}+00'");
        Define(connection, "current_localtime", $"TIME '{time}'");
        Define(connection, "current_localtimestamp", $"TIMESTAMP '{moment}'");
        connection.Execute(
            $"CREATE OR REPLACE MACRO main.age(since) AS system.main.age(DATE '{date}', since), (until, since) AS system.main.age(until, since)");
        RowRandom.Attach(connection);
    }

    private static void Define(DuckDbConnection connection, string name, string value) =>
        connection.Execute($"CREATE OR REPLACE MACRO main.{name}() AS {value}");
}
