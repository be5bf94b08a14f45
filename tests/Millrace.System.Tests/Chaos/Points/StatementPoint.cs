using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;

namespace Millrace.SystemTests.Chaos.Points;

/// <summary>
/// The moment when a certain statement is on its way to the target for the nth time, or its answer on its way back: the server has done it
/// then, and nobody knows. Only where the connection is not encrypted.
/// </summary>
/// <param name="Name">What is about to happen.</param>
/// <param name="Phase">Where that is on the way of the rows.</param>
/// <param name="Comes">How often it comes in an undisturbed run, at least.</param>
/// <param name="Sql">The statement.</param>
internal sealed partial record StatementPoint(string Name, ChaosPhase Phase, ChaosOften Comes, Regex Sql) : ChaosPoint(Name, Phase, Comes)
{
    /// <summary>All of them, in the order of an undisturbed run.</summary>
    public static IReadOnlyList<StatementPoint> All { get; } =
    [
        new("the memory of publications is made", ChaosPhase.Plan, ChaosOften.Once, Log()),
        new("the staging table is made", ChaosPhase.Plan, ChaosOften.EachStream, Staging()),
        new("a unit's rows are sent", ChaosPhase.Load, ChaosOften.EachUnit, Copy()),
        new("an attempt is noted", ChaosPhase.Load, ChaosOften.EachUnit, Attempt()),
        new("an attempt's commit is heard of", ChaosPhase.Load, ChaosOften.EachUnit, Attempt()) { IsAnswer = true },
        new("staged rows are compared with results", ChaosPhase.Commit, ChaosOften.EachStream, Settle()),
        new("the publication begins", ChaosPhase.Commit, ChaosOften.EachStream, Publication()),
        new("the publication is remembered", ChaosPhase.Commit, ChaosOften.EachStream, Publication()) { IsAnswer = true },
        new("the publication is committed", ChaosPhase.Published, ChaosOften.EachStream, Commit()) { After = Publication() },
        new("the publication's commit is heard of", ChaosPhase.Published, ChaosOften.EachStream, Commit()) { After = Publication(), IsAnswer = true },
        new("the staging table is removed", ChaosPhase.Published, ChaosOften.EachStream, Removal()),
    ];

    /// <summary>What must have come before in the same transaction; null: anything.</summary>
    public Regex? After { get; private init; }

    /// <summary>Whether the answer is meant.</summary>
    public bool IsAnswer { get; private init; }

    /// <inheritdoc/>
    public override ChaosProxy? ProxyOf(ChaosWorld world) => world.ProxyOf(ChaosEnd.Target);

    /// <inheritdoc/>
    public override IChaosWatch Watch(ChaosWorld world, int count) => new ProxyWatch(ProxyOf(world)!, new Reader(this, count));

    [GeneratedRegex("CREATE TABLE IF NOT EXISTS [^(]*_millrace_commits")]
    private static partial Regex Log();

    [GeneratedRegex("CREATE UNLOGGED TABLE [^(;]*_millrace_[^(;]*_rows")]
    private static partial Regex Staging();

    [GeneratedRegex("COPY [^(;]*_millrace_[^(;]*_rows.*FROM STDIN")]
    private static partial Regex Copy();

    [GeneratedRegex("INSERT INTO [^(;]*_millrace_[^(;]*_attempts")]
    private static partial Regex Attempt();

    [GeneratedRegex("CREATE TEMPORARY TABLE named")]
    private static partial Regex Settle();

    [GeneratedRegex("INSERT INTO [^(;]*_millrace_commits")]
    private static partial Regex Publication();

    [GeneratedRegex(@"^Q.{4}COMMIT\0", RegexOptions.Singleline)]
    private static partial Regex Commit();

    [GeneratedRegex(@"^Q.{4}DROP TABLE IF EXISTS [^;]*_millrace_[^;]*_rows[^;]*\0", RegexOptions.Singleline)]
    private static partial Regex Removal();

    [GeneratedRegex(@"^Q.{4}BEGIN", RegexOptions.Singleline)]
    private static partial Regex Begin();

    private sealed class Reader(StatementPoint point, int count) : IProxyTrigger
    {
        private readonly ConditionalWeakTable<object, object> _ready = [];
        private int _left = count;
        private object? _asked;

        public bool Strikes(object connection, ReadOnlySpan<byte> chunk, bool isFromServer)
        {
            if (isFromServer) return _asked == connection;
            var text = Encoding.Latin1.GetString(chunk);
            if (Begin().IsMatch(text)) _ready.Remove(connection);
            var isIt = point.Sql.IsMatch(text) && (point.After is null || _ready.TryGetValue(connection, out _)) && --_left == 0;
            if (point.After?.IsMatch(text) == true) _ready.AddOrUpdate(connection, connection);
            if (isIt && point.IsAnswer) _asked = connection;
            return isIt && !point.IsAnswer;
        }
    }
}
