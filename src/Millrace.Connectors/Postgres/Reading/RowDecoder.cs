using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Millrace.DuckDb;

namespace Millrace.Connectors.Postgres.Reading;

/// <summary>
/// Decodes the tuples of one COPY into the vectors of a chunk: the hot path. Nothing is allocated for a row or a value; everything
/// that depends on a column's type was decided when the decoder was made. Used by one thread.
/// </summary>
internal sealed partial class RowDecoder
{
    internal const string TextAdvice = "Correct the value in the source, leave it out with 'where', read the column as text with types: {{{0}: text}}, or put such rows aside with on_reject: quarantine.";
    internal const string ReportAdvice = "Please report it with the column's type and the server's version.";

    private const int DaysTo2000 = 10_957;
    private const long MicrosTo2000 = 946_684_800_000_000;
    private const long MicrosPerDay = 86_400_000_000;

    private readonly ColumnDecoder[] _columns;

    /// <summary>A decoder for the columns of the COPY's SELECT, in its order.</summary>
    internal RowDecoder(ColumnDecoder[] columns) => _columns = columns;

    /// <summary>The column (its position) that is being decoded: after a refusal, the refused one.</summary>
    internal int Column { get; private set; }

    /// <summary>Takes the vectors of a new chunk.</summary>
    /// <param name="chunk">The chunk.</param>
    /// <param name="vectors">The chunk's vector for each column.</param>
    internal void Begin(in ChunkWriter chunk, ReadOnlySpan<int> vectors)
    {
        for (var i = 0; i < _columns.Length; i++) _columns[i].Vector = chunk.Column(vectors[i]);
    }

    /// <summary>Decodes one tuple into a row of the chunk. What it throws is explained by <see cref="RefusalOf"/>.</summary>
    internal void Decode(ReadOnlySpan<byte> tuple, int row)
    {
        var columns = _columns;
        if (BinaryPrimitives.ReadInt16BigEndian(tuple) != columns.Length) throw Malformed();
        var rest = tuple[2..];
        for (var i = 0; i < columns.Length; i++)
        {
            ref var column = ref columns[i];
            Column = i;
            var length = BinaryPrimitives.ReadInt32BigEndian(rest);
            if (length == -1)
            {
                column.Vector.SetNull(row);
                rest = rest[4..];
                continue;
            }

            var value = rest.Slice(4, length);
            rest = rest[(4 + length)..];
            DecodeValue(ref column, row, value);
        }

        if (!rest.IsEmpty) throw Malformed();
    }

    /// <summary>
    /// Why a value was refused; null when the error is another. A length that points outside of its tuple is caught by the slicing, a day
    /// that no server has by the arithmetic.
    /// </summary>
    internal static ValueRefused? RefusalOf(Exception error) =>
        error as ValueRefused ?? (error is ArgumentOutOfRangeException or OverflowException ? Malformed() : null);

    // Inlined into the row loop, where the call costs as much as most of the steps.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void DecodeValue(ref ColumnDecoder column, int row, ReadOnlySpan<byte> value)
    {
        switch (column.Step)
        {
            case DecodeStep.Bool:
                column.Vector.Set(row, Fixed(value, 1)[0]);
                break;
            case DecodeStep.Int16:
                column.Vector.Set(row, BinaryPrimitives.ReadInt16BigEndian(Fixed(value, 2)));
                break;
            case DecodeStep.Int32:
                column.Vector.Set(row, BinaryPrimitives.ReadInt32BigEndian(Fixed(value, 4)));
                break;
            case DecodeStep.Int64:
                column.Vector.Set(row, BinaryPrimitives.ReadInt64BigEndian(Fixed(value, 8)));
                break;
            case DecodeStep.Text:
                if (!column.Vector.SetString(row, value)) throw NotUtf8(value);
                break;
            case DecodeStep.Timestamp:
                column.Vector.Set(row, Timestamp(BinaryPrimitives.ReadInt64BigEndian(Fixed(value, 8)), finiteOnly: false));
                break;
            case DecodeStep.FiniteTimestamp:
                column.Vector.Set(row, Timestamp(BinaryPrimitives.ReadInt64BigEndian(Fixed(value, 8)), finiteOnly: true));
                break;
            case DecodeStep.Uuid:
                column.Vector.SetUuid(row, Fixed(value, 16));
                break;
            case DecodeStep.Numeric64:
                column.Vector.Set(row, NumericDecoder.Decode64(value, ref column));
                break;
            default:
                DecodeRarer(ref column, row, value);
                break;
        }
    }

    private static void DecodeRarer(ref ColumnDecoder column, int row, ReadOnlySpan<byte> value)
    {
        switch (column.Step)
        {
            case DecodeStep.Date:
                column.Vector.Set(row, Date(BinaryPrimitives.ReadInt32BigEndian(Fixed(value, 4)), finiteOnly: false));
                break;
            case DecodeStep.FiniteDate:
                column.Vector.Set(row, Date(BinaryPrimitives.ReadInt32BigEndian(Fixed(value, 4)), finiteOnly: true));
                break;
            case DecodeStep.Time:
                column.Vector.Set(row, BinaryPrimitives.ReadInt64BigEndian(Fixed(value, 8)));
                break;
            case DecodeStep.TimeOfDay:
                column.Vector.Set(row, TimeOfDay(BinaryPrimitives.ReadInt64BigEndian(Fixed(value, 8))));
                break;
            case DecodeStep.FiniteFloat32:
                column.Vector.Set(row, (float)Finite(BinaryPrimitives.ReadSingleBigEndian(Fixed(value, 4))));
                break;
            case DecodeStep.FiniteFloat64:
                column.Vector.Set(row, Finite(BinaryPrimitives.ReadDoubleBigEndian(Fixed(value, 8))));
                break;
            case DecodeStep.Numeric16:
                column.Vector.Set(row, (short)NumericDecoder.Decode64(value, ref column));
                break;
            case DecodeStep.Numeric32:
                column.Vector.Set(row, (int)NumericDecoder.Decode64(value, ref column));
                break;
            case DecodeStep.Numeric128:
                column.Vector.Set(row, NumericDecoder.Decode128(value, ref column));
                break;
            case DecodeStep.Jsonb:
                if (value.IsEmpty || value[0] != 1) throw Malformed();
                if (!column.Vector.SetString(row, value[1..])) throw NotUtf8(value);
                break;
            case DecodeStep.Bytes:
                column.Vector.SetBlob(row, value);
                break;
            case DecodeStep.Array:
                DecodeArray(ref column, row, value);
                break;
            case DecodeStep.Record:
                DecodeRecord(ref column, row, value);
                break;
            default:
                throw Malformed();
        }
    }

    /// <summary>array_send: number of dimensions, a flag, the element's type; length and lower bound of each dimension; elements.</summary>
    private static void DecodeArray(ref ColumnDecoder column, int row, ReadOnlySpan<byte> value)
    {
        if (value.Length < 12) throw Malformed();
        var dimensions = BinaryPrimitives.ReadInt32BigEndian(value);
        if (dimensions == 0)
        {
            column.Vector.AppendList(row, 0, out _);
            return;
        }

        if (dimensions != column.Dimensions) throw OtherDimensions(dimensions, column.Dimensions);
        if (value.Length < 12 + (dimensions * 8)) throw Malformed();
        var elements = value[(12 + (dimensions * 8))..];
        Span<int> lengths = stackalloc int[dimensions];
        long count = 1;
        for (var i = 0; i < dimensions; i++)
        {
            lengths[i] = BinaryPrimitives.ReadInt32BigEndian(value[(12 + (i * 8))..]);
            // An element has four bytes at least: no room is made for more than there can be.
            if (lengths[i] < 0 || (count *= lengths[i]) > elements.Length / 4) throw Malformed();
            var from = BinaryPrimitives.ReadInt32BigEndian(value[(16 + (i * 8))..]);
            if (from != 1) throw OtherBound(from);
        }

        DecodeElements(column.Vector, column.Children, row, lengths, ref elements);
        if (!elements.IsEmpty) throw Malformed();
    }

    private static void DecodeElements(VectorWriter list, ColumnDecoder[] element, int row, scoped ReadOnlySpan<int> lengths, ref ReadOnlySpan<byte> elements)
    {
        var child = list.AppendList(row, lengths[0], out var offset);
        if (lengths.Length > 1)
        {
            for (var i = 0; i < lengths[0]; i++) DecodeElements(child, element, offset + i, lengths[1..], ref elements);
            return;
        }

        ref var decoder = ref element[0];
        decoder.Vector = child;
        for (var i = 0; i < lengths[0]; i++) DecodeCounted(ref decoder, offset + i, ref elements);
    }

    /// <summary>record_send: number of fields; for each its type's oid, then length and value.</summary>
    private static void DecodeRecord(ref ColumnDecoder column, int row, ReadOnlySpan<byte> value)
    {
        if (value.Length < 4 || BinaryPrimitives.ReadInt32BigEndian(value) != column.Children.Length) throw Malformed();
        var rest = value[4..];
        for (var i = 0; i < column.Children.Length; i++)
        {
            ref var field = ref column.Children[i];
            field.Vector = column.Vector.Field(i);
            rest = rest[4..];
            DecodeCounted(ref field, row, ref rest);
        }

        if (!rest.IsEmpty) throw Malformed();
    }

    private static void DecodeCounted(ref ColumnDecoder decoder, int row, ref ReadOnlySpan<byte> rest)
    {
        var length = BinaryPrimitives.ReadInt32BigEndian(rest);
        rest = rest[4..];
        if (length == -1)
        {
            decoder.Vector.SetNull(row);
            return;
        }

        DecodeValue(ref decoder, row, rest[..length]);
        rest = rest[length..];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ReadOnlySpan<byte> Fixed(ReadOnlySpan<byte> value, int length) => value.Length == length ? value : throw Malformed();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long Timestamp(long micros, bool finiteOnly)
    {
        // One comparison for the infinities and for what would leave 64 bits behind 1970's epoch.
        if (micros < long.MaxValue - MicrosTo2000 && micros != long.MinValue) return micros + MicrosTo2000;
        return EndOfTimestamps(micros, finiteOnly);
    }

    private static long EndOfTimestamps(long micros, bool finiteOnly)
    {
        if (micros is not (long.MaxValue or long.MinValue)) throw new ValueRefused("found a timestamp after the year 294246, the last that the target type has", TextAdvice);
        if (finiteOnly) throw Infinite(micros > 0);
        return micros > 0 ? long.MaxValue : -long.MaxValue;
    }

    private static int Date(int days, bool finiteOnly)
    {
        if (days is not (int.MaxValue or int.MinValue)) return checked(days + DaysTo2000);
        if (finiteOnly) throw Infinite(days > 0);
        return days > 0 ? int.MaxValue : -int.MaxValue;
    }

    private static long TimeOfDay(long micros) => micros < MicrosPerDay
        ? micros
        : throw new ValueRefused("found the time 24:00:00, which the target can't hold", TextAdvice, "24:00:00");

    private static double Finite(double value) => double.IsFinite(value)
        ? value
        : throw Unholdable(double.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");

    private static ValueRefused Infinite(bool positive) => Unholdable(positive ? "infinity" : "-infinity");

    private static ValueRefused Unholdable(string found) => new($"found {found}, which the target can't hold", TextAdvice, found);

    private static ValueRefused OtherDimensions(int found, int expected) =>
        new($"found an array of {found} dimensions, expected {expected}", TextAdvice);

    private static ValueRefused OtherBound(int found) => new($"found an array that begins at {found}; a list begins at 1", TextAdvice);

    private static ValueRefused NotUtf8(ReadOnlySpan<byte> value) => new(
        $"found text that is not UTF-8: {Convert.ToHexString(value[..Math.Min(value.Length, 32)])}{(value.Length > 32 ? "…" : "")}",
        "Correct the value in the source, or read the column's bytes: types: {{{0}: blob}}.");

    private static ValueRefused Malformed() => new("the bytes are not what PostgreSQL sends for the column's type", ReportAdvice);
}
