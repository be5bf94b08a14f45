using Millrace.Faults;

namespace Millrace.Connectors.Files.Source.Text;

/// <summary>The bytes of a unit's files, one file after another, as a window that moves over them. Grows only for a long record.</summary>
internal sealed class TextBuffer : IDisposable
{
    private const int WindowBytes = 256 * 1024;

    private byte[] _bytes = GC.AllocateUninitializedArray<byte>(WindowBytes);
    private Stream? _stream;
    private string _path = "";
    private int _start;
    private int _end;
    private long _read;
    private volatile bool _stopped;

    /// <summary>What has been read and not been consumed.</summary>
    public ReadOnlySpan<byte> Unread => _bytes.AsSpan(_start, _end - _start);

    /// <summary>Whether nothing of the file follows what is <see cref="Unread"/>.</summary>
    public bool IsEnded { get; private set; }

    /// <summary>Bytes read so far. Any thread.</summary>
    public long Read => Interlocked.Read(ref _read);

    /// <summary>Goes to the next file.</summary>
    /// <exception cref="Fault">It can't be opened.</exception>
    public void Open(TextFile file)
    {
        _stream?.Dispose();
        _stream = null;
        _path = file.Path;
        _start = _end = 0;
        IsEnded = false;
        try
        {
            _stream = file.Open();
        }
        catch (Exception error)
        {
            throw SourceFaults.From(_path, error);
        }

        Fill();
        if (Unread.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]) && file.FromStart) Consume(3);
    }

    /// <summary>Takes bytes from the front.</summary>
    public void Consume(int count) => _start += count;

    /// <summary>Reads more of the file behind what is unread.</summary>
    /// <exception cref="Fault">The file can't be read, or the reading was stopped.</exception>
    /// <exception cref="UnusualText">A record is longer than any buffer.</exception>
    public void Fill()
    {
        if (_stopped) throw new Fault(FaultKind.Cancelled, "the reading was stopped") { Side = FaultSide.Source };
        if (_start > 0)
        {
            Buffer.BlockCopy(_bytes, _start, _bytes, 0, _end - _start);
            _end -= _start;
            _start = 0;
        }

        if (_end == _bytes.Length)
        {
            if (_bytes.Length >= Limits.TextLineBytesMax) throw new UnusualText("a record longer than any buffer");
            Array.Resize(ref _bytes, (int)Math.Min(2L * _bytes.Length, Limits.TextLineBytesMax));
        }

        try
        {
            var got = _stream!.Read(_bytes.AsSpan(_end));
            _end += got;
            Interlocked.Add(ref _read, got);
            IsEnded = got == 0;
        }
        catch (Exception error)
        {
            throw SourceFaults.From(_path, error);
        }
    }

    /// <summary>Lets the next <see cref="Fill"/> fail. Any thread.</summary>
    public void Stop() => _stopped = true;

    /// <inheritdoc/>
    public void Dispose() => _stream?.Dispose();
}
