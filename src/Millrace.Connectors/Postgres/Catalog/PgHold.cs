using System.Collections.Immutable;
using Millrace.Connectors.Postgres.Protocol;
using Millrace.Faults;
using Millrace.Jobs;

namespace Millrace.Connectors.Postgres.Catalog;

/// <summary>A stream's relation, found and locked.</summary>
/// <param name="Relation">The relation.</param>
/// <param name="Family">The relation and all that inherit from it, itself first.</param>
internal sealed record PgHeld(PgRelation Relation, IReadOnlyList<PgRelation> Family);

/// <summary>
/// Takes the moment of a run: finds the streams' relations, locks each (and what inherits from it) in ACCESS SHARE mode before the
/// transaction's first snapshot, exports the snapshot, and makes sure that what was found is what was locked.
/// </summary>
internal sealed class PgHold
{
    private readonly PgControl _control;
    private readonly PgCatalog _catalog;
    private readonly Dictionary<string, PgHeld> _held = new(StringComparer.Ordinal);

    internal PgHold(PgControl control, PgCatalog catalog)
    {
        _control = control;
        _catalog = catalog;
    }

    /// <summary>The moment; null before <see cref="TakeAsync"/>.</summary>
    internal PgMoment? Moment { get; private set; }

    /// <summary>Locks and exports. Tables that change in between are found anew.</summary>
    internal async Task TakeAsync(IReadOnlyList<StreamJob> streams, CancellationToken cancel)
    {
        // What the user's names mean is settled before the transaction: looking it up would take its snapshot.
        await _catalog.SearchPathAsync(cancel);
        for (var attempt = 1; ; attempt++)
        {
            var found = await FindAllAsync(streams, cancel);
            await _control.ExecuteAsync("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", cancel);
            var isSame = await LockAllAsync(streams, found, cancel) && await IsSameAsync(streams, found, cancel);
            if (isSame)
            {
                await ExportAsync(cancel);
                foreach (var (name, held) in found) _held[name] = held;
                return;
            }

            await _control.ExecuteAsync("ROLLBACK", cancel);
            if (attempt == Limits.PgLockAttemptsMax) throw Unstable();
        }
    }

    /// <summary>The statements that have locked the streams' relations.</summary>
    internal ImmutableArray<string> Locks { get; private set; } = [];

    /// <summary>
    /// Takes a moment that a keeper holds, with its locks. False when it is gone, or what the names mean has changed, which the keeper's locks
    /// do not forbid; then nothing is held.
    /// </summary>
    internal async Task<bool> RejoinAsync(PgMoment moment, IReadOnlyList<StreamJob> streams, CancellationToken cancel)
    {
        await _catalog.SearchPathAsync(cancel);
        var found = await FindAllAsync(streams, cancel);
        if (!await moment.TryBeginAsync(sql => _control.ExecuteAsync(sql, cancel))) return false;
        if (!await LockAllAsync(streams, found, cancel) || !await IsSameAsync(streams, found, cancel))
        {
            await _control.ExecuteAsync("ROLLBACK", cancel);
            return false;
        }

        Moment = moment;
        _control.Hold();
        foreach (var (name, held) in found) _held[name] = held;
        return true;
    }

    /// <summary>The stream's relation: the locked one, or when nothing is held the one that there is now.</summary>
    internal async Task<PgHeld> RelationAsync(StreamJob stream, CancellationToken cancel) =>
        _held.TryGetValue(stream.Name, out var held) ? held : await FindAsync(stream, cancel);

    private async Task<Dictionary<string, PgHeld>> FindAllAsync(IReadOnlyList<StreamJob> streams, CancellationToken cancel)
    {
        var found = new Dictionary<string, PgHeld>(StringComparer.Ordinal);
        foreach (var stream in streams)
        {
            if (stream.Query is null) found[stream.Name] = await FindAsync(stream, cancel);
        }

        return found;
    }

    private async Task<PgHeld> FindAsync(StreamJob stream, CancellationToken cancel)
    {
        var name = PgName.Parse(stream.Name, stream.Mark);
        var relation = await _catalog.FindAsync(name, cancel) ?? throw NotFound(stream, await SimilarAsync(name, cancel));
        if (relation.IsFiltered)
            throw Refused(stream, $"row security would hide rows of {relation.Written} from this user", "Read as a user with BYPASSRLS, or drop the policies for this user.");
        return new PgHeld(relation, await _catalog.FamilyAsync(relation.Oid, cancel));
    }

    /// <summary>False when a relation vanished meanwhile. LOCK takes no snapshot; what it can't lock is locked by a query after all that.</summary>
    private async Task<bool> LockAllAsync(IReadOnlyList<StreamJob> streams, Dictionary<string, PgHeld> found, CancellationToken cancel)
    {
        Locks = [];
        foreach (var stream in streams)
        {
            if (!found.TryGetValue(stream.Name, out var held) || !IsLockable(held.Relation)) continue;
            if (!await LockAsync(stream, $"LOCK TABLE {held.Relation.Sql} IN ACCESS SHARE MODE", cancel)) return false;
        }

        foreach (var stream in streams)
        {
            if (!found.TryGetValue(stream.Name, out var held) || IsLockable(held.Relation)) continue;
            if (!await LockAsync(stream, $"SELECT FROM {held.Relation.Sql} LIMIT 0", cancel)) return false;
        }

        return true;
    }

    /// <summary>LOCK knows tables and views, and wants the right to read all of it.</summary>
    private static bool IsLockable(PgRelation relation) =>
        relation.MayRead && relation.Kind is PgRelationKind.Table or PgRelationKind.Partitioned or PgRelationKind.View;

    private async Task<bool> LockAsync(StreamJob stream, string sql, CancellationToken cancel)
    {
        try
        {
            await _control.ExecuteAsync(sql, cancel);
            Locks = Locks.Add(sql);
            return true;
        }
        catch (Fault fault) when (fault.Code is "42P01" or "3F000")
        {
            return false;
        }
        catch (Fault fault) when (fault.Code is not null)
        {
            throw new Fault(fault.Kind, $"{stream.Name} can't be locked for reading: {fault.Message}", fault)
            {
                Side = FaultSide.Source,
                Retryable = fault.Retryable,
                Code = fault.Code,
                Where = stream.Mark.ToString(),
                Advice = fault.Advice,
            };
        }
    }

    /// <summary>Under the locks: the same names still mean the same relations with the same children.</summary>
    private async Task<bool> IsSameAsync(IReadOnlyList<StreamJob> streams, Dictionary<string, PgHeld> found, CancellationToken cancel)
    {
        var again = await FindAllAsync(streams, cancel);
        return found.All(pair => again.TryGetValue(pair.Key, out var held)
            && held.Family.Select(static r => r.Oid).SequenceEqual(pair.Value.Family.Select(static r => r.Oid)));
    }

    private async Task ExportAsync(CancellationToken cancel)
    {
        var row = (await _control.QueryAsync("SELECT pg_export_snapshot(), now()", [], cancel))[0];
        Moment = new PgMoment([row[0]!], row[1]!);
        _control.Hold();
    }

    /// <summary>Tables of that name in another schema or another case, for the advice.</summary>
    private async Task<string?> SimilarAsync(PgName name, CancellationToken cancel)
    {
        var all = await _catalog.MatchAsync(PgName.Everything, cancel);
        var similar = all.Where(r => string.Equals(r.Name, name.Table, StringComparison.OrdinalIgnoreCase)).Take(3).Select(static r => r.Written);
        return string.Join(" or ", similar) is { Length: > 0 } text ? $"Did you mean {text}?" : null;
    }

    private static Fault NotFound(StreamJob stream, string? similar) => new(FaultKind.Refused, $"there is no table {stream.Name}, or this user may not use its schema")
    {
        Side = FaultSide.Source,
        Where = stream.Mark.ToString(),
        Advice = similar ?? "Ask for what there is with `millrace discover`.",
    };

    internal static Fault Refused(StreamJob stream, string message, string advice) => new(FaultKind.Refused, message)
    {
        Side = FaultSide.Source,
        Where = stream.Mark.ToString(),
        Advice = advice,
    };

    private static Fault Unstable() => new(FaultKind.Refused, "tables were created, dropped or attached while they were being locked, again and again")
    {
        Side = FaultSide.Source,
        Retryable = true,
        Advice = "Run again when nobody changes the tables' definitions.",
    };
}
