using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Millrace.Connectors.Postgres.Types;

/// <summary>
/// The forms in which COPY BINARY sends and takes a value (PostgreSQL's <c>typsend</c> and <c>typreceive</c> functions). The numbers stand in run directories:
/// they never change.
/// </summary>
internal enum WireKind
{
    /// <summary>boolsend: one byte.</summary>
    Bool = 0,

    /// <summary>int2send.</summary>
    Int16 = 1,

    /// <summary>int4send and oidsend.</summary>
    Int32 = 2,

    /// <summary>int8send.</summary>
    Int64 = 3,

    /// <summary>float4send: IEEE 754.</summary>
    Float32 = 4,

    /// <summary>float8send: IEEE 754.</summary>
    Float64 = 5,

    /// <summary>date_send: days since 2000-01-01; the int's ends are the infinities.</summary>
    Date = 6,

    /// <summary>time_send: microseconds since midnight, 24:00:00 included.</summary>
    Time = 7,

    /// <summary>timestamp_send, timestamptz_send: microseconds since 2000-01-01; the long's ends are the infinities.</summary>
    Timestamp = 8,

    /// <summary>textsend and all that look like it: the bytes of the text in the client's encoding.</summary>
    Text = 9,

    /// <summary>jsonb_send: a version byte (1), then text.</summary>
    Jsonb = 10,

    /// <summary>byteasend: the bytes.</summary>
    Bytes = 11,

    /// <summary>uuid_send: 16 bytes.</summary>
    Uuid = 12,

    /// <summary>numeric_send: digits of base 10,000.</summary>
    Numeric = 13,

    /// <summary>array_send: dimensions, then elements.</summary>
    Array = 14,

    /// <summary>record_send: fields with their types.</summary>
    Record = 15,

    /// <summary>timetz_send: microseconds since midnight, then seconds west of UTC.</summary>
    TimeTz = 16,

    /// <summary>interval_send: microseconds, days, months.</summary>
    Interval = 17,

    /// <summary>varbit_send: the number of bits, then the bits from the highest of each byte on.</summary>
    Bits = 18,
}

/// <summary>
/// How the values of one column (or element, or field) come over the wire, and which of them the target can't hold. What they become
/// is the DuckDB type beside it. Immutable; part of a stream's reader settings.
/// </summary>
/// <param name="Kind">The form.</param>
internal sealed record WireShape(WireKind Kind)
{
    /// <summary>Infinite dates and timestamps, NaN and infinite floats fail the unit.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool FiniteOnly { get; init; }

    /// <summary>24:00:00 fails the unit.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool BeforeMidnight { get; init; }

    /// <summary>An array's declared dimensions; 0 for other kinds.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Dimensions { get; init; }

    /// <summary>An array's element (one), a record's fields in order.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ImmutableArray<WireShape>? Children { get; init; }
}
