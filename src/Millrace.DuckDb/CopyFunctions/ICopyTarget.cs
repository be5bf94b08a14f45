namespace Millrace.DuckDb;

/// <summary>What a COPY statement asks of a copy function.</summary>
/// <param name="Types">
/// The columns' types in order. DuckDB does not tell a copy function the columns' names: pass what is needed as an option.
/// </param>
/// <param name="Options">The options in parentheses, names without case; values as text, null for an option without a value.</param>
public sealed record CopyBinding(IReadOnlyList<DuckDbType> Types, IReadOnlyDictionary<string, string?> Options);

/// <summary>
/// The target of one COPY statement. An exception fails the statement with a <see cref="DuckDbException"/> that has it as its
/// inner exception.
/// </summary>
public interface ICopyTarget
{
    /// <summary>
    /// Opens the sink of one file; with <c>PARTITION_BY</c> or <c>PER_THREAD_OUTPUT</c> there are several.
    /// </summary>
    /// <param name="path">
    /// The path in the statement. DuckDB checks it as if it were a file: in a database without <c>enable_external_access</c> it must be
    /// among <c>allowed_paths</c> or <c>allowed_directories</c>, and when such a file exists DuckDB passes another name and renames later.
    /// </param>
    ICopySink Open(string path);
}

/// <summary>
/// Takes the rows of a COPY statement. Disposed at the end in any case; without <see cref="Complete"/> before it that means: give up
/// and leave nothing behind. What Dispose throws is dropped.
/// </summary>
public interface ICopySink : IDisposable
{
    /// <summary>Takes a chunk, which is valid during the call only. Several threads may call at once.</summary>
    void Write(in ChunkReader chunk);

    /// <summary>All rows have been written: make them durable. Called once, after the last Write, only when none failed.</summary>
    void Complete();
}
