using System.IO.Pipes;
using Microsoft.Win32.SafeHandles;
using Millrace.Faults;

namespace Millrace.Connectors.Files.Splitting;

/// <summary>
/// Gives DuckDB pieces of a file as if each were a file of its own: every piece is an anonymous pipe, filled by one thread, piece after
/// piece. Several small pieces instead of one large one matter to <c>read_json</c>, which keeps the whole of a pipe in memory until it
/// has read it to its end; <c>read_csv</c> does not. Linux and macOS.
/// </summary>
/// <remarks>
/// DuckDB takes a piece that ends early for a whole one, so that a query that went well proves nothing: its result counts only after
/// <see cref="CompleteAsync"/>. When the query failed, <see cref="Failure"/> comes before DuckDB's own error. Dispose after the query has
/// ended, never while it runs: the numbers in <see cref="Paths"/> are given to other files afterwards.
/// </remarks>
public sealed class RangePipe : IAsyncDisposable
{
    // A pipe's largest size for users without privileges; also what one splice moves at most.
    private const int PipeBytes = 1024 * 1024;
    private const int CopyBytes = 128 * 1024;

    private readonly string path;
    private readonly FileStamp stamp;
    private readonly SafeFileHandle file;
    private readonly (ByteRange Range, AnonymousPipeServerStream Pipe)[] pieces;
    private readonly ReadOnlyMemory<byte> prefix;
    private readonly long expectedBytes;
    private readonly Task feeder;
    private byte[]? copyBuffer;
    private long bytes;
    private volatile bool stopped;

    private RangePipe(string path, FileStamp stamp, SafeFileHandle file, ReadOnlyMemory<byte> prefix, ReadOnlySpan<ByteRange> ranges)
    {
        this.path = path;
        this.stamp = stamp;
        this.file = file;
        this.prefix = prefix;
        pieces = new (ByteRange, AnonymousPipeServerStream)[ranges.Length];
        var paths = new string[ranges.Length];
        for (var i = 0; i < ranges.Length; i++)
        {
            var pipe = new AnonymousPipeServerStream(PipeDirection.Out, HandleInheritability.None);
            pieces[i] = (ranges[i], pipe);
            paths[i] = "/dev/fd/" + pipe.GetClientHandleAsString();
            expectedBytes += ranges[i].Bytes + prefix.Length;
        }
        Paths = paths;
        // A thread of its own: it blocks whenever DuckDB is slower than the disk.
        feeder = Task.Factory.StartNew(Feed, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>The paths that DuckDB opens, each once, in this order.</summary>
    public IReadOnlyList<string> Paths { get; }

    /// <summary>Bytes handed over so far, prefixes counted. Any thread.</summary>
    public long Bytes => Interlocked.Read(ref bytes);

    /// <summary>Why the bytes ended too early; null when they did not, or have not ended. Any thread.</summary>
    public Fault? Failure { get; private set; }

    /// <summary>Opens the pipes and begins to fill the first one.</summary>
    /// <param name="path">The file.</param>
    /// <param name="stamp">The file as it was planned.</param>
    /// <param name="ranges">The pieces; at least one.</param>
    /// <param name="prefix">Bytes that each piece begins with, such as a header; usually none.</param>
    /// <exception cref="Fault">The file can't be opened, or is not the planned one any more; not retryable.</exception>
    public static RangePipe Open(string path, FileStamp stamp, ReadOnlySpan<ByteRange> ranges, ReadOnlyMemory<byte> prefix = default)
    {
        ArgumentOutOfRangeException.ThrowIfZero(ranges.Length);
        var opened = FileStamp.Open(path);
        try
        {
            stamp.Check(opened, path);
            return new RangePipe(path, stamp, opened, prefix, ranges);
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>Ends the bytes at the next megabyte, so that a query ends that waits for them. Any thread, more than once.</summary>
    public void Stop() => stopped = true;

    /// <summary>After the query has ended well: checks that it was given every byte, and of the file that was planned.</summary>
    /// <param name="cancel">Stops the waiting.</param>
    /// <exception cref="Fault">The file could not be read, was changed, or was not read to its end.</exception>
    public async Task CompleteAsync(CancellationToken cancel)
    {
        // A reader that did not want all bytes would leave the feeder blocked: without readers it ends.
        foreach (var (_, pipe) in pieces) pipe.DisposeLocalCopyOfClientHandle();
        await feeder.WaitAsync(cancel);
        if (Failure is { } fault) throw fault;
        if (Bytes == expectedBytes)
        {
            // Not before the query has ended: what lies in a pipe unread is the file itself, not a copy.
            stamp.Check(file, path);
            return;
        }
        throw new Fault(
            stopped ? FaultKind.Cancelled : FaultKind.Internal,
            stopped ? "the reading was stopped" : $"{Bytes} bytes were read instead of {expectedBytes}")
        {
            Side = FaultSide.Source,
            Where = path,
        };
    }

    /// <summary>Ends the feeding, whatever is left, and closes all pipes.</summary>
    public async ValueTask DisposeAsync()
    {
        stopped = true;
        foreach (var (_, pipe) in pieces) pipe.DisposeLocalCopyOfClientHandle();
        await feeder.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        file.Dispose();
    }

    private void Feed()
    {
        try
        {
            foreach (var (range, pipe) in pieces)
            {
                // Only the pipe in use is made large: what one user's pipes may hold together is limited.
                KernelPipe.Grow(pipe.SafePipeHandle, PipeBytes);
                if (!Write(pipe, prefix.Span) || !FeedRange(range, pipe)) return;
                pipe.Dispose();
            }
        }
        catch (Fault fault)
        {
            Failure = fault;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Failure = new Fault(FaultKind.Data, $"can't be read: {e.Message}", e) { Side = FaultSide.Source, Where = path, Retryable = true };
        }
        finally
        {
            // The failure is set before the reader sees an end.
            foreach (var (_, pipe) in pieces) pipe.Dispose();
        }
    }

    /// <summary>Feeds one piece; false when the feeding was stopped or nobody reads any more.</summary>
    private bool FeedRange(ByteRange range, AnonymousPipeServerStream pipe)
    {
        for (var at = range.Start; at < range.End;)
        {
            if (stopped) return false;
            var wanted = (int)Math.Min(PipeBytes, range.End - at);
            var moved = copyBuffer is null ? KernelPipe.Splice(file, at, pipe.SafePipeHandle, wanted) : KernelPipe.CannotSplice;
            if (moved == KernelPipe.NoReader) return false;
            if (moved == 0) throw BlockPass.Shrunk(path, at);
            if (moved == KernelPipe.CannotSplice)
            {
                moved = Copy(pipe, at, wanted);
                if (moved < 0) return false;
            }
            else
            {
                Interlocked.Add(ref bytes, moved);
            }
            at += moved;
        }
        return true;
    }

    private int Copy(AnonymousPipeServerStream pipe, long at, int wanted)
    {
        copyBuffer ??= GC.AllocateUninitializedArray<byte>(CopyBytes);
        var read = RandomAccess.Read(file, copyBuffer.AsSpan(0, Math.Min(wanted, CopyBytes)), at);
        if (read == 0) throw BlockPass.Shrunk(path, at);
        return Write(pipe, copyBuffer.AsSpan(0, read)) ? read : -1;
    }

    private bool Write(AnonymousPipeServerStream pipe, ReadOnlySpan<byte> text)
    {
        try
        {
            pipe.Write(text);
        }
        catch (IOException)
        {
            // The one way in which a write to a pipe fails: its reader is gone, and has its own reason.
            return false;
        }
        Interlocked.Add(ref bytes, text.Length);
        return true;
    }
}
