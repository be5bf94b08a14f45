using System.IO.Pipes;
using Millrace.Faults;

namespace Millrace.Connectors.Files.Source;

/// <summary>
/// Feeds bytes that only this process can make (unpacked, converted) to DuckDB, which reads them as a file. A thread of its own writes;
/// the pipe's few kilobytes are all that is between. Linux and macOS.
/// </summary>
internal sealed class TextPipe : IAsyncDisposable
{
    private const int ChunkBytes = 64 * 1024;

    private readonly AnonymousPipeServerStream _pipe;
    private readonly string _source;
    private readonly Task _pump;
    private long _bytes;
    private volatile bool _stopped;

    /// <summary>Opens a pipe that gives a stream's bytes, and disposes the stream at the end.</summary>
    /// <param name="stream">What is read.</param>
    /// <param name="source">The file's path, for errors.</param>
    public TextPipe(Stream stream, string source)
    {
        _source = source;
        _pipe = new AnonymousPipeServerStream(PipeDirection.Out, HandleInheritability.None);
        Path = "/dev/fd/" + _pipe.GetClientHandleAsString();
        _pump = Task.Factory.StartNew(() => Pump(stream), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>The path that DuckDB opens, once.</summary>
    public string Path { get; }

    /// <summary>Bytes handed over so far.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Why the bytes ended too early; null when they did not, or have not ended.</summary>
    public Fault? Failure { get; private set; }

    /// <summary>Ends the bytes now, whatever is still to come. Any thread.</summary>
    public void Stop()
    {
        _stopped = true;
        // Without its last reader a blocked write ends.
        _pipe.DisposeLocalCopyOfClientHandle();
    }

    /// <summary>Waits until all bytes are handed over.</summary>
    /// <exception cref="Fault">They were not.</exception>
    public async Task CompleteAsync(CancellationToken cancel)
    {
        await _pump.WaitAsync(cancel).ConfigureAwait(false);
        if (Failure is { } fault) throw fault;
        if (_stopped) throw new Fault(FaultKind.Cancelled, "the reading was stopped") { Side = FaultSide.Source, Where = _source };
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Stop();
        await _pump.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _pipe.DisposeAsync().ConfigureAwait(false);
    }

    private void Pump(Stream stream)
    {
        try
        {
            using (stream)
            {
                var buffer = new byte[ChunkBytes];
                int got;
                while (!_stopped && (got = stream.Read(buffer)) > 0)
                {
                    _pipe.Write(buffer, 0, got);
                    Interlocked.Add(ref _bytes, got);
                }
            }
        }
        catch (Exception error) when (error is IOException or InvalidDataException or ObjectDisposedException or UnauthorizedAccessException
            or System.Text.DecoderFallbackException or NotSupportedException)
        {
            // A reader that went away has its own reason; a file that can't be read is the reason.
            if (!_stopped && error is not ObjectDisposedException && !IsBrokenPipe(error)) Failure = SourceFaults.From(_source, error);
        }
        finally
        {
            _pipe.Dispose();
        }
    }

    private static bool IsBrokenPipe(Exception error) => error is IOException && error.Message.Contains("pipe", StringComparison.OrdinalIgnoreCase);
}
