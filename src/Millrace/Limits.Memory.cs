namespace Millrace;

/// <content>How <c>limits.memory</c> is divided.</content>
public static partial class Limits
{
    /// <summary>DuckDB's ceiling in each process when nobody has set <c>limits.memory</c>: enough for a row of half a gigabyte.</summary>
    public const long DuckDbBytesUnasked = 2048 * Mega;

    /// <summary>The least ceiling that DuckDB is given: a unit with rows of usual width is sorted with it.</summary>
    public const long DuckDbBytesMin = 64 * Mega;

    /// <summary>
    /// The least ceiling for a unit that is tried alone because it has failed for want of memory. It is not taken: a COPY takes what its rows need, about
    /// three times the widest value, but DuckDB counts what it reserves for it. What a process really takes is watched from outside.
    /// </summary>
    public const long DuckDbBytesAloneMin = 256 * Mega;

    /// <summary>What a process needs beside DuckDB's counted memory: the runtime, libraries, buffers.</summary>
    public const long ProcessOverheadBytes = 96 * Mega;

    /// <summary>What coordinator and keeper take of <c>limits.memory</c>; the rest is the workers'.</summary>
    public const long CoordinatorBytes = 48 * Mega;

    /// <summary>The least share of a worker process: <see cref="DuckDbBytesMin"/>, and what a process takes beside on a few lanes when it gives back what it frees.</summary>
    public const long WorkerBytesMin = 128 * Mega;
}
