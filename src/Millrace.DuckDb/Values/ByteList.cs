namespace Millrace.DuckDb;

/// <summary>Bytes that are appended, and taken back from the end. Keeps its memory. Used by one thread.</summary>
public sealed class ByteList
{
    private const int BytesMin = 1024;

    private byte[] _bytes = [];

    /// <summary>How many bytes there are.</summary>
    public int Count { get; private set; }

    /// <summary>All of them; valid until the next one is appended.</summary>
    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Count);

    /// <summary>Makes room for more bytes at the end, which the caller writes.</summary>
    /// <exception cref="OverflowException">They would be more than an array can hold.</exception>
    public Span<byte> Extend(int bytes)
    {
        var end = checked(Count + bytes);
        if (end > _bytes.Length) Array.Resize(ref _bytes, (int)Math.Clamp(_bytes.Length * 2L, Math.Max(end, BytesMin), Array.MaxLength));
        var room = _bytes.AsSpan(Count, bytes);
        Count = end;
        return room;
    }

    /// <summary>Appends bytes.</summary>
    public void Append(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Extend(bytes.Length));

    /// <summary>Takes back all but the first bytes.</summary>
    public void Truncate(int bytes) => Count = bytes;

    /// <summary>Takes all back; more memory than this is not kept.</summary>
    public void Clear(int bytesKept)
    {
        Count = 0;
        if (_bytes.Length > bytesKept) _bytes = [];
    }
}
