using System.Collections.Immutable;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Load;
using Millrace.Planning;

namespace Millrace.Transform;

/// <summary>
/// Plans the folders of <c>partition_by</c>: types the expressions that make them, and puts rows together by their values where each unit would leave
/// a file in every folder.
/// </summary>
/// <param name="check">Types SQL.</param>
/// <param name="sizing">How many buckets.</param>
internal sealed class LayoutPlanning(Lazy<SqlCheck> check, BucketSizing sizing)
{
    /// <summary>Refuses what only files have.</summary>
    /// <exception cref="Fault">The target is no file, and the stream says how its files are laid out.</exception>
    public static void AssertTakes(ITarget target, StreamJob stream)
    {
        var write = stream.Write;
        var key = !write.PartitionBy.IsEmpty ? "partition_by" : write.MaxRowsPerFile is not null ? "max_rows_per_file" : write.MaxFileBytes is not null ? "max_file_bytes" : !write.ClusterBy.IsEmpty ? "cluster_by" : null;
        if (key is null || target.WritesFiles) return;
        throw new Fault(FaultKind.JobFile, $"found {key}, but {target.Place} is no folder of files")
        {
            Side = FaultSide.Job, Where = stream.MarkOf($"write.{key}").ToString(), Advice = "Leave it out, or name a folder as the target.",
        };
    }

    /// <summary>The folders that expressions make.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="columns">The columns of its files.</param>
    /// <exception cref="Fault">An expression is wrong, or has a column's name.</exception>
    public ImmutableArray<FolderColumn> FoldersOf(StreamJob stream, ImmutableArray<Column> columns)
    {
        var folders = ImmutableArray.CreateBuilder<FolderColumn>();
        foreach (var expression in stream.Write.PartitionExpressions)
        {
            if (columns.Any(column => string.Equals(column.Name, expression.Name, StringComparison.OrdinalIgnoreCase)))
            {
                throw new Fault(FaultKind.JobFile, $"found the folder {Words.Quote(expression.Name)}, which is a column of the table, too")
                {
                    Side = FaultSide.Job,
                    Where = expression.Mark.ToString(),
                    Advice = $"Give the folder another name with a map: partition_by: {{name: {Words.Quote(expression.Sql)}}}; or name the column itself.",
                };
            }

            var type = check.Value.AssertRowWiseExpression(expression.Sql, [.. columns.Select(static column => new DuckDb.TableColumn(column.Name, DuckDbType.Parse(column.Type)))], expression.Mark);
            folders.Add(new FolderColumn(expression.Name, expression.Sql, type.ToSql()));
        }

        return folders.ToImmutable();
    }

    /// <summary>Whether a stream's rows are put together by folder in the order of its source, as far as its steps leave one.</summary>
    public static bool KeepsOrder(StreamJob stream) => !stream.Write.PartitionBy.IsEmpty && stream.Write.ClusterBy.IsEmpty && stream.Mode != WriteMode.Incremental;

    /// <summary>The steps, and behind them a stage that writes the rows partition by partition; the same steps where that is not worth it.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="folders">What <see cref="FoldersOf"/> has given.</param>
    /// <param name="steps">The steps.</param>
    public StagedPlan Gathered(StreamJob stream, ImmutableArray<FolderColumn> folders, StagedPlan steps)
    {
        if (!IsWorthIt(stream, folders, steps.Last)) return steps with { Last = steps.Last.WithoutPlace() };
        var names = stream.Write.PartitionBy;
        var last = folders.Any(folder => check.Value.SeesWholeRows(folder.Sql, stream.Mark)) ? steps.Last.WithoutPlace() : steps.Last;
        var isOrdered = !stream.Write.ClusterBy.IsEmpty;
        var keys = names.Select(name => folders.FirstOrDefault(folder => folder.Name == name)?.Value ?? SqlText.Name(name));
        var number = steps.Earlier.Length + 1;

        // Steps that need all rows of a key leave them in the order of a hash, which packs badly.
        var order = isOrdered || last.Place is not null || sizing.OrderedBytes == 0 ? ImmutableArray<string>.Empty : [.. last.KeyedBy.Select(SqlText.Name)];
        var columns = last.OwnColumns;
        var gathered = new PlannedStage
        {
            Words = [$"write partition by partition ({string.Join(", ", names)}), as {(isOrdered ? "the rows of each file are in order" : "each unit would leave a file in every folder otherwise")}"],
            Keyed = [new StageInput(number, KeySql.Rows)],
            KeySql = $"SELECT * FROM {KeySql.Rows}",
            Order = order,
            PortionRows = !isOrdered && order.IsEmpty && AreToldApart(names, folders, columns) ? PortionOf(stream.Write) : null,
            MemoryBytes = isOrdered || !order.IsEmpty ? sizing.SortMemoryBytes : null,
            InputColumns = columns,
            Columns = columns,
        };
        var output = sizing.PartitionsOf([.. keys], last.Place is null ? null : UnitsOf(last));
        return new StagedPlan(steps.Earlier.Add(last with { Number = number, Output = output }), gathered);
    }

    private static long? PortionOf(WriteOptions write) => write.MaxRowsPerFile >= Limits.PortionRowsMin ? write.MaxRowsPerFile : null;

    /// <summary>Whether values that are equal are the same text, and so one folder: a time with an offset is equal to others.</summary>
    private static bool AreToldApart(ImmutableArray<string> names, ImmutableArray<FolderColumn> folders, ImmutableArray<Column> columns) =>
        names.All(name => TypeOf(name, folders, columns) is { Kind: not DuckDbKind.TimeTz });

    private static DuckDbType? TypeOf(string name, ImmutableArray<FolderColumn> folders, ImmutableArray<Column> columns) =>
        DuckDbType.TryParse(FolderColumn.TypeOf(name, folders, columns), out var type) ? type : null;

    private bool IsWorthIt(StreamJob stream, ImmutableArray<FolderColumn> folders, PlannedStage last)
    {
        var names = stream.Write.PartitionBy;
        if (names.IsEmpty || stream.Mode == WriteMode.Incremental) return false;

        // DuckDB keeps the order of rows only where it writes into one folder at a time.
        if (!stream.Write.ClusterBy.IsEmpty) return true;
        var unitsMax = stream.Write.MaxRowsPerFile is null ? Limits.ScatteredUnitsMax : Limits.ScatteredUnitsBounded;
        if (last.IsWhole || UnitsOf(last) <= unitsMax || IsKeyedBy(last, names)) return false;
        return stream.Write.MaxRowsPerFile is not null || !FewFolders(names, folders, last.Columns);
    }

    private long UnitsOf(PlannedStage stage) =>
        stage.Source?.EstimatedUnits ?? (stage.EstimatedBytes is { } bytes ? (bytes / sizing.UnitBytes(stage.StateFactor)) + 1 : long.MaxValue);

    /// <summary>Whether each partition's rows are in one unit already.</summary>
    private static bool IsKeyedBy(PlannedStage last, ImmutableArray<string> names) =>
        !last.KeyedBy.IsEmpty && last.KeyedBy.All(key => names.Contains(key, StringComparer.Ordinal));

    /// <summary>Whether there can be so few folders that a unit's files are about as large as it is.</summary>
    private static bool FewFolders(ImmutableArray<string> names, ImmutableArray<FolderColumn> folders, ImmutableArray<Column> columns)
    {
        var most = 1L;
        foreach (var name in names)
        {
            if (TypeOf(name, folders, columns) is not { } type) return false;
            long values = type.Kind switch { DuckDbKind.Boolean => 2, DuckDbKind.Enum => type.Labels.Length, _ => Limits.FoldersFewMax };
            most *= values + 1;
            if (most > Limits.FoldersFewMax) return false;
        }

        return true;
    }
}
