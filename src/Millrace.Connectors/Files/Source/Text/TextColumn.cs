using Millrace.DuckDb;

namespace Millrace.Connectors.Files.Source.Text;

/// <summary>How a column's texts become values without SQL; <see cref="Text"/> leaves them texts.</summary>
internal enum QuickKind : byte
{
    Text,
    Boolean,
    SmallInt,
    Integer,
    BigInt,
    Double,
    Decimal,
    Date,
    Timestamp,
}

/// <summary>
/// One column of a text table: the vector of its values and, unless it is text itself, the vector of the texts that are spelled in
/// another way than the usual, NULL everywhere else. A struct in an array, as the row loop wants it.
/// </summary>
internal struct TextColumn
{
    /// <summary>How values are read.</summary>
    public QuickKind Kind;

    /// <summary>Decimal: places behind the point.</summary>
    public byte Scale;

    /// <summary>Decimal: the largest magnitude, times ten to the scale.</summary>
    public long Limit;

    /// <summary>Whether an empty text is NULL, unless the column is text.</summary>
    public bool EmptyIsNull;

    /// <summary>Whether anybody asked for the column in this scan.</summary>
    public bool IsWanted;

    private VectorWriter _values;
    private VectorWriter _texts;

    /// <summary>The column for a type.</summary>
    /// <param name="type">The column's type.</param>
    /// <param name="isUsual">Whether numbers and times are spelled as in ISO 8601 and SQL; if not, all but text is left to SQL.</param>
    /// <param name="emptyIsNull">Whether an empty text is NULL, unless the column is text.</param>
    public static TextColumn For(DuckDbType type, bool isUsual, bool emptyIsNull)
    {
        var kind = !isUsual || type.IsJson ? QuickKind.Text : type.Kind switch
        {
            DuckDbKind.Boolean => QuickKind.Boolean,
            DuckDbKind.SmallInt => QuickKind.SmallInt,
            DuckDbKind.Integer => QuickKind.Integer,
            DuckDbKind.BigInt => QuickKind.BigInt,
            DuckDbKind.Double => QuickKind.Double,
            DuckDbKind.Decimal when type.ValueBytes == sizeof(long) => QuickKind.Decimal,
            DuckDbKind.Date => QuickKind.Date,
            DuckDbKind.Timestamp => QuickKind.Timestamp,
            _ => QuickKind.Text,
        };
        var column = new TextColumn { Kind = kind, EmptyIsNull = emptyIsNull };
        if (kind != QuickKind.Decimal) return column;
        column.Scale = (byte)type.Scale;
        column.Limit = 1;
        for (var i = 0; i < type.Width; i++) column.Limit *= 10;
        column.Limit--;
        return column;
    }

    /// <summary>Takes the vectors of a new chunk.</summary>
    public void Begin(VectorWriter values, VectorWriter texts)
    {
        _values = values;
        _texts = texts;
        if (Kind != QuickKind.Text) _texts.SetAllNull();
    }

    /// <summary>Makes a row NULL.</summary>
    public void SetNull(int row) => _values.SetNull(row);

    /// <summary>Makes a row NULL that may have been written already, its text too.</summary>
    public void SetNothing(int row)
    {
        _values.SetNull(row);
        if (Kind != QuickKind.Text) _texts.SetNull(row);
    }

    /// <summary>Writes a row's text or value.</summary>
    /// <exception cref="UnusualText">The text is not UTF-8.</exception>
    public void Set(int row, ReadOnlySpan<byte> text)
    {
        switch (Kind)
        {
            case QuickKind.Text:
                if (!_values.SetString(row, text)) throw NotUtf8();
                return;
            case QuickKind.BigInt when QuickText.TryLong(text, out var number):
                _values.Set(row, number);
                return;
            case QuickKind.Double when QuickText.TryDouble(text, out var number):
                _values.Set(row, number);
                return;
            case QuickKind.Timestamp when QuickText.TryTimestamp(text, out var micros):
                _values.Set(row, micros);
                return;
            case QuickKind.Date when QuickText.TryDate(text, out var days):
                _values.Set(row, days);
                return;
            case QuickKind.Boolean when QuickText.TryBoolean(text, out var truth):
                _values.Set(row, truth);
                return;
            case QuickKind.Integer when QuickText.TryLong(text, out var number) && number == (int)number:
                _values.Set(row, (int)number);
                return;
            case QuickKind.SmallInt when QuickText.TryLong(text, out var number) && number == (short)number:
                _values.Set(row, (short)number);
                return;
            case QuickKind.Decimal when QuickText.TryDecimal(text, Scale, Limit, out var number):
                _values.Set(row, number);
                return;
        }

        _values.SetNull(row);
        if (text.IsEmpty && EmptyIsNull) return;
        _texts.SetValid(row);
        if (!_texts.SetString(row, text)) throw NotUtf8();
    }

    internal static UnusualText NotUtf8() => new("bytes that are no UTF-8");
}
