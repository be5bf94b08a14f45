namespace Millrace.Connectors.Files.Splitting;

/// <summary>Finds record ends in one block at a time. One instance per thread.</summary>
internal interface IBlockScanner
{
    /// <summary>Bytes before a block that <see cref="Begin"/> wants to see.</summary>
    const int LeadInBytes = 64;

    /// <summary>Starts a block.</summary>
    /// <param name="leadIn">The bytes before it, at most <see cref="LeadInBytes"/>; fewer only when the data starts there.</param>
    /// <param name="position">The block's offset in the file.</param>
    void Begin(ReadOnlySpan<byte> leadIn, long position);

    /// <summary>Takes the block's next bytes. All but its last piece are a multiple of 64 bytes long.</summary>
    void Scan(ReadOnlySpan<byte> bytes);

    /// <summary>Ends the block.</summary>
    /// <param name="endOfFile">True when the file ends with it.</param>
    BlockSummary End(bool endOfFile);
}
