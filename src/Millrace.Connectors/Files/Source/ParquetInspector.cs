using Millrace.DuckDb;
using Millrace.Faults;

namespace Millrace.Connectors.Files.Source;

/// <summary>Reads what Parquet files say of themselves.</summary>
internal sealed class ParquetInspector(Probe probe)
{
    /// <summary>Looks into some files of a stream: the union of their columns by name.</summary>
    /// <exception cref="Fault">A file is damaged, or two files have a column in types that have no common one.</exception>
    public async Task<Inspected> InspectAsync(IReadOnlyList<SourceFile> files, CancellationToken cancel)
    {
        var columns = new List<InspectedColumn>();
        var places = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        foreach (var file in files)
        {
            foreach (var column in await ColumnsAsync(probe, file.Path, cancel).ConfigureAwait(false))
            {
                if (places.TryAdd(column.Name, columns.Count))
                {
                    columns.Add(new InspectedColumn(column.Name, column.Type.ToSql(), column.Type));
                    continue;
                }

                var known = columns[places[column.Name]];
                columns[places[column.Name]] = known with { Type = Wider(known.Type, column.Type) ?? throw Conflict(file, known, column) };
            }
        }

        return new Inspected { Columns = [.. columns] };
    }

    /// <summary>A file's columns.</summary>
    public static async Task<IReadOnlyList<TableColumn>> ColumnsAsync(Probe probe, string path, CancellationToken cancel)
    {
        try
        {
            return await probe.DescribeAsync($"FROM read_parquet([{Sql.Path(path)}], hive_partitioning = false)", cancel).ConfigureAwait(false);
        }
        catch (DuckDbException error) when (error.Type != DuckDbErrorType.Interrupt)
        {
            throw Damaged(path, error);
        }
    }

    /// <summary>The rows of a file, as its footer says.</summary>
    public static async Task<long> RowsAsync(Probe probe, string path, CancellationToken cancel)
    {
        try
        {
            using var result = await probe.QueryAsync($"SELECT num_rows FROM parquet_file_metadata({Sql.Path(path)})", cancel).ConfigureAwait(false);
            return result.Read() ? result.GetInt64(0) : -1;
        }
        catch (DuckDbException error) when (error.Type != DuckDbErrorType.Interrupt)
        {
            throw Damaged(path, error);
        }
    }

    /// <summary>The row groups of a file in order: rows, and bytes before packing as far as the footer says.</summary>
    public static async Task<List<(long Rows, long Bytes)>> RowGroupsAsync(Probe probe, string path, CancellationToken cancel)
    {
        var groups = new List<(long, long)>();
        try
        {
            using var result = await probe.QueryAsync(
                "SELECT any_value(row_group_num_rows)::BIGINT, sum(total_compressed_size)::BIGINT"
                + $" FROM parquet_metadata({Sql.Path(path)}) GROUP BY row_group_id ORDER BY row_group_id",
                cancel).ConfigureAwait(false);
            while (result.Read()) groups.Add((result.GetInt64(0), result.GetInt64(1)));
            return groups;
        }
        catch (DuckDbException error) when (error.Type != DuckDbErrorType.Interrupt)
        {
            throw Damaged(path, error);
        }
    }

    /// <summary>The type that holds every value of both, unchanged; null when there is none.</summary>
    public static DuckDbType? Wider(DuckDbType a, DuckDbType b)
    {
        if (a == b) return a;
        if (a.Kind == DuckDbKind.Null) return b;
        if (b.Kind == DuckDbKind.Null) return a;
        if (Holds(a, b)) return a;
        return Holds(b, a) ? b : null;
    }

    /// <summary>Whether every value of the narrow type is one of the wide type too.</summary>
    public static bool Holds(DuckDbType wide, DuckDbType narrow)
    {
        if (wide == narrow || narrow.Kind == DuckDbKind.Null) return true;
        if (wide.Kind == DuckDbKind.Varchar && narrow.Kind == DuckDbKind.Enum) return true;
        if (wide.Kind == DuckDbKind.Double && narrow.Kind == DuckDbKind.Float) return true;
        if (wide.Kind == DuckDbKind.Decimal && narrow.Kind == DuckDbKind.Decimal)
            return wide.Scale >= narrow.Scale && wide.Width - wide.Scale >= narrow.Width - narrow.Scale;
        var (wideSigned, wideBits) = Integer(wide.Kind);
        var (narrowSigned, narrowBits) = Integer(narrow.Kind);
        if (wideBits == 0 || narrowBits == 0) return false;
        return wideSigned == narrowSigned ? wideBits >= narrowBits : wideSigned && wideBits > narrowBits;
    }

    /// <summary>What DuckDB says of a damaged file, as a fault of that file.</summary>
    public static Fault Damaged(string path, DuckDbException error)
    {
        var text = error.Message.Split('\n')[0];
        return SourceFaults.Data(path, $"is no Parquet file that can be read: {text}", "The file is damaged or not complete: get it again from where it came from.", error);
    }

    private static (bool Signed, int Bits) Integer(DuckDbKind kind) => kind switch
    {
        DuckDbKind.TinyInt => (true, 8),
        DuckDbKind.SmallInt => (true, 16),
        DuckDbKind.Integer => (true, 32),
        DuckDbKind.BigInt => (true, 64),
        DuckDbKind.UTinyInt => (false, 8),
        DuckDbKind.USmallInt => (false, 16),
        DuckDbKind.UInteger => (false, 32),
        DuckDbKind.UBigInt => (false, 64),
        _ => (false, 0),
    };

    private static Fault Conflict(SourceFile file, InspectedColumn known, TableColumn column) => SourceFaults.Data(
        file.Path,
        $"the column \"{column.Name}\" is {column.Type.ToSql()} here and {known.Type.ToSql()} in files before it, and no type holds both",
        $"Say a type for it, such as `types: {{{column.Name}: text}}`, or move the files apart into two streams.");
}
