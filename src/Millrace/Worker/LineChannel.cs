using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Millrace.Faults;

namespace Millrace.Worker;

/// <summary>JSON objects over a pipe, one a line. Writing is thread safe; reading is for one reader.</summary>
/// <param name="input">Read from.</param>
/// <param name="output">Written to.</param>
internal sealed class LineChannel(Stream input, Stream output) : IDisposable
{
    private readonly SemaphoreSlim _writing = new(1, 1);
    private byte[] _buffer = new byte[16 * 1024];
    private int _start;
    private int _end;

    /// <summary>Writes one object.</summary>
    public async ValueTask WriteAsync<T>(T value, JsonTypeInfo<T> type, CancellationToken cancel)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(value, type);
        var line = new byte[bytes.Length + 1];
        bytes.CopyTo(line, 0);
        line[^1] = (byte)'\n';
        await _writing.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            await output.WriteAsync(line, cancel).ConfigureAwait(false);
            await output.FlushAsync(cancel).ConfigureAwait(false);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Reads one object; null at the end of the input. A line that is too long or no JSON is a fault.</summary>
    public async ValueTask<T?> ReadAsync<T>(JsonTypeInfo<T> type, CancellationToken cancel)
        where T : class
    {
        while (true)
        {
            var newline = _buffer.AsSpan(_start, _end - _start).IndexOf((byte)'\n');
            if (newline >= 0)
            {
                var value = Parse(_buffer.AsSpan(_start, newline), type);
                _start += newline + 1;
                return value;
            }

            MakeRoom();
            var read = await input.ReadAsync(_buffer.AsMemory(_end), cancel).ConfigureAwait(false);
            if (read == 0) return null;
            _end += read;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _writing.Dispose();
        input.Dispose();
        output.Dispose();
    }

    private static T Parse<T>(ReadOnlySpan<byte> line, JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(line, type) ?? throw new JsonException("it is null");
        }
        catch (JsonException broken)
        {
            throw new Fault(FaultKind.Died, $"a message between coordinator and worker is damaged: {broken.Message}", broken);
        }
    }

    private void MakeRoom()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }

        if (_end < _buffer.Length) return;
        if (_buffer.Length >= Limits.WorkerMessageBytesMax)
            throw new Fault(FaultKind.Limit, $"a message between coordinator and worker is longer than {Limits.WorkerMessageBytesMax} bytes");
        Array.Resize(ref _buffer, Math.Min(_buffer.Length * 2, Limits.WorkerMessageBytesMax));
    }
}
