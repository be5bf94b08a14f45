using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Text.Unicode;

namespace Millrace.DuckDb;

/// <summary>
/// Writes one column of a chunk, straight into DuckDB's memory. A plain struct of pointers, so that a decoder can hold an array of
/// them over a row loop: <c>ref var column = ref columns[i]; column.Set(row, value);</c>. Valid only during the
/// <see cref="ITableReader.Fill"/> that it was made in; used by one thread.
/// <para>
/// Rows are <b>not</b> checked in release builds by <see cref="Set{T}"/>, <see cref="SetNull"/> and the text setters: a row outside of
/// 0 to Capacity - 1 writes into foreign memory. Debug builds assert the row and the value's size. A row that is not written holds
/// whatever lay there, so every row below the count that Fill returns is set, or set to NULL.
/// </para>
/// </summary>
public unsafe partial struct VectorWriter
{
    // Up to here the text lies inside of DuckDB's 16-byte string_t: 4 bytes of length, 12 of text, the rest zero.
    private const int InlineBytesMax = 12;

    private readonly byte* _data;
    private readonly nint _vector;
    private readonly DuckDbType _type;
    private readonly int _capacity;
    private readonly bool _nested;
    private readonly TextHeap* _heap;
    private ulong* _validity;

    internal VectorWriter(nint vector, DuckDbType type, int capacity, TextHeap* heap)
    {
        _heap = heap;
        _vector = vector;
        _type = type;
        _capacity = capacity;
        _nested = type.IsNested;
        _data = (byte*)NativeMethods.duckdb_vector_get_data(vector);
    }

    /// <summary>The column's type.</summary>
    public readonly DuckDbType Type => _type;

    /// <summary>Rows that fit.</summary>
    public readonly int Capacity => _capacity;

    /// <summary>All values as a span, for columns that are decoded at once; bounds are checked.</summary>
    /// <typeparam name="T">What <see cref="DuckDbKind"/> says of the column's kind.</typeparam>
    public readonly Span<T> Values<T>()
        where T : unmanaged
    {
        Debug.Assert(sizeof(T) == _type.ValueBytes, "the value has the column's size");
        return new Span<T>(_data, _capacity);
    }

    /// <summary>Writes a value.</summary>
    /// <typeparam name="T">What <see cref="DuckDbKind"/> says of the column's kind.</typeparam>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Set<T>(int row, T value)
        where T : unmanaged
    {
        Check(row);
        Debug.Assert(sizeof(T) == _type.ValueBytes, "the value has the column's size");
        ((T*)_data)[row] = value;
    }

    /// <summary>Makes a row NULL; in a struct, union or array its children's rows too, as DuckDB expects.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void SetNull(int row)
    {
        Check(row);
        if (_validity == null) OpenValidity();
        _validity[row >> 6] &= ~(1UL << row);
        if (_nested) SetChildrenNull(row);
    }

    /// <summary>Makes every row NULL, for a column of which few rows are then made valid and written. Not for nested types.</summary>
    /// <exception cref="InvalidOperationException">The column is nested.</exception>
    public void SetAllNull()
    {
        if (_nested) throw WrongKind("plain column");
        if (_validity == null) OpenValidity();
        new Span<ulong>(_validity, (_capacity + 63) >> 6).Clear();
    }

    /// <summary>Takes back <see cref="SetNull"/> for a row that is written again.</summary>
    public void SetValid(int row)
    {
        Check(row);
        if (_validity == null) OpenValidity();
        _validity[row >> 6] |= 1UL << row;
    }

    /// <summary>Writes a text. Nothing is written when it is not valid UTF-8.</summary>
    /// <returns>False when the bytes are not valid UTF-8.</returns>
    public readonly bool SetString(int row, ReadOnlySpan<byte> utf8)
    {
        Check(row);
        if (utf8.Length <= InlineBytesMax)
        {
            var (first, second) = Inline(utf8);
            if ((((first >> 32) | second) & 0x8080_8080_8080_8080) != 0 && !Utf8.IsValid(utf8)) return false;
            var target = (ulong*)_data + (2L * row);
            target[0] = first;
            target[1] = second;
            return true;
        }

        return Assign(row, utf8, isText: true);
    }

    /// <summary>Writes bytes as they are: for BLOB, or for text that is known to be valid UTF-8 (anything else breaks DuckDB).</summary>
    public readonly void SetBlob(int row, ReadOnlySpan<byte> bytes)
    {
        Check(row);
        if (bytes.Length > InlineBytesMax)
        {
            Assign(row, bytes, isText: false);
            return;
        }

        var target = (ulong*)_data + (2L * row);
        (target[0], target[1]) = Inline(bytes);
    }

    /// <summary>Writes a UUID from its 16 bytes in the order of its text form.</summary>
    public readonly void SetUuid(int row, ReadOnlySpan<byte> bigEndian)
    {
        // hugeint_t: the low word first; its sign bit is turned, so that numbers sort as the texts do.
        Check(row);
        var target = (ulong*)_data + (2L * row);
        target[0] = BinaryPrimitives.ReadUInt64BigEndian(bigEndian[8..]);
        target[1] = BinaryPrimitives.ReadUInt64BigEndian(bigEndian) ^ (1UL << 63);
    }

    /// <summary>Writes a TIME WITH TIME ZONE.</summary>
    /// <param name="row">The row.</param>
    /// <param name="micros">Local time in microseconds since midnight.</param>
    /// <param name="offsetSeconds">Seconds east of UTC, -57,599 to 57,599.</param>
    public readonly void SetTimeTz(int row, long micros, int offsetSeconds)
    {
        // dtime_tz_t: 40 bits of time, then 24 bits of 15:59:59 minus the offset, so that equal times sort by offset.
        const int OffsetMax = (16 * 60 * 60) - 1;
        Set(row, ((ulong)micros << 24) | (uint)(OffsetMax - offsetSeconds));
    }

    // The two words of a string_t whose text is inside: length and first four bytes, then eight bytes, all little-endian.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (ulong First, ulong Second) Inline(ReadOnlySpan<byte> text)
    {
        var length = (uint)text.Length;
        fixed (byte* p = text)
        {
            if (length >= 8)
            {
                // Bytes 4-7, and the last four shifted to where they belong; where both overlap they are the same bytes.
                var tail = (ulong)*(uint*)(p + length - 4) << (8 * (int)(length - 8));
                return (length | ((ulong)*(uint*)p << 32), *(uint*)(p + 4) | tail);
            }

            if (length >= 4) return (length | ((ulong)*(uint*)p << 32), (ulong)*(uint*)(p + length - 4) >> (8 * (int)(8 - length)));
            if (length == 0) return (0, 0);
            var few = p[0] | ((uint)p[length >> 1] << (8 * (int)(length >> 1))) | ((uint)p[length - 1] << (8 * (int)(length - 1)));
            return (length | ((ulong)few << 32), 0);
        }
    }

    /// <summary>Writes what does not fit inside; false when it should be text and is not valid UTF-8, nothing is written then.</summary>
    private readonly bool Assign(int row, ReadOnlySpan<byte> bytes, bool isText)
    {
        var target = (ulong*)_data + (2L * row);
        fixed (byte* p = bytes)
        {
            var text = _heap->Take(bytes.Length);
            // One pass over the bytes; only what is not plain ASCII is looked at again.
            if (!CopyIsAscii(p, text, bytes.Length) && isText && !Utf8.IsValid(bytes)) return false;
            // A long string_t: the length, the first four bytes, the address.
            target[0] = (uint)bytes.Length | ((ulong)*(uint*)p << 32);
            target[1] = (ulong)text;
            return true;
        }
    }

    /// <summary>Copies more than <see cref="InlineBytesMax"/> bytes and says whether all of them are ASCII. The last step overlaps the one before it.</summary>
    private static bool CopyIsAscii(byte* from, byte* to, int length)
    {
        if (length >= Vector256<byte>.Count)
        {
            var seen = Vector256<byte>.Zero;
            var last = length - Vector256<byte>.Count;
            for (var i = 0; i < last; i += Vector256<byte>.Count)
            {
                var step = Vector256.Load(from + i);
                step.Store(to + i);
                seen |= step;
            }

            var end = Vector256.Load(from + last);
            end.Store(to + last);
            return (seen | end).ExtractMostSignificantBits() == 0;
        }

        if (length >= Vector128<byte>.Count)
        {
            var first = Vector128.Load(from);
            var end = Vector128.Load(from + length - Vector128<byte>.Count);
            first.Store(to);
            end.Store(to + length - Vector128<byte>.Count);
            return (first | end).ExtractMostSignificantBits() == 0;
        }

        var head = *(ulong*)from;
        var tail = *(ulong*)(from + length - sizeof(ulong));
        *(ulong*)to = head;
        *(ulong*)(to + length - sizeof(ulong)) = tail;
        return ((head | tail) & 0x8080_8080_8080_8080) == 0;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void OpenValidity()
    {
        NativeMethods.duckdb_vector_ensure_validity_writable(_vector);
        _validity = NativeMethods.duckdb_vector_get_validity(_vector);
    }

    [Conditional("DEBUG")]
    private readonly void Check(int row) => Debug.Assert((uint)row < (uint)_capacity, "the row lies in the vector");
}
