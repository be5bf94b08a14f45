using System.Buffers.Binary;
using System.Text;
using Millrace.Connectors.Postgres.Reading;
using Millrace.Connectors.Postgres.Types;
using Millrace.DuckDb;

namespace Millrace.Connectors.Tests.Postgres.Source;

/// <summary>Tuples as their bytes, without a server: what PostgreSQL sends is decoded, and whatever else could come is refused.</summary>
public sealed class RowDecoderTests : IDisposable
{
    private static readonly WireShape s_int = new(WireKind.Int32);
    private static readonly WireShape s_text = new(WireKind.Text);
    private readonly DuckDbDatabase _database = DuckDbDatabase.Open(new Dictionary<string, string> { ["threads"] = "1" });
    private readonly DuckDbConnection _connection;
    private Tuples _tuples = new([], []);

    public RowDecoderTests()
    {
        _connection = _database.Connect();
        _connection.Execute("SET TimeZone = 'UTC'");
        _connection.RegisterTableFunction("tuples", _ => _tuples);
    }

    public static TheoryData<string, string, string, string> Values => new()
    {
        { nameof(WireKind.Bool), "BOOLEAN", "01", "true" },
        { nameof(WireKind.Int16), "SMALLINT", "FFFE", "-2" },
        { nameof(WireKind.Int32), "INTEGER", "80000001", "-2147483647" },
        { nameof(WireKind.Int32), "UINTEGER", "FFFFFFFE", "4294967294" },
        { nameof(WireKind.Int64), "BIGINT", "8000000000000001", "-9223372036854775807" },
        { nameof(WireKind.Float32), "FLOAT", "C0200000", "-2.5" },
        { nameof(WireKind.Float64), "DOUBLE", "C004000000000000", "-2.5" },
        { nameof(WireKind.Date), "DATE", "00000000", "2000-01-01" },
        { nameof(WireKind.Date), "DATE", "FFFFFFFF", "1999-12-31" },
        { nameof(WireKind.Date), "DATE", "7FFFFFFF", "infinity" },
        { nameof(WireKind.Date), "DATE", "80000000", "-infinity" },
        { nameof(WireKind.Time), "TIME", "0000000000000001", "00:00:00.000001" },
        { nameof(WireKind.Timestamp), "TIMESTAMP", "FFFFFFFFFFFFFFFF", "1999-12-31 23:59:59.999999" },
        { nameof(WireKind.Timestamp), "TIMESTAMP WITH TIME ZONE", "00000000000F4240", "2000-01-01 00:00:01+00" },
        { nameof(WireKind.Timestamp), "TIMESTAMP", "7FFFFFFFFFFFFFFF", "infinity" },
        { nameof(WireKind.Timestamp), "TIMESTAMP", "8000000000000000", "-infinity" },
        { nameof(WireKind.Uuid), "UUID", "80112233445566778899AABBCCDDEEFF", "80112233-4455-6677-8899-aabbccddeeff" },
        { nameof(WireKind.Text), "VARCHAR", "C3BC", "ü" },
        { nameof(WireKind.Text), "VARCHAR", "", "" },
        { nameof(WireKind.Jsonb), "JSON", "017B7D", "{}" },
        { nameof(WireKind.Bytes), "BLOB", "00FF", @"\x00\xFF" },
        { nameof(WireKind.Numeric), "DECIMAL(4,2)", "0001000040000000" + "0007", "-7.00" },
        { nameof(WireKind.Numeric), "DECIMAL(9,2)", "0002000040000002" + "00071194", "-7.45" },
        { nameof(WireKind.Numeric), "DECIMAL(18,2)", "0001000100000000" + "0007", "70000.00" },
        { nameof(WireKind.Numeric), "DECIMAL(38,2)", "0001FFFF40000002" + "03E8", "-0.10" },
    };

    [Theory]
    [MemberData(nameof(Values))]
    public void A_value_is_decoded_beside_nulls_and_with_a_byte_more_or_less_refused(string kind, string type, string bytes, string text)
    {
        var value = Convert.FromHexString(bytes);
        var shape = new WireShape(Enum.Parse<WireKind>(kind));
        (WireShape, string)[] columns = [(s_int, "INTEGER"), (shape, type), (shape, type), (s_int, "INTEGER")];
        byte[] one = [0, 0, 0, 1], two = [0, 0, 0, 2];
        Assert.Equal($"1|{text}|NULL|2", Read(columns, Tuple(one, value, null, two)));
        Assert.Equal($"NULL|NULL|{text}|2", Read(columns, Tuple(null, null, value, two)));
        if (kind is nameof(WireKind.Text) or nameof(WireKind.Bytes) or nameof(WireKind.Jsonb)) return;
        AssertMalformed(columns, Tuple(one, value[..^1], null, two), column: 1);
        AssertMalformed(columns, Tuple(one, null, [.. value, 0], two), column: 2);
        AssertMalformed(columns, Tuple(one, [], null, two), column: 1);
    }

    [Fact]
    public void A_tuple_that_is_cut_anywhere_is_refused_and_so_is_one_with_more_behind()
    {
        (WireShape, string)[] columns = [(s_int, "INTEGER"), (s_text, "VARCHAR"), (ListOf(s_int), "INTEGER[]"), (PairOf(s_int, s_text), "STRUCT(a INTEGER, b VARCHAR)")];
        var tuple = Tuple([0, 0, 0, 7], "seven"u8.ToArray(), Array([2], [[0, 0, 0, 1], null]), Record([0, 0, 0, 8], "eight"u8.ToArray()));
        Assert.Equal("7|seven|[1, NULL]|{'a': 8, 'b': eight}", Read(columns, tuple));
        for (var length = 2; length < tuple.Length; length++) AssertMalformed(columns, tuple[..length]);
        AssertMalformed(columns, [.. tuple, 0]);
        AssertMalformed(columns, [.. tuple, .. new byte[4]]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(-1)]
    public void Another_number_of_fields_is_refused(short fields)
    {
        var tuple = Tuple([0, 0, 0, 7], [0, 0, 0, 8]);
        BinaryPrimitives.WriteInt16BigEndian(tuple, fields);
        AssertMalformed([(s_int, "INTEGER"), (s_int, "INTEGER")], tuple);
    }

    [Theory]
    [InlineData(-2)]
    [InlineData(int.MinValue)]
    [InlineData(int.MaxValue)]
    public void A_length_that_cannot_be_is_refused_and_is_not_null(int length)
    {
        var tuple = Tuple("text"u8.ToArray());
        BinaryPrimitives.WriteInt32BigEndian(tuple.AsSpan(2), length);
        AssertMalformed([(s_text, "VARCHAR")], tuple);
        var list = Tuple(Array([1], ["text"u8.ToArray()]));
        BinaryPrimitives.WriteInt32BigEndian(list.AsSpan(2 + 4 + 20), length);
        AssertMalformed([(ListOf(s_text), "VARCHAR[]")], list);
    }

    [Fact]
    public void Lists_in_lists_and_records_in_lists_are_decoded_in_order()
    {
        byte[][] numbers = [[0, 0, 0, 1], [0, 0, 0, 2], [0, 0, 0, 3], [0, 0, 0, 4], [0, 0, 0, 5], [0, 0, 0, 6]];
        Assert.Equal("[[1, 2, 3], [4, 5, 6]]", Read([(ListOf(s_int, 2), "INTEGER[][]")], Tuple(Array([2, 3], numbers))));
        Assert.Equal("[[[1], [2]], [[3], [4]]]", Read([(ListOf(s_int, 3), "INTEGER[][][]")], Tuple(Array([2, 2, 1], numbers[..4]))));
        Assert.Equal("[]", Read([(ListOf(s_int, 2), "INTEGER[][]")], Tuple(Array([], []))));
        Assert.Equal(
            "[{'a': 1, 'b': x}, NULL, {'a': NULL, 'b': y}]",
            Read([(ListOf(PairOf(s_int, s_text)), "STRUCT(a INTEGER, b VARCHAR)[]")], Tuple(Array([3], [Record(numbers[0], "x"u8.ToArray()), null, Record(null, "y"u8.ToArray())]))));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(int.MaxValue)]
    [InlineData(int.MinValue)]
    public void A_list_with_a_length_that_its_bytes_do_not_have_is_refused(int length)
    {
        var tuple = Tuple(Array([2], [[0, 0, 0, 1], [0, 0, 0, 2]]));
        BinaryPrimitives.WriteInt32BigEndian(tuple.AsSpan(2 + 4 + 12), length);
        AssertMalformed([(ListOf(s_int), "INTEGER[]")], tuple);
        var inner = Tuple(Array([1, 2], [[0, 0, 0, 1], [0, 0, 0, 2]]));
        BinaryPrimitives.WriteInt32BigEndian(inner.AsSpan(2 + 4 + 20), length);
        AssertMalformed([(ListOf(s_int, 2), "INTEGER[][]")], inner);
    }

    [Fact]
    public void A_list_of_other_dimensions_or_another_first_place_is_refused()
    {
        byte[][] one = [[0, 0, 0, 1]];
        Assert.Contains("2 dimensions, expected 1", Refused([(ListOf(s_int), "INTEGER[]")], Tuple(Array([1, 1], one))).Message, StringComparison.Ordinal);
        Assert.Contains("1 dimensions, expected 2", Refused([(ListOf(s_int, 2), "INTEGER[][]")], Tuple(Array([1], one))).Message, StringComparison.Ordinal);
        var tuple = Tuple(Array([1], one));
        BinaryPrimitives.WriteInt32BigEndian(tuple.AsSpan(2 + 4 + 16), -3);
        Assert.Contains("begins at -3", Refused([(ListOf(s_int), "INTEGER[]")], tuple).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_record_with_another_number_of_fields_or_more_behind_is_refused()
    {
        (WireShape, string)[] columns = [(PairOf(s_int, s_text), "STRUCT(a INTEGER, b VARCHAR)")];
        AssertMalformed(columns, Tuple(Record([0, 0, 0, 1])));
        var counted = Record([0, 0, 0, 1], null);
        counted[3] = 3;
        AssertMalformed(columns, Tuple(counted));
        AssertMalformed(columns, Tuple(Record([0, 0, 0, 1], null, null)));
        AssertMalformed(columns, Tuple([.. Record([0, 0, 0, 1], null), 0]));
    }

    [Fact]
    public void A_jsonb_of_another_version_and_text_that_is_no_UTF_8_are_refused()
    {
        AssertMalformed([(new WireShape(WireKind.Jsonb), "JSON")], Tuple("\u0002{}"u8.ToArray()));
        AssertMalformed([(new WireShape(WireKind.Jsonb), "JSON")], Tuple((byte[])[]));
        Assert.Contains("not UTF-8: 01FF", Refused([(new WireShape(WireKind.Jsonb), "JSON")], Tuple([1, 0xFF])).Message, StringComparison.Ordinal);
        Assert.Contains("not UTF-8: 41C3", Refused([(s_text, "VARCHAR")], Tuple([0x41, 0xC3])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_day_that_no_server_has_is_refused() => AssertMalformed([(new WireShape(WireKind.Date), "DATE")], Tuple([0x7F, 0xFF, 0xFF, 0xFE]));

    public static TheoryData<string, string, string, string> Unholdable => new()
    {
        { nameof(WireKind.Date), "DATE", "7FFFFFFF", "found infinity" },
        { nameof(WireKind.Date), "DATE", "80000000", "found -infinity" },
        { nameof(WireKind.Timestamp), "TIMESTAMP", "7FFFFFFFFFFFFFFF", "found infinity" },
        { nameof(WireKind.Timestamp), "TIMESTAMP", "8000000000000000", "found -infinity" },
        // The first that DuckDB would take for its infinity: 2^63 - 1 microseconds behind 1970.
        { nameof(WireKind.Timestamp), "TIMESTAMP", "7FFCA2FEC4C81FFF", "after the year 294246" },
        { nameof(WireKind.Float32), "FLOAT", "7FC00000", "found NaN" },
        { nameof(WireKind.Float32), "FLOAT", "7F800000", "found Infinity" },
        { nameof(WireKind.Float64), "DOUBLE", "FFF0000000000000", "found -Infinity" },
        { nameof(WireKind.Time), "TIME", "000000141DD76000", "24:00:00" },
    };

    [Theory]
    [MemberData(nameof(Unholdable))]
    public void What_the_target_cannot_hold_is_refused(string kind, string type, string bytes, string found)
    {
        var shape = new WireShape(Enum.Parse<WireKind>(kind)) { FiniteOnly = true, BeforeMidnight = true };
        var refused = Refused([(shape, type)], Tuple(Convert.FromHexString(bytes)));
        Assert.Contains(found, refused.Message, StringComparison.Ordinal);
        Assert.Equal(RowDecoder.TextAdvice, refused.Advice);

        // What comes just before it passes.
        var before = Convert.FromHexString(bytes);
        before[^1]--;
        if (kind == nameof(WireKind.Time)) Assert.Equal("23:59:59.999999", Read([(shape, type)], Tuple([0, 0, 0, 0x14, 0x1D, 0xD7, 0x5F, 0xFF])));
        else if (found.StartsWith("after", StringComparison.Ordinal)) Assert.StartsWith("294247-01-10", Read([(shape, type)], Tuple(before)), StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _connection.Dispose();
        _database.Dispose();
    }

    private static WireShape ListOf(WireShape element, int dimensions = 1) => new(WireKind.Array) { Dimensions = dimensions, Children = [element] };

    private static WireShape PairOf(WireShape a, WireShape b) => new(WireKind.Record) { Children = [a, b] };

    private static byte[] Tuple(params byte[]?[] values) => [0, (byte)values.Length, .. values.SelectMany(Counted)];

    private static byte[] Array(int[] lengths, byte[]?[] elements) =>
        [.. Int(lengths.Length), .. Int(0), .. Int(23), .. lengths.SelectMany(static length => (byte[])[.. Int(length), .. Int(1)]), .. elements.SelectMany(Counted)];

    private static byte[] Record(params byte[]?[] fields) => [.. Int(fields.Length), .. fields.SelectMany(static field => (byte[])[.. Int(25), .. Counted(field)])];

    private static byte[] Counted(byte[]? value) => value is null ? Int(-1) : [.. Int(value.Length), .. value];

    private static byte[] Int(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }

    private string Read((WireShape Shape, string Type)[] columns, byte[] tuple)
    {
        _tuples = new Tuples(columns, tuple);
        using var result = _connection.Query($"SELECT {string.Join(", ", columns.Select(static (_, i) => $"c{i}::VARCHAR"))} FROM tuples(1)");
        Assert.True(result.Read());
        return string.Join('|', columns.Select((_, i) => result.GetText(i) ?? "NULL"));
    }

    private ValueRefused Refused((WireShape Shape, string Type)[] columns, byte[] tuple)
    {
        var error = Assert.Throws<DuckDbException>(() => Read(columns, tuple));
        return RowDecoder.RefusalOf(error.InnerException!) ?? throw new InvalidOperationException("another error", error);
    }

    private void AssertMalformed((WireShape Shape, string Type)[] columns, byte[] tuple, int? column = null)
    {
        var refused = Refused(columns, tuple);
        Assert.True(refused.Advice == RowDecoder.ReportAdvice, $"{Convert.ToHexString(tuple)}: {refused.Message}");
        Assert.Equal(column ?? _tuples.Column, _tuples.Column);
    }

    /// <summary>One tuple as a table.</summary>
    private sealed class Tuples((WireShape Shape, string Type)[] columns, byte[] tuple) : ITableSource, ITableScan, ITableReader
    {
        private readonly RowDecoder _decoder = new([.. columns.Select(static column => ColumnDecoder.For(column.Shape, DuckDbType.Parse(column.Type)))]);
        private bool _given;

        /// <summary>The column that was refused.</summary>
        public int Column => _decoder.Column;

        public IReadOnlyList<TableColumn> Columns { get; } = [.. columns.Select(static (column, i) => new TableColumn($"c{i}", DuckDbType.Parse(column.Type)))];

        public long? EstimatedRows => 1;

        public int MaxThreads => 1;

        public ITableScan OpenScan(ReadOnlySpan<int> projected)
        {
            Assert.Equal(Enumerable.Range(0, columns.Length), projected.ToArray());
            return this;
        }

        public ITableReader OpenReader() => this;

        public int Fill(in ChunkWriter chunk)
        {
            if (_given) return 0;
            _given = true;
            _decoder.Begin(chunk, [.. Enumerable.Range(0, columns.Length)]);
            _decoder.Decode(tuple, 0);
            return 1;
        }

        public void Dispose()
        {
            // It holds nothing.
        }
    }
}
