namespace Millrace.Connectors.Files.Source;

/// <summary>
/// The packed bytes of a gzip file, handed out in small pieces of which the last is remembered, so that the end of a member can be found
/// in it after an inflater has read too far. Does not dispose the stream below.
/// </summary>
internal sealed class GzipPieces(Stream inner) : ReadOnlyStream(inner, keepInner: true)
{
    private const int PieceBytes = 4096;
    private const int TrailerBytes = 8;

    // In front the last bytes of the piece before, behind room for a trailer that begins at the piece's end.
    private readonly byte[] _piece = new byte[TrailerBytes + PieceBytes + TrailerBytes];
    private int _start;
    private int _end;
    private bool _anyMember;
    private bool _afterEmpty;

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        if (_start == _end)
        {
            var keep = Math.Min(TrailerBytes, _end);
            _piece.AsSpan(_end - keep, keep).CopyTo(_piece);
            _start = keep;
            _end = keep + Inner.Read(_piece.AsSpan(keep, PieceBytes));
        }

        var count = Math.Min(buffer.Length, _end - _start);
        _piece.AsSpan(_start, count).CopyTo(buffer);
        _start += count;
        return count;
    }

    /// <summary>Reads a member's header. False at the end of the data, also when only zeros follow, as on tapes.</summary>
    /// <exception cref="InvalidDataException">What follows is no gzip member.</exception>
    public bool ReadHeader()
    {
        var magic = Next();
        // The trailer of a member that holds nothing is zeros, as is the end of its data: which zero is which, nobody can see from behind.
        while (magic == 0 && _afterEmpty) magic = Next();
        if (magic < 0) return _anyMember ? false : throw new InvalidDataException("the file is empty: it is no gzip");
        if (magic == 0 && _anyMember) return OnlyZeros();
        if (magic != 0x1F || Next() != 0x8B) throw new InvalidDataException(_anyMember ? "garbage follows the gzip data" : "the data is no gzip");
        if (Next() != 8) throw new InvalidDataException("the gzip data has an unknown method");
        var flags = Need();
        for (var i = 0; i < 6; i++) Need();
        if ((flags & 4) != 0)
        {
            var extra = Need() | (Need() << 8);
            for (var i = 0; i < extra; i++) Need();
        }

        if ((flags & 8) != 0) SkipText();
        if ((flags & 16) != 0) SkipText();
        if ((flags & 2) != 0)
        {
            Need();
            Need();
        }

        _anyMember = true;
        ForgetBefore();
        return true;
    }

    /// <summary>Goes behind a member's trailer, which lies in what was handed out last or right behind it.</summary>
    /// <returns>False when it is not there.</returns>
    public bool GoBehind(ReadOnlySpan<byte> trailer)
    {
        while (_end - _start < TrailerBytes)
        {
            var got = Inner.Read(_piece.AsSpan(_end, TrailerBytes - (_end - _start)));
            if (got == 0) break;
            _end += got;
        }

        var at = _piece.AsSpan(0, Math.Min(_end, _start + TrailerBytes)).IndexOf(trailer);
        if (at < 0) return false;
        _start = at + TrailerBytes;
        _afterEmpty = !trailer.ContainsAnyExcept((byte)0);
        return true;
    }

    // What came before a member must not be searched for its trailer: of two equal members the first one's would be found. It also makes
    // room for the trailer of the next one when several lie in one piece.
    private void ForgetBefore()
    {
        _piece.AsSpan(_start.._end).CopyTo(_piece);
        _end -= _start;
        _start = 0;
    }

    private int Next()
    {
        Span<byte> one = stackalloc byte[1];
        return Read(one) == 0 ? -1 : one[0];
    }

    private int Need()
    {
        var value = Next();
        return value >= 0 ? value : throw new InvalidDataException("the gzip data ends too early");
    }

    private void SkipText()
    {
        while (Need() != 0)
        {
            // The file's own name or comment says nothing about its rows.
        }
    }

    private bool OnlyZeros()
    {
        int value;
        while ((value = Next()) == 0)
        {
            // Padding.
        }

        return value < 0 ? false : throw new InvalidDataException("garbage follows the gzip data");
    }
}
