namespace Millrace;

/// <summary>The bounds of the PostgreSQL source; the relations between them are asserted with all others.</summary>
public static partial class Limits
{
    /// <summary>Time from the first packet to a usable PostgreSQL session, when the URL does not say.</summary>
    public const int PgConnectSecondsDefault = 10;

    /// <summary>The longest <c>connect_timeout</c> of a PostgreSQL URL.</summary>
    public const int PgConnectSecondsMax = 600;

    /// <summary>How long a statement waits for a PostgreSQL lock before it fails: a run must not queue behind an ALTER TABLE for hours.</summary>
    public const int PgLockSecondsMax = 10;

    /// <summary>How long a cancel request may take, and how long the cancelled statement then has to end before its connection is closed.</summary>
    public const int PgCancelSecondsMax = 5;

    /// <summary>Silence after which TCP asks whether the server is still there.</summary>
    public const int PgKeepAliveSeconds = 30;

    /// <summary>Time between two such questions.</summary>
    public const int PgKeepAliveIntervalSeconds = 10;

    /// <summary>Unanswered questions after which the connection counts as lost.</summary>
    public const int PgKeepAliveProbesMax = 3;

    /// <summary>
    /// The receive buffer of a PostgreSQL connection: one system call takes what many of the server's 8 KB sends brought.
    /// Small in debug builds, so that tests cross its boundaries all the time.
    /// </summary>
#if DEBUG
    public const int PgReceiveBufferBytes = 4 * 1024;
#else
    public const int PgReceiveBufferBytes = 256 * 1024;
#endif

    /// <summary>
    /// How long the reader of a COPY lets bytes collect after a receive that brought less than a quarter of its buffer: at 200 MB/s
    /// about one buffer, and the most that the end of a unit waits for nothing.
    /// </summary>
    public const int PgPaceMilliseconds = 1;

    /// <summary>The largest row that is taken: PostgreSQL's own bound for a message.</summary>
    public const int PgRowBytesMax = 1024 * 1024 * 1024;

    /// <summary>The largest message that is no row: errors, notices, row descriptions.</summary>
    public const int PgControlBytesMax = 1024 * 1024;

    /// <summary>The largest message before a session is authenticated: whoever answers is not trusted yet.</summary>
    public const int PgStartupBytesMax = 64 * 1024;

    /// <summary>The largest result of a catalogue query, all rows together.</summary>
    public const long PgResultBytesMax = 64 * Mega;

    /// <summary>Notices that a connection keeps; later ones are dropped.</summary>
    public const int PgNoticesMax = 20;

    /// <summary>Settings that a server may report about itself; PostgreSQL has about fifteen.</summary>
    public const int PgParametersMax = 200;

    /// <summary>SCRAM rounds that are computed for a server at most (PostgreSQL's default is 4096): each costs a hash.</summary>
    public const int PgScramRoundsMax = 1_000_000;

    /// <summary>A PostgreSQL password file's size.</summary>
    public const long PgPassFileBytesMax = 1 * Mega;

    /// <summary>The oldest PostgreSQL that is read.</summary>
    public const int PgMajorVersionMin = 12;

    /// <summary>How often the connection that holds a PostgreSQL snapshot is used, so that no proxy takes it for dead.</summary>
    public const int PgPingSeconds = 30;

    /// <summary>Ranges that one unit is cut into when it must be a single one, so that several connections can read it.</summary>
    public const int PgRangesPerUnitMax = 64;

    /// <summary>Keys that are looked at to find the bounds of ranges when statistics do not give them.</summary>
    public const int PgBoundKeysMax = 20_000;

    /// <summary>Small leaves of a partitioned table that share one unit.</summary>
    public const int PgLeavesPerUnitMax = 64;

    /// <summary>Times that locks are taken anew when tables change between finding and locking them.</summary>
    public const int PgLockAttemptsMax = 3;

    /// <summary>
    /// Bytes of a load's rows that go to a PostgreSQL server in one message. Small in debug builds, so that tests cross its boundaries all
    /// the time.
    /// </summary>
#if DEBUG
    public const int PgCopyMessageBytes = 512;
#else
    public const int PgCopyMessageBytes = 64 * 1024;
#endif

    /// <summary>How long a publication waits for a lock in a PostgreSQL target: whoever comes behind it in the queue waits as long.</summary>
    public const int PgPublishLockMilliseconds = 2_000;

    /// <summary>Times that a publication is tried when locks are not free, or the connection breaks.</summary>
    public const int PgPublishAttemptsMax = 20;

    /// <summary>The wait between two tries doubles so many times, and then stays.</summary>
    public const int PgPublishWaitDoublingsMax = 5;

    /// <summary>The longest name of a table or schema, in bytes: PostgreSQL cuts longer ones off silently.</summary>
    public const int PgNameBytesMax = 63;

    /// <summary>Attempts' names that go to the server in one statement.</summary>
    public const int PgNamesPerStatement = 1_000;
}
