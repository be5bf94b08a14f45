using System.Buffers.Binary;
using Millrace.DuckDb;
using Millrace.Extract;

namespace Millrace.Connectors.Postgres.Reading;

/// <summary>Rows with values that the target can't hold, where such rows go to quarantine.</summary>
internal sealed partial class RowDecoder
{
    /// <summary>Takes back what a refused tuple has left behind in the chunk's lists: rows from this one on were not written.</summary>
    internal void Withdraw(int row)
    {
        for (var i = 0; i < _columns.Length; i++) _columns[i].Vector.Truncate(row);
    }

    /// <summary>
    /// Decodes a refused tuple column by column: what the target can't hold becomes NULL and goes into the note, the rest is decoded.
    /// Bytes that no server sends are thrown as ever.
    /// </summary>
    /// <param name="tuple">The tuple.</param>
    /// <param name="row">Its row in the chunk, the last one so far.</param>
    /// <param name="names">The columns' names in the source.</param>
    /// <param name="note">Takes the refusals.</param>
    internal void DecodeRejected(ReadOnlySpan<byte> tuple, int row, ReadOnlySpan<string> names, RejectNote note)
    {
        if (BinaryPrimitives.ReadInt16BigEndian(tuple) != _columns.Length) throw Malformed();
        var rest = tuple[2..];
        for (var i = 0; i < _columns.Length; i++)
        {
            ref var column = ref _columns[i];
            Column = i;
            var length = BinaryPrimitives.ReadInt32BigEndian(rest);
            rest = rest[4..];
            if (length == -1)
            {
                column.Vector.SetNull(row);
                continue;
            }

            var value = rest[..length];
            rest = rest[length..];
            try
            {
                DecodeValue(ref column, row, value);
            }
            catch (ValueRefused refused) when (!refused.IsProtocol)
            {
                column.Vector.Truncate(row);
                column.Vector.SetNull(row);
                note.Add(names[i], refused.Message, TextOf(ref column, value, refused));
            }
        }

        if (!rest.IsEmpty) throw Malformed();
    }

    /// <summary>The whole value as PostgreSQL prints it; what has no text, as the bytes that it sent.</summary>
    private static string TextOf(ref ColumnDecoder column, ReadOnlySpan<byte> value, ValueRefused refused)
    {
        var step = column.Step;
        var isNumeric = step is DecodeStep.Numeric16 or DecodeStep.Numeric32 or DecodeStep.Numeric64 or DecodeStep.Numeric128;
        if (isNumeric && !refused.IsWhole) return NumericText.Of(value, Limits.RejectValueCharsMax);
        var isNested = step is DecodeStep.Array or DecodeStep.Record;
        if (refused.IsWhole && !isNested) return refused.Found!;
        if (isNested && RejectedText.Of(ref column, column.Vector.Type, value) is { } text) return text;
        return "\\x" + Convert.ToHexStringLower(value[..Math.Min(value.Length, Limits.RejectValueCharsMax)]);
    }
}
