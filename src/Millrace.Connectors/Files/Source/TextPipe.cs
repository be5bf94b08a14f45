using System.IO.Pipes;
using Millrace.Faults;

namespace Millrace.Connectors.Files.Source;

/// <summary>
/// Feeds bytes that only this process can make (unpacked, converted) to DuckDB, which reads them as a file. A thread of its own writes;
/// the pipe's few kilobytes are all that is between. Linux and macOS.
/// </summary>
/// <remarks>
/// DuckDB knows the pipe by the number of its reading end, and nobody can say when it opens it. A number that is closed is given to the
/// next file that anybody opens, so this one stays open until whoever asked DuckDB has its answer and disposes the pipe; nothing else
/// closes it. The writing end is closed by the writing thread alone.
/// </remarks>
internal sealed class TextPipe : IAsyncDisposable
{
    private const int ChunkBytes = 64 * 1024;

    private readonly AnonymousPipeServerStream _writing;
    private readonly AnonymousPipeClientStream _reading;
    private readonly string _source;
    private readonly Task _pump;
    private readonly Lock _stopping = new();
    private long _bytes;
    private volatile bool _stopped;
    private Task _drain = Task.CompletedTask;

    /// <summary>Opens a pipe that gives a stream's bytes, and disposes the stream at the end.</summary>
    /// <param name="stream">What is read.</param>
    /// <param name="source">The file's path, for errors.</param>
    public TextPipe(Stream stream, string source)
    {
        _source = source;
        _writing = new AnonymousPipeServerStream(PipeDirection.Out, HandleInheritability.None);
        _reading = new AnonymousPipeClientStream(PipeDirection.In, _writing.ClientSafePipeHandle);
        Path = $"/dev/fd/{_reading.SafePipeHandle.DangerousGetHandle()}";
        _pump = OnThread(() => Pump(stream));
    }

    /// <summary>The path that DuckDB opens, once. It means this pipe until <see cref="DisposeAsync"/>.</summary>
    public string Path { get; }

    /// <summary>Bytes handed over so far.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Why the bytes ended too early; null when they did not, or have not ended.</summary>
    public Fault? Failure { get; private set; }

    /// <summary>Ends the bytes now, whatever is still to come; some may be left out before the end. Any thread; does not wait.</summary>
    public void Stop()
    {
        lock (_stopping)
        {
            if (_stopped) return;
            _stopped = true;
            // The writer may be blocked in a full pipe that nobody reads: it goes on, and ends, when the pipe is emptied.
            if (!_pump.IsCompleted) _drain = OnThread(Drain);
        }
    }

    /// <summary>Waits until all bytes are handed over.</summary>
    /// <exception cref="Fault">They were not.</exception>
    public async Task CompleteAsync(CancellationToken cancel)
    {
        await _pump.WaitAsync(cancel).ConfigureAwait(false);
        if (Failure is { } fault) throw fault;
        if (_stopped) throw new Fault(FaultKind.Cancelled, "the reading was stopped") { Side = FaultSide.Source, Where = _source };
    }

    /// <summary>Ends the bytes and closes the pipe. DuckDB must be done with <see cref="Path"/>: whatever read it has ended.</summary>
    public async ValueTask DisposeAsync()
    {
        Stop();
        await _pump.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _drain.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _reading.DisposeAsync().ConfigureAwait(false);
    }

    private static Task OnThread(Action action) =>
        Task.Factory.StartNew(action, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

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
                    _writing.Write(buffer, 0, got);
                    Interlocked.Add(ref _bytes, got);
                }
            }
        }
        catch (Exception error) when (error is IOException or InvalidDataException or UnauthorizedAccessException
            or System.Text.DecoderFallbackException or NotSupportedException)
        {
            // The pipe itself can't break: this process holds its reading end until the pump has ended.
            if (!_stopped) Failure = SourceFaults.From(_source, error);
        }
        finally
        {
            _writing.Dispose();
        }
    }

    // Until the end, which comes when the pump has closed the writing end.
    private void Drain()
    {
        var buffer = new byte[ChunkBytes];
        while (_reading.Read(buffer) > 0)
        {
        }
    }
}
