using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.CompilerServices;
using Millrace.Connectors.Files.Source.Text;
using Millrace.Connectors.Files.Splitting;
using Millrace.DuckDb;
using Millrace.Faults;

namespace Millrace.Connectors.Files.Source;

/// <summary>
/// Opens one unit: compares each file's columns with the stream's, starts the pipes, writes the SELECT. Columns are found by name in
/// every file, so files may have them in any order.
/// </summary>
/// <param name="layout">How files are read.</param>
/// <param name="slice">The unit.</param>
/// <param name="buffer">DuckDB's buffers.</param>
/// <param name="probe">Looks into files.</param>
/// <param name="tables">Where tables are added that this process reads itself; null: DuckDB's own readers read everything.</param>
/// <param name="rejectColumn">What the column is called that says why a row is rejected; null: there is none.</param>
internal sealed class UnitOpening(FileLayout layout, FileSlice slice, CsvBuffer buffer, Probe probe, TableRegistry? tables = null, string? rejectColumn = null)
{
    // DuckDB's name for a row's number, from 0.
    private const string ParquetRow = "file_row_number";

    private readonly UnitScan _scan = new(layout, rejectColumn is null ? null : new RejectSql(layout, rejectColumn));
    private readonly Dictionary<string, FileColumn> _content = layout.Columns
        .Where(column => column.Origin == ColumnOrigin.Content)
        .ToDictionary(column => column.Name, StringComparer.OrdinalIgnoreCase);

    /// <summary>The pipes that were started; whoever called disposes them, also when the opening failed.</summary>
    public List<TextPipe> Pipes { get; } = [];

    /// <summary>The table that this process reads itself, and its token; null: DuckDB reads.</summary>
    public (long Token, TextTable Table)? Table { get; private set; }

    /// <summary>Rows that the files say they have; -1 when one does not.</summary>
    public long Rows { get; private set; }

    /// <summary>Opens all files of the unit.</summary>
    /// <returns>The SELECT.</returns>
    /// <exception cref="Fault">A file is damaged, or its columns are not the stream's.</exception>
    public async Task<string> OpenAsync(CancellationToken cancel)
    {
        switch (layout.Format)
        {
            case SourceFormat.Csv:
                await CsvAsync(cancel).ConfigureAwait(false);
                break;
            case SourceFormat.Parquet:
                await ParquetAsync(cancel).ConfigureAwait(false);
                break;
            default:
                await JsonAsync(cancel).ConfigureAwait(false);
                break;
        }

        return _scan.Select();
    }

    /// <summary>Opens the unit's only file for the search of a value: see <see cref="UnitScan.Search"/>.</summary>
    public async Task<string> SearchAsync(BadValue? bad, CancellationToken cancel)
    {
        await OpenAsync(cancel).ConfigureAwait(false);
        return _scan.Search(bad);
    }

    /// <summary>Lets go of everything.</summary>
    public async ValueTask CloseAsync()
    {
        foreach (var pipe in Pipes) await pipe.DisposeAsync().ConfigureAwait(false);
        if (Table is not { } quick) return;
        tables!.Remove(quick.Token);
        quick.Table.Dispose();
    }

    // The records of all files as one table of this process: see TextTable.
    private void Quick(Func<TextBuffer, BrokenRecords?, IRecordReader> records, ImmutableArray<TextFile> files, bool emptyIsNull)
    {
        _scan.Rejects?.TakesBroken = true;
        var columns = new List<(TextColumn Column, DuckDbType Type)>();
        var raws = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var column in _content.Values)
        {
            var type = DuckDbType.Parse(column.Type);
            var quick = TextColumn.For(type, column.IsUsual, emptyIsNull);
            raws[column.Name] = quick.Kind == QuickKind.Text ? TextTable.Values(columns.Count) : TextTable.Texts(columns.Count);
            if (quick.Kind != QuickKind.Text) _scan.Quicken(column.Name, TextTable.Values(columns.Count));
            columns.Add((quick, type));
        }

        var text = new TextBuffer();
        var broken = _scan.Rejects is null ? null : new BrokenRecords();
        var table = new TextTable(files, text, records(text, broken), columns, broken);
        var (token, call) = tables!.Add(table);
        Table = (token, table);
        var file = slice.Files.Length == 1 ? SqlText.Literal(slice.Files[0].Path) : SqlText.Name(UnitScan.FileName);
        _scan.Add(call, raws, file, row: SqlText.Name(UnitScan.Row));
    }

    private bool CanBeQuick(SliceFile file) => PackingOf(file) != Packing.Zstd;

    private Packing PackingOf(SliceFile file) => FormatOf.PackingOf(file.Path, layout.Packing);

    private Stream Open(SliceFile file, CsvDialect? dialect) => TextStreams.Open(file.Path, PackingOf(file), layout.Encoding, dialect, layout.Format, slice.Bytes);

    private TextFile FileOf(SliceFile file, CsvDialect? dialect, int[] columns) => new(
        file.Path,
        () => Open(file, dialect),
        slice.Bytes is not { Start: > 0 },
        columns,
        slice.Range is { ByRow: true } ? slice.Range : null,
        slice.Bytes?.FirstRow ?? 0);

    private async Task QuickCsvAsync(CsvDialect dialect, CancellationToken cancel)
    {
        var places = _content.Keys.Select((name, i) => (name, i)).ToDictionary(place => place.name, place => place.i, StringComparer.OrdinalIgnoreCase);
        var files = ImmutableArray.CreateBuilder<TextFile>();
        await foreach (var (file, names) in CsvFilesAsync(dialect, cancel).ConfigureAwait(false))
            files.Add(FileOf(file, dialect, [.. names.Select(name => places[name])]));

        Quick((text, broken) => new CsvRecords(text, dialect, _content.Count, broken), files.ToImmutable(), emptyIsNull: dialect.EmptyIsNull);
    }

    private async Task CsvAsync(CancellationToken cancel)
    {
        var dialect = layout.Csv!;
        Rows = slice.Range?.Rows ?? -1;
        if (tables is not null && CsvRecords.Takes(dialect, _content.Count) && slice.Files.All(CanBeQuick))
        {
            await QuickCsvAsync(dialect, cancel).ConfigureAwait(false);
            return;
        }

        var group = new List<string>();
        string[] groupNames = [];
        await foreach (var (file, names) in CsvFilesAsync(dialect, cancel).ConfigureAwait(false))
        {
            if (group.Count > 0 && !groupNames.AsSpan().SequenceEqual(names)) Flush();
            groupNames = names;
            if (slice.Range is null && IsPlain(file))
            {
                group.Add(file.Path);
                continue;
            }

            Flush();
            group.Clear();
            var pipe = Pipe(file, dialect);
            _scan.Add(
                $"read_csv({SqlText.Literal(pipe.Path)}, {dialect.Arguments(names.Length, slice.Range is null, buffer)}{LineEnd(file)})",
                Positions(names),
                SqlText.Literal(file.Path),
                row: Counted(file.Path));
        }

        Flush();

        void Flush()
        {
            if (group.Count == 0) return;
            var name = _scan.NeedsFileName && group.Count > 1 ? $", filename = {SqlText.Literal(UnitScan.FileName)}" : "";
            _scan.Add(
                $"read_csv({Sql.Paths(group)}, {dialect.Arguments(groupNames.Length, header: true, buffer)}, hive_partitioning = false{name}{ZstdEncoding()})",
                Positions(groupNames),
                group.Count == 1 ? SqlText.Literal(group[0]) : SqlText.Name(UnitScan.FileName),
                row: group.Count == 1 ? Counted(group[0]) : null);
            group.Clear();
        }
    }

    // DuckDB takes the first line end that it sees for all records', also one in quotes. A file that was cut has one kind: the one that the
    // piece ends in, or where that is the file's end the one before it.
    private string LineEnd(SliceFile file)
    {
        if (slice.Bytes is not { } range) return "";
        Span<byte> end = stackalloc byte[2];
        using var handle = FileStamp.Open(file.Path);
        foreach (var at in (ReadOnlySpan<long>)[range.End, range.Start])
        {
            if (at < end.Length || RandomAccess.Read(handle, end, at - end.Length) < end.Length || end[1] != (byte)'\n') continue;
            return end[0] == (byte)'\r' ? ", new_line = '\\r\\n'" : ", new_line = '\\n'";
        }

        return "";
    }

    // The files that have a record, with the names of their columns, which are the stream's.
    private async IAsyncEnumerable<(SliceFile File, string[] Names)> CsvFilesAsync(CsvDialect dialect, [EnumeratorCancellation] CancellationToken cancel)
    {
        foreach (var file in slice.Files)
        {
            if (file.Bytes == 0) continue;
            var names = await CsvNamesAsync(file, dialect, cancel).ConfigureAwait(false);
            if (names.Length == 0) continue;
            Compare(file, names);
            yield return (file, names);
        }
    }

    private async Task<string[]> CsvNamesAsync(SliceFile file, CsvDialect dialect, CancellationToken cancel)
    {
        if (!dialect.Header) return [.. _content.Keys];
        try
        {
            var packing = PackingOf(file);
            if (packing == Packing.Zstd) return CsvHeader.Unique(await CsvInspector.NamesAsync(probe, file.Path, dialect, cancel).ConfigureAwait(false));
            using var text = TextStreams.Open(file.Path, packing, layout.Encoding, dialect, layout.Format);
            return CsvHeader.Unique(CsvHeader.Read(text, dialect, file.Path));
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            throw SourceFaults.From(file.Path, error);
        }
    }

    private static Dictionary<string, string> Positions(string[] names)
    {
        var raws = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < names.Length; i++) raws[names[i]] = $"c{i}";
        return raws;
    }

    private async Task JsonAsync(CancellationToken cancel)
    {
        Rows = slice.Range?.Rows ?? -1;
        var keys = _content.Values.Select(column => (column.Name, IsJson: IsJsonRaw(column))).ToList();
        if (tables is not null && slice.Files.All(CanBeQuick))
        {
            var files = slice.Files.Where(file => file.Bytes > 0).Select(file => FileOf(file, null, []));
            Quick((text, broken) => new NdjsonRecords(text, keys, broken), [.. files], emptyIsNull: false);
            return;
        }

        var raws = _content.Keys.ToDictionary(key => key, key => $"x.{SqlText.Name(key)}", StringComparer.OrdinalIgnoreCase);
        var plain = new List<string>();
        foreach (var file in slice.Files)
        {
            if (file.Bytes == 0) continue;
            var isPlain = slice.Range is null && IsPlain(file);
            if (isPlain && layout.Format == SourceFormat.Ndjson)
            {
                plain.Add(file.Path);
                continue;
            }

            var form = await JsonLines.FormOfAsync(probe, file.Path, PackingOf(file), layout.Format, cancel).ConfigureAwait(false);
            Add(JsonLines.Objects(isPlain ? Sql.Path(file.Path) : SqlText.Literal(Pipe(file, null).Path), form, buffer, null), file.Path);
        }

        if (plain.Count == 1) Add(JsonLines.Objects(Sql.Paths(plain), JsonForm.Lines, buffer, null), plain[0]);
        if (plain.Count > 1) Add(JsonLines.Objects(Sql.Paths(plain), JsonForm.Lines, buffer, _scan.NeedsFileName ? UnitScan.FileName : null), null);

        // Of one file, or of several, whose names are a column then.
        void Add(string objects, string? path)
        {
            var file = path is null ? SqlText.Name(UnitScan.FileName) : SqlText.Literal(path);
            var fileName = _scan.NeedsFileName && path is null ? ", " + file : "";
            if (_scan.Rejects is null)
            {
                _scan.Add($"(SELECT {JsonLines.Texts(keys)} AS x{fileName} FROM {objects} WHERE {JsonLines.Check(_content.Keys)})", raws, file, objects);
                return;
            }

            _scan.Rejects.TakesBroken = true;
            var number = path is null ? null : Counted(path);
            var relation = JsonLines.WithBroken(keys, objects, layout.Format == SourceFormat.Ndjson, number);
            _scan.Add(relation, raws, file, objects, number is null ? null : SqlText.Name(UnitScan.Row));
        }
    }

    // The number of a row of DuckDB's reader. Counting makes one thread read the file in order, so a large one that is no piece goes without.
    private string? Counted(string path)
    {
        if (slice.Bytes is null && slice.Files.First(file => file.Path == path).Bytes > Limits.CountedFileBytesMax) return null;
        return string.Create(CultureInfo.InvariantCulture, $"row_number() OVER () + {slice.Bytes?.FirstRow ?? 0}");
    }

    private static bool IsJsonRaw(FileColumn column) => DuckDbType.Parse(column.Type) is { IsNested: true } or { IsJson: true };

    private async Task ParquetAsync(CancellationToken cancel)
    {
        var group = new List<string>();
        Dictionary<string, string> groupRaws = [];
        // A column of that name hides the number.
        var number = _scan.Rejects is null || _content.ContainsKey(ParquetRow) ? null : ParquetRow + " + 1";
        foreach (var file in slice.Files)
        {
            var columns = await ParquetInspector.ColumnsAsync(probe, file.Path, cancel).ConfigureAwait(false);
            Compare(file, [.. columns.Select(column => column.Name)]);
            var raws = Stored(file, columns);
            if (slice.Range is { } range)
            {
                Rows = range.Rows;
                var rows = number is null ? "*" : "*, " + ParquetRow;
                _scan.Add(
                    $"(SELECT {rows} FROM read_parquet([{Sql.Path(file.Path)}], hive_partitioning = false) WHERE file_row_number BETWEEN {range.Start} AND {range.End - 1})",
                    raws,
                    SqlText.Literal(file.Path),
                    row: number);
                return;
            }

            Rows += file.Rows >= 0 ? file.Rows : await ParquetInspector.RowsAsync(probe, file.Path, cancel).ConfigureAwait(false);
            if (group.Count > 0 && !Same(groupRaws, raws)) Flush();
            groupRaws = raws;
            group.Add(file.Path);
        }

        Flush();

        void Flush()
        {
            if (group.Count == 0) return;
            var name = _scan.NeedsFileName && group.Count > 1 ? $", filename = {SqlText.Literal(UnitScan.FileName)}" : "";
            _scan.Add(
                $"read_parquet({Sql.Paths(group)}, hive_partitioning = false, union_by_name = true{name})",
                groupRaws,
                group.Count == 1 ? SqlText.Literal(group[0]) : SqlText.Name(UnitScan.FileName),
                row: number);
            group.Clear();
        }
    }

    // A file may have a column in a narrower type than the stream; in a wider one its values could be bent.
    private Dictionary<string, string> Stored(SliceFile file, IReadOnlyList<TableColumn> columns)
    {
        var raws = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var column in columns)
        {
            var planned = DuckDbType.Parse(_content[column.Name].Stored!);
            if (!ParquetInspector.Holds(planned, column.Type))
            {
                throw SourceFaults.Data(
                    file.Path,
                    $"the column \"{column.Name}\" is {column.Type.ToSql()} here and {planned.ToSql()} in the files that were looked into",
                    $"Say a type that holds both, such as `types: {{{column.Name}: text}}`, or move this file into a stream of its own.");
            }

            var raw = SqlText.Name(column.Name);
            raws[column.Name] = planned == column.Type ? raw : $"CAST({raw} AS {planned.ToSql()})";
        }

        return raws;
    }

    private static bool Same(Dictionary<string, string> a, Dictionary<string, string> b) =>
        a.Count == b.Count && a.All(pair => b.TryGetValue(pair.Key, out var value) && value == pair.Value);

    private void Compare(SliceFile file, string[] names)
    {
        foreach (var name in names)
        {
            if (_content.ContainsKey(name)) continue;
            var advice = layout.Format == SourceFormat.Parquet
                ? "Name the columns that you want in `columns`, or move this file into a stream of its own."
                : $"Say its type, so that it becomes a column: `types: {{{name}: text}}`.";
            throw SourceFaults.Data(file.Path, $"has the column \"{name}\", which none of the files has that were looked into", advice);
        }

        if (!layout.MissingFails) return;
        var there = new HashSet<string>(names, StringComparer.OrdinalIgnoreCase);
        foreach (var name in _content.Keys)
        {
            if (!there.Contains(name))
                throw SourceFaults.Data(file.Path, $"lacks the column \"{name}\"", "`read.missing_columns: null` reads such a column as NULL.");
        }
    }

    private bool IsPlain(SliceFile file) => TextStreams.IsPlain(PackingOf(file), layout.Encoding, layout.Csv?.Comment ?? "", layout.Format);

    private string ZstdEncoding() => layout.Encoding switch
    {
        "iso-8859-1" => ", encoding = 'latin-1'",
        "utf-16" => ", encoding = 'utf-16'",
        _ => "",
    };

    private TextPipe Pipe(SliceFile file, CsvDialect? dialect)
    {
        try
        {
            var pipe = new TextPipe(Open(file, dialect), file.Path);
            Pipes.Add(pipe);
            return pipe;
        }
        catch (Exception error)
        {
            throw SourceFaults.From(file.Path, error);
        }
    }
}
