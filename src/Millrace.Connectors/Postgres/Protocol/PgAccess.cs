namespace Millrace.Connectors.Postgres.Protocol;

/// <summary>What a session may do, and so whose side its errors are on: a source is only ever read. Immutable.</summary>
public sealed record PgAccess
{
    private PgAccess()
    {
    }

    /// <summary>The session of a source: every transaction is read only.</summary>
    public static PgAccess Read { get; } = new();

    /// <summary>True for the session of a target.</summary>
    public bool Writes { get; private init; }

    /// <summary>How long a statement waits for a lock before it fails. Default: <see cref="Limits.PgLockSecondsMax"/>.</summary>
    public TimeSpan LockTimeout { get; private init; } = TimeSpan.FromSeconds(Limits.PgLockSecondsMax);

    /// <summary>The session of a target.</summary>
    /// <param name="lockTimeout">How long a statement waits for a lock; null: <see cref="Limits.PgLockSecondsMax"/>. At least a millisecond.</param>
    public static PgAccess Write(TimeSpan? lockTimeout = null)
    {
        var access = new PgAccess { Writes = true };
        return lockTimeout is { } given ? access with { LockTimeout = given } : access;
    }
}
