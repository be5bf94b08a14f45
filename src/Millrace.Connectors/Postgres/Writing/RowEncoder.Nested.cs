using Millrace.Connectors.Postgres.Protocol;
using Millrace.Connectors.Postgres.Reading;
using Millrace.Connectors.Postgres.Types;
using Millrace.DuckDb;

namespace Millrace.Connectors.Postgres.Writing;

/// <summary>Arrays and records.</summary>
internal sealed partial class RowEncoder
{
    private const int ArrayHeaderBytes = 12;
    private const int DimensionBytes = 8;

    /// <summary>Takes the vectors of a chunk, down to elements and fields.</summary>
    private static void Bind(ref ColumnEncoder column, VectorReader vector)
    {
        column.Vector = vector;
        switch (column.Step)
        {
            case EncodeStep.Array:
                for (var i = 0; i < column.Levels.Length; i++) column.Levels[i] = vector = ElementsOf(vector);
                Bind(ref column.Children[0], ElementsOf(vector));
                break;
            case EncodeStep.Record:
                for (var i = 0; i < column.Children.Length; i++) Bind(ref column.Children[i], vector.Field(column.Fields[i]));
                break;
            default:
                break;
        }
    }

    private static VectorReader ElementsOf(VectorReader list) => list.Type.Kind == DuckDbKind.List ? list.ListElements() : list.ArrayElements();

    private static (int Offset, int Length) ListOf(VectorReader list, int row) =>
        list.Type.Kind == DuckDbKind.List ? list.List(row) : (row * list.Type.ArraySize, list.Type.ArraySize);

    /// <summary>array_recv: number of dimensions, a flag, the element's type; length and lower bound of each dimension; elements.</summary>
    private static void EncodeArray(ref ColumnEncoder column, int row, PgCopyBuffer buffer)
    {
        Span<int> lengths = stackalloc int[column.Levels.Length + 1];
        var (offset, length) = ListOf(column.Vector, row);
        lengths[0] = length;
        var first = offset;
        for (var i = 1; i < lengths.Length && length > 0; i++)
        {
            var inner = column.Levels[i - 1];
            // The first list of each level says how long all others must be.
            if (inner.IsNull(first)) throw NullList();
            (first, lengths[i]) = ListOf(inner, first);
            if (lengths[i] == 0) throw EmptyInside();
        }

        var began = buffer.BeginNested();
        var dimensions = length == 0 ? 0 : lengths.Length;
        buffer.Reserve(ArrayHeaderBytes + (dimensions * DimensionBytes));
        buffer.Int32(dimensions);
        buffer.Int32(0);
        buffer.Int32((int)column.Children[0].Oid);
        for (var i = 0; i < dimensions; i++)
        {
            buffer.Int32(lengths[i]);
            buffer.Int32(1);
        }

        if (length > 0) EncodeElements(ref column, 0, offset, lengths, buffer);
        buffer.EndNested(began);
    }

    private static void EncodeElements(ref ColumnEncoder column, int level, int offset, ReadOnlySpan<int> lengths, PgCopyBuffer buffer)
    {
        if (level == column.Levels.Length)
        {
            ref var element = ref column.Children[0];
            for (var i = offset; i < offset + lengths[level]; i++) EncodeInner(ref element, i, buffer);
            return;
        }

        var lists = column.Levels[level];
        for (var i = offset; i < offset + lengths[level]; i++)
        {
            if (lists.IsNull(i)) throw NullList();
            var (inner, length) = ListOf(lists, i);
            if (length != lengths[level + 1]) throw Ragged(lengths[level + 1], length);
            EncodeElements(ref column, level + 1, inner, lengths, buffer);
        }
    }

    /// <summary>record_recv: number of fields; for each its type's oid, then length and value.</summary>
    private static void EncodeRecord(ref ColumnEncoder column, int row, PgCopyBuffer buffer)
    {
        var began = buffer.BeginNested();
        buffer.Reserve(4);
        buffer.Int32(column.Children.Length);
        for (var i = 0; i < column.Children.Length; i++)
        {
            ref var field = ref column.Children[i];
            buffer.Reserve(4);
            buffer.Int32((int)field.Oid);
            EncodeInner(ref field, row, buffer);
        }

        buffer.EndNested(began);
    }

    private static void EncodeInner(ref ColumnEncoder column, int row, PgCopyBuffer buffer)
    {
        buffer.Reserve(column.FixedBytes);
        if (column.Vector.IsNull(row)) buffer.Null();
        else EncodeValue(ref column, row, buffer);
    }

    private static void EncodeJson(ref ColumnEncoder column, int row, PgCopyBuffer buffer)
    {
        var began = buffer.BeginNested();
        if (column.Step == EncodeStep.NestedJsonb) buffer.Bytes([1]);
        JsonEncoder.Encode(column.Vector, row, buffer);
        buffer.EndNested(began);
    }

    private static ValueRefused NullList() => new("found a list with NULL instead of a list inside, which a PostgreSQL array can't hold", Advice);

    private static ValueRefused EmptyInside() => new("found a list of empty lists, which a PostgreSQL array can't hold", Advice);

    private static ValueRefused Ragged(int expected, int found) =>
        new($"found a list with lists of {expected} and of {found} elements inside; those of a PostgreSQL array are all of one length", Advice);
}
