namespace Millrace.DuckDb;

/// <summary>
/// The kinds of DuckDB's logical types, with the numbers of <c>duckdb_type</c> in its C API. Each line says what one value is
/// in a vector's memory.
/// </summary>
public enum DuckDbKind
{
    /// <summary>One byte, 0 or 1.</summary>
    Boolean = 1,

    /// <summary><see cref="sbyte"/>.</summary>
    TinyInt = 2,

    /// <summary><see cref="short"/>.</summary>
    SmallInt = 3,

    /// <summary><see cref="int"/>.</summary>
    Integer = 4,

    /// <summary><see cref="long"/>.</summary>
    BigInt = 5,

    /// <summary><see cref="byte"/>.</summary>
    UTinyInt = 6,

    /// <summary><see cref="ushort"/>.</summary>
    USmallInt = 7,

    /// <summary><see cref="uint"/>.</summary>
    UInteger = 8,

    /// <summary><see cref="ulong"/>.</summary>
    UBigInt = 9,

    /// <summary><see cref="float"/>.</summary>
    Float = 10,

    /// <summary><see cref="double"/>.</summary>
    Double = 11,

    /// <summary><see cref="long"/> microseconds since 1970-01-01; +infinity is MaxValue, -infinity is -MaxValue.</summary>
    Timestamp = 12,

    /// <summary><see cref="int"/> days since 1970-01-01; +infinity is MaxValue, -infinity is -MaxValue.</summary>
    Date = 13,

    /// <summary><see cref="long"/> microseconds since midnight, up to and including 24:00.</summary>
    Time = 14,

    /// <summary><see cref="DuckDbInterval"/>.</summary>
    Interval = 15,

    /// <summary><see cref="Int128"/>.</summary>
    HugeInt = 16,

    /// <summary>UTF-8 text; written with SetString, read with Bytes.</summary>
    Varchar = 17,

    /// <summary>Bytes; written with SetBlob, read with Bytes.</summary>
    Blob = 18,

    /// <summary>The number times 10^scale as <see cref="short"/> (width to 4), <see cref="int"/> (9), <see cref="long"/> (18) or <see cref="Int128"/>.</summary>
    Decimal = 19,

    /// <summary><see cref="long"/> seconds since 1970-01-01.</summary>
    TimestampS = 20,

    /// <summary><see cref="long"/> milliseconds since 1970-01-01.</summary>
    TimestampMs = 21,

    /// <summary><see cref="long"/> nanoseconds since 1970-01-01.</summary>
    TimestampNs = 22,

    /// <summary>The label's index as <see cref="byte"/> (to 256 labels), <see cref="ushort"/> (65,536) or <see cref="uint"/>.</summary>
    Enum = 23,

    /// <summary>Elements in the child vector.</summary>
    List = 24,

    /// <summary>One child vector for each field.</summary>
    Struct = 25,

    /// <summary>A list of (key, value) structs.</summary>
    Map = 26,

    /// <summary><see cref="Int128"/>: the 16 bytes as a big-endian number with the top bit flipped; see SetUuid.</summary>
    Uuid = 27,

    /// <summary>A struct: the tag as <see cref="byte"/>, then the members.</summary>
    Union = 28,

    /// <summary>Bytes: the count of unused bits, then the bits, unused ones set.</summary>
    Bit = 29,

    /// <summary><see cref="ulong"/>: time and offset packed; see SetTimeTz.</summary>
    TimeTz = 30,

    /// <summary><see cref="long"/> microseconds since 1970-01-01 UTC; infinities as for <see cref="Timestamp"/>.</summary>
    TimestampTz = 31,

    /// <summary><see cref="UInt128"/>.</summary>
    UHugeInt = 32,

    /// <summary>A fixed number of elements in the child vector.</summary>
    Array = 33,

    /// <summary>Bytes: an integer of any size in DuckDB's own form.</summary>
    BigNum = 35,

    /// <summary>The type of a bare NULL; one byte that means nothing.</summary>
    Null = 36,

    /// <summary><see cref="long"/> nanoseconds since midnight.</summary>
    TimeNs = 39,

    /// <summary>Bytes: a geometry in DuckDB's own form.</summary>
    Geometry = 40,

    /// <summary>A value of any type in DuckDB's own form; neither read nor written here.</summary>
    Variant = 41,
}
