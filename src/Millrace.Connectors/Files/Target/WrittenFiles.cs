using System.Collections.Immutable;
using System.Globalization;
using Millrace.Connectors.Files.Source;
using Millrace.DuckDb;
using Millrace.Jobs;
using Millrace.Load;
using Millrace.Planning;

namespace Millrace.Connectors.Files.Target;

/// <summary>
/// What an attempt has written, read again: Parquet by DuckDB; CSV and NDJSON by the readers that the files source uses, with the stream's
/// types.
/// </summary>
internal sealed class WrittenFiles : IWrittenRows
{
    private readonly Probe? _probe;
    private readonly UnitOpening? _opening;

    private WrittenFiles(IReadOnlyList<string> paths, string select, Probe? probe = null, UnitOpening? opening = null)
    {
        Place = paths.Count == 1 ? paths[0] : string.Create(CultureInfo.InvariantCulture, $"{paths[0]} and {paths.Count - 1} more");
        Select = select;
        _probe = probe;
        _opening = opening;
    }

    /// <inheritdoc/>
    public string Select { get; }

    /// <inheritdoc/>
    public string Place { get; }

    /// <summary>The columns whose values come back equal.</summary>
    public static ImmutableArray<string> Columns(WriteSettings settings, ImmutableArray<Column> columns)
    {
        var traits = FileFormatTraits.Of(settings.Format);
        return [.. columns.Where(column => traits.ReadsBack(DuckDbType.Parse(column.Type))).Select(static column => column.Name)];
    }

    /// <summary>Opens an attempt's files, at least one.</summary>
    /// <param name="settings">How they were written.</param>
    /// <param name="columns">The stream's columns.</param>
    /// <param name="paths">The files.</param>
    /// <param name="tables">Where tables are added that this process reads itself.</param>
    /// <param name="cancel">Stops the opening.</param>
    public static async ValueTask<WrittenFiles> OpenAsync(
        WriteSettings settings, ImmutableArray<Column> columns, IReadOnlyList<string> paths, TableRegistry tables, CancellationToken cancel)
    {
        if (settings.Format == FileFormat.Parquet) return new WrittenFiles(paths, Parquet(settings, columns, paths));
        var probe = new Probe();
        var files = paths.Select(static path =>
        {
            var (bytes, ticks) = SourceFile.Look(path);
            return new SliceFile(path, bytes, ticks);
        });
        var opening = new UnitOpening(Layout(settings, columns), new FileSlice([.. files]), CsvBuffer.Small, probe, tables);
        try
        {
            return new WrittenFiles(paths, await opening.OpenAsync(cancel).ConfigureAwait(false), probe, opening);
        }
        catch
        {
            await opening.CloseAsync().ConfigureAwait(false);
            probe.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_opening is not null) await _opening.CloseAsync().ConfigureAwait(false);
        _probe?.Dispose();
    }

    private static string Parquet(WriteSettings settings, ImmutableArray<Column> columns, IReadOnlyList<string> paths)
    {
        // A folder's name is text; what lies in a file has its type, or one that holds all of it.
        var values = columns.Select(static column => $"CAST({SqlText.Name(column.Name)} AS {column.Type}) AS {SqlText.Name(column.Name)}");
        var folders = settings.PartitionBy.Length > 0 ? "hive_partitioning = true, hive_types_autocast = false" : "hive_partitioning = false";
        return $"SELECT {string.Join(", ", values)} FROM read_parquet([{string.Join(", ", paths.Select(SqlText.Literal))}], {folders})";
    }

    private static FileLayout Layout(WriteSettings settings, ImmutableArray<Column> columns)
    {
        var back = Columns(settings, columns);
        return new FileLayout
        {
            Format = settings.Format == FileFormat.Csv ? SourceFormat.Csv : SourceFormat.Ndjson,
            Packing = settings.Codec switch { "gzip" => Packing.Gzip, "zstd" => Packing.Zstd, _ => Packing.None },
            Csv = settings.Format == FileFormat.Csv ? Dialect(settings) : null,
            Root = "/",
            Columns = [.. columns.Select(column => ColumnOf(settings, column))],
            Output = [.. back.Select(static name => new OutputColumn(name, name, FileColumn.Hole))],
        };
    }

    private static CsvDialect Dialect(WriteSettings settings)
    {
        // The names are known. DuckDB, which unpacks zstd, can't look for them where a text has a CR in it: there the header is passed over.
        var unpacksItself = settings.Codec == "zstd";
        return new CsvDialect
        {
            Delimiter = settings.Delimiter.ToString(),
            Quote = "\"",
            Escape = "\"",
            Header = !unpacksItself,
            Skip = unpacksItself ? 1 : 0,
            NullWords = [""],
        };
    }

    private static FileColumn ColumnOf(WriteSettings settings, Column column)
    {
        var type = DuckDbType.Parse(column.Type);
        var origin = settings.PartitionBy.Contains(column.Name, StringComparer.OrdinalIgnoreCase) ? ColumnOrigin.Folder : ColumnOrigin.Content;
        var decode = type.Kind == DuckDbKind.Varchar ? FileColumn.Hole : $"CAST({FileColumn.Hole} AS {column.Type})";
        return new FileColumn(column.Name, column.Type, decode, origin, IsUsual: !type.IsNested);
    }
}
