using System.Buffers.Text;
using System.Text;
using Millrace.Connectors.Postgres.Protocol;
using Millrace.Connectors.Postgres.Reading;
using Millrace.DuckDb;

namespace Millrace.Connectors.Postgres.Writing;

/// <summary>
/// A nested value as JSON: structs, maps and unions are objects (a union's one key is the member's name), lists are arrays, numbers keep all
/// of their digits, what JSON has no form for is a text. NaN and infinities are refused.
/// </summary>
internal static class JsonEncoder
{
    private const int NameBytesMax = 256;
    private const string Advice = "Correct the value in the source, or leave it out with 'where'.";

    /// <summary>Encodes one value; NULL is <c>null</c>.</summary>
    internal static void Encode(VectorReader vector, int row, PgCopyBuffer buffer)
    {
        if (vector.IsNull(row) || vector.Type.Kind == DuckDbKind.Null)
        {
            buffer.Bytes("null"u8);
            return;
        }

        switch (vector.Type.Kind)
        {
            case DuckDbKind.Struct:
                Struct(vector, row, buffer);
                break;
            case DuckDbKind.Union:
                var tag = vector.Tag(row);
                buffer.Bytes("{"u8);
                Member(vector, tag, row, buffer);
                buffer.Bytes("}"u8);
                break;
            case DuckDbKind.Map:
                Map(vector, row, buffer);
                break;
            case DuckDbKind.List:
                var (offset, length) = vector.List(row);
                List(vector.ListElements(), offset, length, buffer);
                break;
            case DuckDbKind.Array:
                List(vector.ArrayElements(), row * vector.Type.ArraySize, vector.Type.ArraySize, buffer);
                break;
            default:
                Scalar(vector, row, asKey: false, buffer);
                break;
        }
    }

    private static void Struct(VectorReader vector, int row, PgCopyBuffer buffer)
    {
        buffer.Bytes("{"u8);
        for (var i = 0; i < vector.Type.Fields.Length; i++)
        {
            if (i > 0) buffer.Bytes(","u8);
            Member(vector, i, row, buffer);
        }

        buffer.Bytes("}"u8);
    }

    private static void Member(VectorReader vector, int index, int row, PgCopyBuffer buffer)
    {
        Name(vector.Type.Fields[index].Name, buffer);
        buffer.Bytes(":"u8);
        Encode(vector.Field(index), row, buffer);
    }

    private static void Map(VectorReader vector, int row, PgCopyBuffer buffer)
    {
        var (offset, length) = vector.List(row);
        var entries = vector.ListElements();
        var (keys, values) = (entries.Field(0), entries.Field(1));
        buffer.Bytes("{"u8);
        for (var i = offset; i < offset + length; i++)
        {
            if (i > offset) buffer.Bytes(","u8);
            Scalar(keys, i, asKey: true, buffer);
            buffer.Bytes(":"u8);
            Encode(values, i, buffer);
        }

        buffer.Bytes("}"u8);
    }

    private static void List(VectorReader elements, int offset, int length, PgCopyBuffer buffer)
    {
        buffer.Bytes("["u8);
        for (var i = offset; i < offset + length; i++)
        {
            if (i > offset) buffer.Bytes(","u8);
            Encode(elements, i, buffer);
        }

        buffer.Bytes("]"u8);
    }

    /// <summary>A value that is no nested one; a key of an object is always a text.</summary>
    private static void Scalar(VectorReader vector, int row, bool asKey, PgCopyBuffer buffer)
    {
        if (vector.Type.Kind == DuckDbKind.Varchar)
        {
            Text(vector.Bytes(row), buffer);
            return;
        }

        if (vector.Type.Kind == DuckDbKind.Enum)
        {
            Name(vector.Type.Labels[LabelOf(vector, row)], buffer);
            return;
        }

        Span<byte> text = stackalloc byte[ScalarText.BytesMax];
        text = text[..ScalarText.Format(vector, row, text)];
        var isPlain = !asKey && (ScalarText.IsNumber(vector.Type.Kind) || vector.Type.Kind == DuckDbKind.Boolean);
        if (isPlain && !char.IsAsciiDigit((char)text[^1]) && vector.Type.Kind != DuckDbKind.Boolean)
            throw new ValueRefused($"found {Encoding.UTF8.GetString(text)} inside of a value that becomes JSON, which has no such number", Advice);
        if (!isPlain) buffer.Bytes("\""u8);
        buffer.Bytes(text);
        if (!isPlain) buffer.Bytes("\""u8);
    }

    private static int LabelOf(VectorReader vector, int row) => vector.Type.ValueBytes switch
    {
        1 => vector.Get<byte>(row),
        2 => vector.Get<ushort>(row),
        _ => vector.Get<int>(row),
    };

    /// <summary>A text of the type itself: nothing is allocated unless it is very long.</summary>
    private static void Name(string name, PgCopyBuffer buffer)
    {
        Span<byte> bytes = stackalloc byte[NameBytesMax];
        Text(Encoding.UTF8.TryGetBytes(name, bytes, out var length) ? bytes[..length] : Encoding.UTF8.GetBytes(name), buffer);
    }

    private static void Text(ReadOnlySpan<byte> text, PgCopyBuffer buffer)
    {
        buffer.Bytes("\""u8);
        Span<byte> escape = [(byte)'\\', (byte)'u', (byte)'0', (byte)'0', 0, 0];
        while (true)
        {
            var plain = LengthOfPlain(text);
            buffer.Bytes(text[..plain]);
            if (plain == text.Length) break;
            var special = text[plain];
            if (special == 0) throw new ValueRefused("found a text with a zero byte, which PostgreSQL's texts can't hold", Advice);
            if (special >= ' ')
            {
                escape[1] = special;
                buffer.Bytes(escape[..2]);
                escape[1] = (byte)'u';
            }
            else
            {
                Utf8Formatter.TryFormat(special, escape[4..], out _, new System.Buffers.StandardFormat('x', 2));
                buffer.Bytes(escape);
            }

            text = text[(plain + 1)..];
        }

        buffer.Bytes("\""u8);
    }

    private static int LengthOfPlain(ReadOnlySpan<byte> text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] is < (byte)' ' or (byte)'"' or (byte)'\\') return i;
        }

        return text.Length;
    }
}
