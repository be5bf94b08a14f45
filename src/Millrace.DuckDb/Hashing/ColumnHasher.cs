using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Millrace.DuckDb;

/// <summary>
/// Hashes one column, or the elements or fields of one, a run of rows at a time. Immutable: any number of threads may use it at once.
/// <para>
/// The loops are compiled for this machine when they are first called. What is compiled ahead knows no vectors of four words, and they are
/// called once for 2,048 rows: a short run would end before they are compiled again.
/// </para>
/// </summary>
internal sealed unsafe partial class ColumnHasher
{
    private readonly DuckDbKind _kind;
    private readonly int _bytes;
    private readonly int _arraySize;
    private readonly ulong _seed;
    private readonly ulong _null;
    private readonly ulong[] _labels;
    private readonly ColumnHasher[] _children;
    private readonly bool _asKeys;

    /// <summary>A hasher.</summary>
    /// <param name="type">The column's type.</param>
    /// <param name="position">The column's place in the row, a field's place in its struct, 0 for elements.</param>
    /// <param name="asKeys">
    /// Whether values that DuckDB calls equal have equal hashes, as keys must: then -0.0 is 0.0, and intervals are alike that are equally long
    /// when a month has 30 days. The content hash tells them apart.
    /// </param>
    /// <exception cref="ArgumentException">Values of the type have no hash (VARIANT).</exception>
    public ColumnHasher(DuckDbType type, int position, bool asKeys = false)
    {
        _asKeys = asKeys;
        _kind = type.Kind;
        _bytes = type.ValueBytes;
        _arraySize = type.ArraySize;
        _seed = HashMixing.SeedOf(position, FamilyOf(type), type.Scale);
        _null = HashMixing.NullOf(position);
        _labels = [.. type.Labels.Select(LabelHash)];
        _children = type.Kind switch
        {
            DuckDbKind.Map => [new ColumnHasher(VectorWriter.EntryOf(type), 0, asKeys)],
            _ => [.. type.Fields.Select((field, i) => new ColumnHasher(field.Type, i, asKeys))],
        };
    }

    /// <summary>Adds the hash of each of <paramref name="count"/> rows from <paramref name="first"/> on to <paramref name="sums"/>.</summary>
    public void Add(in VectorReader column, int first, int count, ulong* sums)
    {
        switch (_kind)
        {
            case DuckDbKind.Boolean or DuckDbKind.UTinyInt:
                AddWords<UnsignedForm<byte>>(column, first, count, sums);
                break;
            case DuckDbKind.TinyInt:
                AddWords<SignedForm<sbyte>>(column, first, count, sums);
                break;
            case DuckDbKind.USmallInt:
                AddWords<UnsignedForm<ushort>>(column, first, count, sums);
                break;
            case DuckDbKind.UInteger:
                AddWords<UnsignedForm<uint>>(column, first, count, sums);
                break;
            case DuckDbKind.Float when _asKeys:
                AddWords<FloatKeyForm>(column, first, count, sums);
                break;
            case DuckDbKind.Double when _asKeys:
                AddWords<DoubleKeyForm>(column, first, count, sums);
                break;
            case DuckDbKind.Interval when _asKeys:
                AddWords<IntervalKeyForm>(column, first, count, sums);
                break;
            case DuckDbKind.Float:
                AddWords<FloatForm>(column, first, count, sums);
                break;
            case DuckDbKind.Double:
                AddWords<DoubleForm>(column, first, count, sums);
                break;
            case DuckDbKind.TimestampS:
                AddWords<SecondsForm>(column, first, count, sums);
                break;
            case DuckDbKind.TimestampMs:
                AddWords<MillisecondsForm>(column, first, count, sums);
                break;
            case DuckDbKind.Varchar or DuckDbKind.Blob or DuckDbKind.Bit or DuckDbKind.BigNum or DuckDbKind.Geometry:
                AddTexts(column, first, count, sums);
                break;
            case DuckDbKind.Enum:
                AddLabels(column, first, count, sums);
                break;
            case DuckDbKind.List or DuckDbKind.Map or DuckDbKind.Array or DuckDbKind.Struct or DuckDbKind.Union:
                AddNested(column, first, count, sums);
                break;
            default:
                AddBySize(column, first, count, sums);
                break;
        }
    }

    /// <summary>The kinds that differ in their size alone.</summary>
    private void AddBySize(in VectorReader column, int first, int count, ulong* sums)
    {
        if (_kind == DuckDbKind.UBigInt || _bytes == sizeof(ulong) * 2) AddWide(column, first, count, sums);
        else if (_bytes == sizeof(ulong)) AddWords<SignedForm<long>>(column, first, count, sums);
        else if (_bytes == sizeof(int)) AddWords<SignedForm<int>>(column, first, count, sums);
        else if (_bytes == sizeof(short)) AddWords<SignedForm<short>>(column, first, count, sums);
        else AddNulls(count, sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddWords<TForm>(in VectorReader column, int first, int count, ulong* sums)
        where TForm : IWordForm
    {
        var data = column.Data;
        var i = 0;
        for (; i + 4 <= count; i += 4)
        {
            var hashes = HashMixing.Mix(TForm.Words(data, first + i) ^ Vector256.Create(_seed));
            if (!column.AllValid) hashes = Vector256.ConditionalSelect(Valid(column, first + i), hashes, Vector256.Create(_null));
            (Vector256.Load(sums + i) + hashes).Store(sums + i);
        }

        for (; i < count; i++) sums[i] += column.IsNull(first + i) ? _null : HashMixing.Word(_seed, TForm.Word(data, first + i));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddTexts(in VectorReader column, int first, int count, ulong* sums)
    {
        var texts = (ulong*)column.Data + (2L * first);
        var i = 0;
        for (; i + 4 <= count; i += 4, texts += 8)
        {
            var valid = column.AllValid ? Vector256<ulong>.AllBitsSet : Valid(column, first + i);
            if (AreShort(texts, valid))
            {
                var hashes = Vector256.ConditionalSelect(valid, HashMixing.Words(Vector256.Create(_seed), texts), Vector256.Create(_null));
                (Vector256.Load(sums + i) + hashes).Store(sums + i);
                continue;
            }

            for (var one = 0; one < 4; one++) sums[i + one] += valid[one] == 0 ? _null : HashMixing.Text(_seed, texts + (2 * one));
        }

        for (; i < count; i++, texts += 2) sums[i] += column.IsNull(first + i) ? _null : HashMixing.Text(_seed, texts);
    }

    /// <summary>All bits for each of four rows that is not NULL, none for the others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> Valid(in VectorReader column, int row)
    {
        var bits = Vector256.Create(1UL, 2, 4, 8);
        return Vector256.Equals(Vector256.Create(column.ValidityOf(row)) & bits, bits);
    }

    // What lies in the place of a NULL means nothing: it is hashed like the others and left out, but no address in it is followed.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool AreShort(ulong* texts, Vector256<ulong> valid)
    {
        var lengths = Vector256.Create((uint)texts[0], (uint)texts[2], (uint)texts[4], (ulong)(uint)texts[6]) & valid;
        return !Vector256.GreaterThanAny(lengths.AsInt64(), Vector256.Create(12L));
    }

    private void AddLabels(in VectorReader column, int first, int count, ulong* sums)
    {
        for (var i = 0; i < count; i++)
        {
            var row = first + i;
            if (column.IsNull(row))
            {
                sums[i] += _null;
                continue;
            }

            sums[i] += _labels[_bytes switch { 1 => column.Data[row], 2 => ((ushort*)column.Data)[row], _ => ((int*)column.Data)[row] }];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddWide(in VectorReader column, int first, int count, ulong* sums)
    {
        if (_kind == DuckDbKind.Uuid && column.AllValid)
        {
            for (; count >= 4; first += 4, count -= 4, sums += 4)
                (Vector256.Load(sums) + HashMixing.Words(Vector256.Create(_seed), (ulong*)column.Data + (2L * first))).Store(sums);
        }

        for (var i = 0; i < count; i++) sums[i] += column.IsNull(first + i) ? _null : Wide(column.Data, first + i);
    }

    private ulong Wide(byte* data, int row)
    {
        var words = (ulong*)data + (_bytes == sizeof(ulong) ? row : 2L * row);
        switch (_kind)
        {
            case DuckDbKind.UBigInt:
                return (long)words[0] >= 0 ? HashMixing.Word(_seed, words[0]) : HashMixing.Words(_seed, words[0], 0);
            case DuckDbKind.HugeInt or DuckDbKind.Decimal when (long)words[1] == (long)words[0] >> 63:
                return HashMixing.Word(_seed, words[0]);
            default:
                return HashMixing.Words(_seed, words[0], words[1]);
        }
    }

    private void AddNulls(int count, ulong* sums)
    {
        for (var i = 0; i < count; i++) sums[i] += _null;
    }

    private ulong LabelHash(string label)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(label);
        fixed (byte* start = bytes)
        {
            if (bytes.Length > 12) return HashMixing.LongText(_seed, start, (uint)bytes.Length);
            var text = stackalloc ulong[2];
            text[0] = (uint)bytes.Length;
            text[1] = 0;
            bytes.CopyTo(new Span<byte>((byte*)text + 4, 12));
            return HashMixing.Text(_seed, text);
        }
    }

    private static HashFamily FamilyOf(DuckDbType type) => type.Kind switch
    {
        DuckDbKind.Boolean => HashFamily.Boolean,
        DuckDbKind.TinyInt or DuckDbKind.SmallInt or DuckDbKind.Integer or DuckDbKind.BigInt or DuckDbKind.HugeInt => HashFamily.Integer,
        DuckDbKind.UTinyInt or DuckDbKind.USmallInt or DuckDbKind.UInteger or DuckDbKind.UBigInt => HashFamily.Integer,
        DuckDbKind.Decimal => HashFamily.Decimal,
        DuckDbKind.Float or DuckDbKind.Double => HashFamily.Float,
        DuckDbKind.Varchar or DuckDbKind.Enum => HashFamily.Text,
        DuckDbKind.Blob => HashFamily.Blob,
        DuckDbKind.Date => HashFamily.Date,
        DuckDbKind.Time => HashFamily.Time,
        DuckDbKind.TimeNs => HashFamily.TimeNs,
        DuckDbKind.TimeTz => HashFamily.TimeTz,
        DuckDbKind.Timestamp or DuckDbKind.TimestampS or DuckDbKind.TimestampMs => HashFamily.Timestamp,
        DuckDbKind.TimestampTz => HashFamily.TimestampTz,
        DuckDbKind.TimestampNs => HashFamily.TimestampNs,
        DuckDbKind.Interval => HashFamily.Interval,
        DuckDbKind.Uuid => HashFamily.Uuid,
        DuckDbKind.UHugeInt => HashFamily.UnsignedHuge,
        DuckDbKind.Bit => HashFamily.Bit,
        DuckDbKind.BigNum => HashFamily.BigNum,
        DuckDbKind.Geometry => HashFamily.Geometry,
        DuckDbKind.List or DuckDbKind.Array => HashFamily.List,
        DuckDbKind.Struct => HashFamily.Struct,
        DuckDbKind.Map => HashFamily.Map,
        DuckDbKind.Union => HashFamily.Union,
        DuckDbKind.Null => HashFamily.Null,
        _ => throw new ArgumentException($"Values of the type {type.ToSql()} have no hash.", nameof(type)),
    };
}
