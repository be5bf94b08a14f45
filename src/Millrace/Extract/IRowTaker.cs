namespace Millrace.Extract;

/// <summary>
/// Takes rows in the form in which their source sends them, where the target takes just that form: they pass undecoded, and DuckDB does not see
/// them. Any number of threads, each with a <see cref="IRowLane"/> of its own.
/// </summary>
public interface IRowTaker
{
    /// <summary>What one thread hands its rows to.</summary>
    IRowLane OpenLane();

    /// <summary>After the last row of the last lane: ends the output. Blocks.</summary>
    void Complete();

    /// <summary>Rows that were taken.</summary>
    long Rows { get; }
}

/// <summary>One thread's way into an <see cref="IRowTaker"/>.</summary>
public interface IRowLane
{
    /// <summary>Takes a row; its bytes are valid during the call only. Blocks while the other side is busy.</summary>
    void Take(ReadOnlySpan<byte> row);

    /// <summary>After this lane's last row.</summary>
    void End();
}
