using System.Collections.Immutable;
using System.Globalization;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Load;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Connectors.Files.Target;

/// <summary>
/// One attempt's files among those of the other attempts until the unit's result names them: a file, or a folder where an attempt may write
/// several.
/// </summary>
internal sealed class FileUnitOutput : IUnitOutput
{
    private readonly WriteSettings _settings;
    private readonly ImmutableArray<Column> _columns;
    private readonly TableRegistry _tables;
    private readonly Unit _unit;
    private readonly string _units;
    private readonly string _stem;
    private readonly string _output;
    private readonly CopyText _copy;
    private readonly bool _oneFolder;
    private readonly List<(string Path, long Rows)> _written = [];
    private long _rows;
    private bool _completed;

    /// <summary>An output.</summary>
    /// <param name="settings">How files are written.</param>
    /// <param name="columns">The stream's columns.</param>
    /// <param name="unit">The unit.</param>
    /// <param name="units">The folder of all attempts; it exists.</param>
    /// <param name="attempt">What nothing else in it is called.</param>
    /// <param name="stem">How published files' names begin.</param>
    /// <param name="tables">Where written text is added to be read back.</param>
    /// <param name="oneFolder">Whether all rows go into one partition's folder, and each statement's into one file.</param>
    public FileUnitOutput(WriteSettings settings, ImmutableArray<Column> columns, Unit unit, string units, string attempt, string stem, TableRegistry tables, bool oneFolder)
    {
        _oneFolder = oneFolder;
        _settings = settings;
        _columns = columns;
        _tables = tables;
        _unit = unit;
        _units = units;
        _stem = stem;
        _output = Path.Combine(units, settings.ManyFiles ? attempt : attempt + settings.Ending);
        _copy = new CopyText(settings, columns, _output, oneFolder);
    }

    /// <inheritdoc/>
    public ImmutableArray<string> ReadBackColumns => WrittenFiles.Columns(_settings, _columns);

    /// <inheritdoc/>
    public async ValueTask<IWrittenRows> ReadBackAsync(CancellationToken cancel)
    {
        var paths = _written.ConvertAll(static file => Path.GetFullPath(file.Path));
        try
        {
            return await WrittenFiles.OpenAsync(_settings, _columns, paths, _tables, cancel).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw FileFaults.From(error, _output, FaultSide.Target);
        }
    }

    /// <inheritdoc/>
    public string CopyStatement(string select, int batchDivisor) =>
        NextFile is { } path ? _copy.ForNext(select, path, batchDivisor) : _copy.For(select, batchDivisor);

    /// <summary>Where the rows of one folder go, once DuckDB has made and named it with its first file.</summary>
    private string? NextFile => _oneFolder && _written.Count > 0
        ? Path.Combine(Path.GetDirectoryName(_written[0].Path)!, string.Create(CultureInfo.InvariantCulture, $"next_{_written.Count}{_settings.Ending}")) : null;

    /// <inheritdoc/>
    public long Answered(DuckDbResult answer)
    {
        var next = NextFile;
        while (answer.Read())
        {
            if (next is not null || !_settings.ManyFiles)
            {
                var rows = answer.GetInt64(0);
                _written.Add((next ?? _output, rows));
                _rows += rows;
                continue;
            }

            if (CopyText.ReportsRows(_settings))
            {
                // RETURN_STATS: one row a file; filename, count, file_size_bytes, ...
                var ofFile = answer.GetInt64(1);
                _written.Add((answer.GetText(0)!, ofFile));
                _rows += ofFile;
                continue;
            }

            // RETURN_FILES: one row; Count, Files. Which file has how many of the rows is not said: they all count for the first.
            _rows = answer.GetInt64(0);
            foreach (var file in answer.GetTextList(1) ?? []) _written.Add((file!, _written.Count == 0 ? _rows : 0));
        }

        return _rows;
    }

    /// <inheritdoc/>
    public string ElementsStatement(string select, string first) => _copy.ForElements(select, first);

    /// <inheritdoc/>
    public long AnsweredElements(DuckDbResult answer, long rows)
    {
        var elements = answer.Read() ? answer.GetInt64(0) : 0;
        if (elements == 0) throw new Fault(FaultKind.Internal, "a unit that is written element by element has none") { Side = FaultSide.Target, Where = _unit.Label };
        _rows = rows;
        _written.Add((_output, rows));
        return elements;
    }

    /// <inheritdoc/>
    public async ValueTask<WrittenOutput> CompleteAsync(CancellationToken cancel)
    {
        // A table without any row is still published with its columns: the first unit's file stays even when it is empty.
        if (_rows == 0 && (_unit.PartOf ?? _unit.Number) != 0) return new WrittenOutput(0, []);
        try
        {
            var files = await Task.Run(() => Describe(cancel), cancel).ConfigureAwait(false);
            _completed = true;
            return new WrittenOutput(_rows, files);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw FileFaults.From(error, _output, FaultSide.Target);
        }
    }

    /// <inheritdoc/>
    public Fault? Explain(DuckDbException error)
    {
        if (error.Message.Contains(CopyText.BlankLineError, StringComparison.Ordinal))
        {
            return new Fault(FaultKind.Data, CopyText.BlankLineError, error)
            {
                Side = FaultSide.Target, Where = _unit.Label, Advice = "Add a second column, or write ndjson or parquet.",
            };
        }

        if (error.Message.Contains(CursorParting.NullError, StringComparison.Ordinal))
        {
            return new Fault(FaultKind.Data, $"{CursorParting.NullError}, in {Words.Quote(_settings.Parting!.Column)}", error)
            {
                Side = FaultSide.Source, Where = _unit.Label, Advice = "Correct it in the source, or leave such rows out with `where`.",
            };
        }

        if (error.Type != DuckDbErrorType.IO || !error.Message.Contains(_output, StringComparison.Ordinal)) return null;
        if (error.Message.Contains("No space left", StringComparison.Ordinal) || error.Message.Contains("quota exceeded", StringComparison.Ordinal))
            return FileFaults.DiskFull(_units, FaultSide.Target, inner: error);
        if (error.Message.Contains("File name too long", StringComparison.Ordinal))
        {
            return new Fault(FaultKind.Data, "a partition column has a value that is too long for a folder's name", error)
            {
                Side = FaultSide.Target, Where = _unit.Label, Code = "ENAMETOOLONG", Advice = "Leave that column out of write.partition_by.",
            };
        }

        return error.Message.Contains("Permission denied", StringComparison.Ordinal)
            ? FileFaults.From(new UnauthorizedAccessException(error.Message, error), _units, FaultSide.Target)
            : new Fault(FaultKind.Refused, error.Message, error) { Side = FaultSide.Target, Where = _unit.Label };
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        if (_completed) return ValueTask.CompletedTask;
        if (_settings.ManyFiles) FolderTree.Remove(_output);
        else FolderTree.RemoveFile(_output);
        return ValueTask.CompletedTask;
    }

    private ImmutableArray<StagedFile> Describe(CancellationToken cancel)
    {
        var files = ImmutableArray.CreateBuilder<StagedFile>(_written.Count);
        var folders = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < _written.Count; i++)
        {
            cancel.ThrowIfCancellationRequested();
            var path = Path.GetFullPath(_written[i].Path);
            DurableFiles.SyncFile(path);
            for (var above = Path.GetDirectoryName(path)!; above.Length >= _units.Length; above = Path.GetDirectoryName(above)!) folders.Add(above);

            var (folder, isReplaceable) = _copy.FolderOf(Path.GetRelativePath(_output, path).Replace('\\', '/'));
            var stem = string.Create(CultureInfo.InvariantCulture, $"{folder}{_stem}-{i:D4}");
            var name = isReplaceable ? CursorParting.NameOf(stem, _settings.Ending) : stem + _settings.Ending;
            var staged = $"{StagingPlace.Units}/{Path.GetRelativePath(_units, path).Replace('\\', '/')}";
            files.Add(new StagedFile(staged, name, new FileInfo(path).Length, _written[i].Rows));
        }

        foreach (var above in folders) DurableFiles.SyncFolder(above);
        return files.MoveToImmutable();
    }
}
