namespace Millrace.DuckDb;

/// <summary>
/// <c>millrace_has_infinity(value)</c>: whether a value, or anything in it, is an infinite date or timestamp. DuckDB has a function for plain values only;
/// looking through a list's text for the word took a fifth of all processor time of a load of lists.
/// </summary>
public static class InfiniteDays
{
    /// <summary>The function's name in SQL. It gives a BOOLEAN, never NULL.</summary>
    public const string Name = "millrace_has_infinity";

    /// <summary>Makes the function known to a connection's database; once for each database.</summary>
    /// <exception cref="DuckDbException">DuckDB refuses it.</exception>
    public static void Attach(DuckDbConnection connection) =>
        connection.RegisterStableFunction(Name, DuckDbType.Boolean, static types => new Looking(types[0]));

    /// <summary>Whether values of a type can hold a date or timestamp.</summary>
    public static bool IsPossible(DuckDbType type) => type.Holds(static kind => BytesOf(kind) > 0);

    private static int BytesOf(DuckDbKind kind) => kind switch
    {
        DuckDbKind.Date => sizeof(int),
        DuckDbKind.Timestamp or DuckDbKind.TimestampTz or DuckDbKind.TimestampS or DuckDbKind.TimestampMs or DuckDbKind.TimestampNs => sizeof(long),
        _ => 0,
    };

    private sealed class Looking(DuckDbType type) : IRowFunction
    {
        public unsafe void Run(nint chunk, int rows, nint output)
        {
            var column = new ChunkReader(chunk, [type]).Column(0);
            var found = new Span<byte>((void*)output, rows);
            found.Clear();

            // There is hardly ever one: the rows are told apart only then.
            if (!HasAny(column, 0, rows)) return;
            for (var row = 0; row < rows; row++) found[row] = HasAny(column, row, 1) ? (byte)1 : (byte)0;
        }
    }

    private static bool HasAny(in VectorReader column, int first, int count)
    {
        var type = column.Type;
        switch (type.Kind)
        {
            case DuckDbKind.List or DuckDbKind.Map:
                var elements = column.ListElements();
                if (!IsPossible(elements.Type)) return false;
                for (var row = first; row < first + count; row++)
                {
                    if (column.IsNull(row)) continue;
                    var (offset, length) = column.List(row);
                    if (length > 0 && HasAny(elements, offset, length)) return true;
                }

                return false;
            case DuckDbKind.Array:
                return HasAnyOfFields(column, first, count, isArray: true);
            case DuckDbKind.Struct or DuckDbKind.Union:
                return HasAnyOfFields(column, first, count, isArray: false);
            default:
                return BytesOf(type.Kind) switch
                {
                    sizeof(int) => HasInfinity<int>(column, first, count, int.MaxValue),
                    sizeof(long) => HasInfinity<long>(column, first, count, long.MaxValue),
                    _ => false,
                };
        }
    }

    // What lies beneath a NULL means nothing: rows are looked into one by one where there are any.
    private static bool HasAnyOfFields(in VectorReader column, int first, int count, bool isArray)
    {
        for (var row = first; row < first + count;)
        {
            var run = 1;
            if (column.AllValid) run = first + count - row;
            else if (column.IsNull(row))
            {
                row++;
                continue;
            }

            if (isArray)
            {
                if (HasAny(column.ArrayElements(), row * column.Type.ArraySize, run * column.Type.ArraySize)) return true;
            }
            else
            {
                for (var field = 0; field < column.Type.Fields.Length; field++)
                {
                    if (IsPossible(column.Type.Fields[field].Type) && HasAny(column.Field(field), row, run)) return true;
                }
            }

            row += run;
        }

        return false;
    }

    /// <summary>DuckDB's infinities: the greatest number, and its opposite.</summary>
    private static bool HasInfinity<T>(in VectorReader column, int first, int count, T infinity)
        where T : unmanaged, System.Numerics.INumber<T>
    {
        var values = column.Values<T>().Slice(first, count);
        if (column.AllValid) return values.ContainsAny(infinity, -infinity);
        for (var i = 0; i < count; i++)
        {
            if (!column.IsNull(first + i) && (values[i] == infinity || values[i] == -infinity)) return true;
        }

        return false;
    }
}
