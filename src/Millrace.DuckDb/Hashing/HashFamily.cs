namespace Millrace.DuckDb;

/// <summary>
/// Kinds whose equal values have equal hashes: a number is the same in a narrow and a wide column. The numbers are part of the formula.
/// </summary>
internal enum HashFamily : byte
{
    /// <summary>0 or 1.</summary>
    Boolean = 1,

    /// <summary>Integers up to HUGEINT: one word when the number fits into a signed one, otherwise two, the low one first.</summary>
    Integer = 2,

    /// <summary>The number times 10^scale, as an integer; the scale is in the seed.</summary>
    Decimal = 3,

    /// <summary>The bits of the number as a DOUBLE; every NaN is 0x7FF8000000000000; -0.0 is not 0.0.</summary>
    Float = 4,

    /// <summary>UTF-8 bytes as they are; an enum's label; JSON's text.</summary>
    Text = 5,

    /// <summary>Bytes.</summary>
    Blob = 6,

    /// <summary>Days since 1970-01-01.</summary>
    Date = 7,

    /// <summary>Microseconds since midnight.</summary>
    Time = 8,

    /// <summary>Nanoseconds since midnight.</summary>
    TimeNs = 9,

    /// <summary>Microseconds since midnight times 2^24, plus 57,599 minus the offset in seconds.</summary>
    TimeTz = 10,

    /// <summary>Microseconds since 1970-01-01; infinities are ±(2^63-1).</summary>
    Timestamp = 11,

    /// <summary>The same in UTC.</summary>
    TimestampTz = 12,

    /// <summary>Nanoseconds since 1970-01-01.</summary>
    TimestampNs = 13,

    /// <summary>Two words: months in the low half and days in the high half, then microseconds.</summary>
    Interval = 14,

    /// <summary>Two words of the number that its digits spell: the low one, then the high one with its top bit turned.</summary>
    Uuid = 15,

    /// <summary>Unsigned 128 bits: two words, the low one first.</summary>
    UnsignedHuge = 16,

    /// <summary>DuckDB's bytes.</summary>
    Bit = 17,

    /// <summary>DuckDB's bytes.</summary>
    BigNum = 18,

    /// <summary>DuckDB's bytes.</summary>
    Geometry = 19,

    /// <summary>Elements in order, then their number; lists and arrays.</summary>
    List = 20,

    /// <summary>Fields in order, without their names.</summary>
    Struct = 21,

    /// <summary>A list of (key, value) structs.</summary>
    Map = 22,

    /// <summary>The member's number, then its value.</summary>
    Union = 23,

    /// <summary>The type of a bare NULL.</summary>
    Null = 24,
}
