using System.Buffers;
using Microsoft.Win32.SafeHandles;
using Millrace.Faults;

namespace Millrace.Connectors.Files.Splitting;

/// <summary>
/// Reads a file once, in blocks, on several threads, each with one buffer, and summarises every block on its own: no thread waits for
/// what another finds.
/// </summary>
internal sealed class BlockPass
{
    private const int BufferBytes = 256 * 1024;

    private readonly SafeFileHandle file;
    private readonly string path;
    private readonly long start;
    private readonly long end;
    private readonly long blockBytes;
    private readonly BlockSummary[] summaries;
    private long taken = -1;
    private volatile bool hopeless;

    /// <summary>A pass over [start, end) of an open file.</summary>
    public BlockPass(SafeFileHandle file, string path, long start, long end, long blockBytes)
    {
        this.file = file;
        this.path = path;
        this.start = start;
        this.end = end;
        this.blockBytes = blockBytes;
        summaries = new BlockSummary[(end - start + blockBytes - 1) / blockBytes];
    }

    /// <summary>
    /// Scans all blocks.
    /// </summary>
    /// <param name="create">Makes a scanner for each thread.</param>
    /// <param name="threads">How many threads, at least 1.</param>
    /// <param name="cancel">Stops between two buffers.</param>
    /// <returns>
    /// A summary for each block; when a block is found that no starting state makes safe, the pass ends early and only the blocks up to
    /// it need be there.
    /// </returns>
    public async Task<BlockSummary[]> RunAsync(Func<IBlockScanner> create, int threads, CancellationToken cancel)
    {
        // Threads of the pool that block: a read of a local file has no asynchronous form in the kernel.
        var lanes = new Task[(int)Math.Clamp(summaries.LongLength, 1, Math.Max(1, threads))];
        for (var i = 0; i < lanes.Length; i++) lanes[i] = Task.Run(() => Lane(create(), cancel), cancel);
        await Task.WhenAll(lanes);
        return summaries;
    }

    private void Lane(IBlockScanner scanner, CancellationToken cancel)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            // Blocks are taken in order and finished once taken, so that all before a hopeless one are complete.
            while (!hopeless)
            {
                var block = Interlocked.Increment(ref taken);
                if (block >= summaries.LongLength) return;
                var summary = ScanBlock(scanner, buffer, block, cancel);
                summaries[block] = summary;
                if (summary.IsHopeless || (block == 0 && summary.Outside.Problem != SplitProblem.None)) hopeless = true;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private BlockSummary ScanBlock(IBlockScanner scanner, byte[] buffer, long block, CancellationToken cancel)
    {
        var from = start + block * blockBytes;
        var to = Math.Min(end, from + blockBytes);
        var leadIn = (int)Math.Min(IBlockScanner.LeadInBytes, from - start);
        Fill(buffer.AsSpan(0, leadIn), from - leadIn);
        scanner.Begin(buffer.AsSpan(0, leadIn), from);
        for (var at = from; at < to;)
        {
            cancel.ThrowIfCancellationRequested();
            var bytes = buffer.AsSpan(0, (int)Math.Min(BufferBytes, to - at));
            Fill(bytes, at);
            scanner.Scan(bytes);
            at += bytes.Length;
        }
        return scanner.End(to == end);
    }

    private void Fill(Span<byte> bytes, long at)
    {
        while (!bytes.IsEmpty)
        {
            var read = RandomAccess.Read(file, bytes, at);
            if (read == 0) throw Shrunk(path, at);
            bytes = bytes[read..];
            at += read;
        }
    }

    /// <summary>The fault for a file that ends before its planned end.</summary>
    internal static Fault Shrunk(string path, long at) => new(FaultKind.Data, $"ends at byte {at}, before the end that was planned: it was cut while it was read")
    {
        Side = FaultSide.Source,
        Where = path,
        Advice = "Run again when nobody writes the file, so that all rows are of one moment.",
    };
}
