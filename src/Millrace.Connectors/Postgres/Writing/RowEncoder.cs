using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Millrace.Connectors.Postgres.Protocol;
using Millrace.Connectors.Postgres.Reading;
using Millrace.DuckDb;

namespace Millrace.Connectors.Postgres.Writing;

/// <summary>
/// Encodes the vectors of chunks to the tuples of a COPY: the hot path. Nothing is allocated for a row or a value; everything that depends on
/// a column's type was decided when the encoder was made. Used by one thread at a time.
/// </summary>
internal sealed partial class RowEncoder
{
    private const string Advice = "Correct the value in the source, leave it out with 'where', or give the column another type.";

    private const long MicrosTo2000 = 946_684_800_000_000;
    private const int NanosPerMicro = 1000;

    private readonly ColumnEncoder[] _columns;
    private readonly PgCopyBuffer _buffer;

    /// <summary>An encoder for the columns of a statement.</summary>
    internal RowEncoder(ColumnEncoder[] columns, PgCopyWriter writer)
    {
        _columns = columns;
        _buffer = writer.OpenBuffer(2 + columns.Sum(static column => column.FixedBytes));
    }

    /// <summary>The row (its position in the chunk) and column that was refused.</summary>
    internal (int Row, int Column) Refused { get; private set; }

    /// <summary>Encodes a chunk. Its last rows may wait for the next one.</summary>
    /// <exception cref="ValueRefused">The column can't take a value: <see cref="Refused"/>. Nothing more may be encoded.</exception>
    internal void Encode(in ChunkReader chunk)
    {
        var columns = _columns;
        var buffer = _buffer;
        for (var i = 0; i < columns.Length; i++) Bind(ref columns[i], chunk.Column(i));
        var rows = chunk.Rows;
        var row = 0;
        var at = 0;
        try
        {
            for (; row < rows; row++)
            {
                buffer.BeginRow((short)columns.Length);
                for (at = 0; at < columns.Length; at++)
                {
                    ref var column = ref columns[at];
                    if (column.Vector.IsNull(row)) buffer.Null();
                    else EncodeValue(ref column, row, buffer);
                }

                buffer.EndRow();
            }
        }
        catch
        {
            Refused = (row, at);
            buffer.Abandon();
            throw;
        }
    }

    /// <summary>Sends the rows that wait.</summary>
    internal void Flush() => _buffer.Flush();

    // Inlined into the row loop, where the call costs as much as most of the steps.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void EncodeValue(ref ColumnEncoder column, int row, PgCopyBuffer buffer)
    {
        switch (column.Step)
        {
            case EncodeStep.Bool:
                buffer.Field(1)[0] = column.Vector.Get<byte>(row);
                break;
            case EncodeStep.Fixed32:
                BinaryPrimitives.WriteInt32BigEndian(buffer.Field(4), column.Vector.Get<int>(row));
                break;
            case EncodeStep.Fixed64:
                BinaryPrimitives.WriteInt64BigEndian(buffer.Field(8), column.Vector.Get<long>(row));
                break;
            case EncodeStep.Text:
                var text = column.Vector.Bytes(row);
                if (text.Contains((byte)0)) throw ZeroByte();
                buffer.Field(text);
                break;
            case EncodeStep.Timestamp:
                BinaryPrimitives.WriteInt64BigEndian(buffer.Field(8), Timestamp(column.Vector.Get<long>(row)));
                break;
            case EncodeStep.Uuid:
                column.Vector.Uuid(row, buffer.Field(16));
                break;
            case EncodeStep.QuickNumeric:
                NumericEncoder.Encode(column.Vector.Get<long>(row), ref column, buffer);
                break;
            default:
                EncodeRarer(ref column, row, buffer);
                break;
        }
    }

    private static void EncodeRarer(ref ColumnEncoder column, int row, PgCopyBuffer buffer)
    {
        switch (column.Step)
        {
            case EncodeStep.Fixed16:
                BinaryPrimitives.WriteInt16BigEndian(buffer.Field(2), column.Vector.Get<short>(row));
                break;
            case EncodeStep.Widened16:
                BinaryPrimitives.WriteInt16BigEndian(buffer.Field(2), (short)IntegerOf(ref column, row));
                break;
            case EncodeStep.Widened32:
                BinaryPrimitives.WriteInt32BigEndian(buffer.Field(4), (int)IntegerOf(ref column, row));
                break;
            case EncodeStep.Widened64:
                BinaryPrimitives.WriteInt64BigEndian(buffer.Field(8), IntegerOf(ref column, row));
                break;
            case EncodeStep.FloatAsDouble:
                BinaryPrimitives.WriteDoubleBigEndian(buffer.Field(8), column.Vector.Get<float>(row));
                break;
            case EncodeStep.Numeric:
                EncodeNumeric(ref column, row, buffer);
                break;
            case EncodeStep.LimitedText:
                buffer.Field(Limited(column.Vector.Bytes(row), column.Bound));
                break;
            case EncodeStep.Label:
                buffer.Field(column.Labels[LabelOf(ref column, row)]);
                break;
            case EncodeStep.Jsonb:
                EncodeJsonb(column.Vector.Bytes(row), buffer);
                break;
            case EncodeStep.Bytes:
                buffer.Field(column.Vector.Bytes(row));
                break;
            case EncodeStep.Bits:
                BitEncoder.Encode(column.Vector.Bytes(row), buffer);
                break;
            case EncodeStep.Array:
                EncodeArray(ref column, row, buffer);
                break;
            case EncodeStep.Record:
                EncodeRecord(ref column, row, buffer);
                break;
            case EncodeStep.Json or EncodeStep.NestedJsonb:
                EncodeJson(ref column, row, buffer);
                break;
            case EncodeStep.Nothing:
                buffer.Null();
                break;
            default:
                EncodeTime(ref column, row, buffer);
                break;
        }
    }

    private static void EncodeTime(ref ColumnEncoder column, int row, PgCopyBuffer buffer)
    {
        switch (column.Step)
        {
            case EncodeStep.Date:
                BinaryPrimitives.WriteInt32BigEndian(buffer.Field(4), PgTimes.Date(column.Vector.Get<int>(row)));
                break;
            case EncodeStep.Time:
                BinaryPrimitives.WriteInt64BigEndian(buffer.Field(8), PgTimes.Whole(column.Vector.Get<long>(row), column.Bound));
                break;
            case EncodeStep.TimeOfNanos:
                var micros = PgTimes.Whole(column.Vector.Get<long>(row), NanosPerMicro) / NanosPerMicro;
                BinaryPrimitives.WriteInt64BigEndian(buffer.Field(8), PgTimes.Whole(micros, column.Bound));
                break;
            case EncodeStep.TimeTz:
                var (time, offset) = column.Vector.TimeTz(row);
                var field = buffer.Field(12);
                BinaryPrimitives.WriteInt64BigEndian(field, PgTimes.Whole(time, column.Bound));
                BinaryPrimitives.WriteInt32BigEndian(field[8..], -offset);
                break;
            case EncodeStep.CoarseTimestamp:
                BinaryPrimitives.WriteInt64BigEndian(buffer.Field(8), PgTimes.Coarse(column.Vector.Get<long>(row), column.Bound));
                break;
            case EncodeStep.TimestampOfUnits:
                var unit = column.Kind == DuckDbKind.TimestampS ? 1_000_000 : 1_000;
                BinaryPrimitives.WriteInt64BigEndian(buffer.Field(8), PgTimes.Coarse(PgTimes.Micros(column.Vector.Get<long>(row), unit), column.Bound));
                break;
            case EncodeStep.TimestampOfNanos:
                BinaryPrimitives.WriteInt64BigEndian(buffer.Field(8), PgTimes.Coarse(PgTimes.MicrosOfNanos(column.Vector.Get<long>(row)), column.Bound));
                break;
            case EncodeStep.Interval:
                var interval = PgTimes.Finite(column.Vector.Get<DuckDbInterval>(row));
                var parts = buffer.Field(16);
                BinaryPrimitives.WriteInt64BigEndian(parts, interval.Micros);
                BinaryPrimitives.WriteInt32BigEndian(parts[8..], interval.Days);
                BinaryPrimitives.WriteInt32BigEndian(parts[12..], interval.Months);
                break;
            default:
                throw new InvalidOperationException($"the step {column.Step} is not known");
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long Timestamp(long micros)
    {
        // One comparison for what is in PostgreSQL's range; the infinities are outside of it.
        var moved = unchecked(micros - MicrosTo2000);
        return micros is >= PgTimes.TimestampMin and < PgTimes.TimestampEnd ? moved : PgTimes.EndOfTimestamps(micros);
    }

    private static void EncodeNumeric(ref ColumnEncoder column, int row, PgCopyBuffer buffer)
    {
        if (column.Kind == DuckDbKind.UHugeInt)
        {
            NumericEncoder.Encode(column.Vector.Get<UInt128>(row), isNegative: false, scale: 0, buffer);
            return;
        }

        var value = column.Kind switch
        {
            DuckDbKind.HugeInt => column.Vector.Get<Int128>(row),
            DuckDbKind.UBigInt => column.Vector.Get<ulong>(row),
            DuckDbKind.Decimal when column.Vector.Type.ValueBytes == 16 => column.Vector.Get<Int128>(row),
            _ => IntegerOf(ref column, row),
        };
        // The smallest number has no positive one of 127 bits.
        var magnitude = value < 0 ? (UInt128)(-(value + 1)) + 1 : (UInt128)value;
        NumericEncoder.Encode(magnitude, value < 0, column.Scale, buffer);
    }

    private static long IntegerOf(ref ColumnEncoder column, int row) => column.Kind switch
    {
        DuckDbKind.TinyInt => column.Vector.Get<sbyte>(row),
        DuckDbKind.UTinyInt => column.Vector.Get<byte>(row),
        DuckDbKind.SmallInt => column.Vector.Get<short>(row),
        DuckDbKind.USmallInt => column.Vector.Get<ushort>(row),
        DuckDbKind.Integer => column.Vector.Get<int>(row),
        DuckDbKind.UInteger => column.Vector.Get<uint>(row),
        DuckDbKind.BigInt => column.Vector.Get<long>(row),
        _ => column.Vector.Type.ValueBytes switch
        {
            2 => column.Vector.Get<short>(row),
            4 => column.Vector.Get<int>(row),
            _ => column.Vector.Get<long>(row),
        },
    };

    private static int LabelOf(ref ColumnEncoder column, int row) => column.Vector.Type.ValueBytes switch
    {
        1 => column.Vector.Get<byte>(row),
        2 => column.Vector.Get<ushort>(row),
        _ => column.Vector.Get<int>(row),
    };

    private static ReadOnlySpan<byte> Limited(ReadOnlySpan<byte> text, int charsMax)
    {
        if (text.Contains((byte)0)) throw ZeroByte();
        if (text.Length <= charsMax) return text;
        // A character's bytes behind its first are 10xxxxxx.
        var chars = 0;
        foreach (var one in text) chars += (one & 0xC0) == 0x80 ? 0 : 1;
        return chars <= charsMax ? text : throw new ValueRefused($"found a text of {chars} characters; the column takes {charsMax}", Advice);
    }

    /// <summary>jsonb_recv: a version, 1, then text.</summary>
    private static void EncodeJsonb(ReadOnlySpan<byte> json, PgCopyBuffer buffer)
    {
        if (json.Contains((byte)0)) throw ZeroByte();
        buffer.Length(json.Length + 1);
        buffer.Bytes([1]);
        buffer.Bytes(json);
    }

    private static ValueRefused ZeroByte() => new("found a text with a zero byte, which PostgreSQL's texts can't hold", Advice);
}
