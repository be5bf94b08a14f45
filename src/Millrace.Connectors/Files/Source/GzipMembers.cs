using System.Buffers.Binary;
using System.IO.Compression;

namespace Millrace.Connectors.Files.Source;

/// <summary>
/// Unpacks gzip (RFC 1952), member after member, and checks each member's CRC and length. .NET's own GZipStream takes a file that was
/// cut off for a whole one, and DuckDB checks neither: rows would be missing without a word. Used by one thread.
/// </summary>
internal sealed class GzipMembers : ReadOnlyStream
{
    private readonly GzipPieces _packed;
    private DeflateStream? _deflate;
    private uint _crc;
    private uint _length;
    private bool _ended;

    /// <summary>Unpacks a stream, which it disposes.</summary>
    public GzipMembers(Stream packed)
        : base(packed) => _packed = new GzipPieces(packed);

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The data is no gzip, is damaged, or ends too early.</exception>
    public override int Read(Span<byte> buffer)
    {
        while (!_ended && buffer.Length > 0)
        {
            if (_deflate is null && !OpenMember()) break;
            var got = _deflate!.Read(buffer);
            if (got > 0)
            {
                _crc = Crc32.Update(_crc, buffer[..got]);
                _length += (uint)got;
                return got;
            }

            CloseMember();
        }

        _ended = true;
        return 0;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) _deflate?.Dispose();
        base.Dispose(disposing);
    }

    private bool OpenMember()
    {
        if (!_packed.ReadHeader()) return false;
        _crc = 0;
        _length = 0;
        _deflate = new DeflateStream(_packed, CompressionMode.Decompress, leaveOpen: true);
        return true;
    }

    // The inflater has taken more from the stream than the member has. Where the member ends is known by its own trailer: CRC and
    // length together, 64 bits, which stand nowhere else but there (or, were they damaged, in an equal member right behind).
    private void CloseMember()
    {
        _deflate!.Dispose();
        _deflate = null;
        Span<byte> trailer = stackalloc byte[8];
        BinaryPrimitives.WriteUInt32LittleEndian(trailer, _crc);
        BinaryPrimitives.WriteUInt32LittleEndian(trailer[4..], _length);
        if (!_packed.GoBehind(trailer)) throw new InvalidDataException("the gzip data is damaged or ends too early");
    }
}
