using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Millrace.DuckDb;

namespace Millrace.Connectors.Files.Source.Text;

/// <summary>
/// The records of one unit's text files as a table that DuckDB reads once, with one thread: units are what runs in parallel. Each content
/// column N is <c>cN</c>, its values; one that is not read as text has <c>rN</c> beside it, the texts that are left to SQL. Behind them come the
/// row's file, its number there, and what is said of a broken record. What nobody asks for is not written.
/// </summary>
internal sealed class TextTable : ITableSource, IDisposable
{
    private readonly ImmutableArray<TextFile> _files;
    private readonly TextBuffer _text;
    private readonly IRecordReader _records;
    private readonly BrokenRecords? _broken;
    private readonly TextColumn[] _columns;
    private readonly int[] _valuesAt;

    /// <summary>A table.</summary>
    /// <param name="files">The files in reading order.</param>
    /// <param name="text">The buffer that <paramref name="records"/> reads from.</param>
    /// <param name="records">The format's reader.</param>
    /// <param name="columns">The columns and their types.</param>
    /// <param name="broken">What <paramref name="records"/> gives broken records to; null: they end the reading.</param>
    public TextTable(
        ImmutableArray<TextFile> files, TextBuffer text, IRecordReader records, IReadOnlyList<(TextColumn Column, DuckDbType Type)> columns,
        BrokenRecords? broken = null)
    {
        _files = files;
        _text = text;
        _records = records;
        _broken = broken;
        _columns = [.. columns.Select(column => column.Column)];
        _valuesAt = new int[columns.Count];
        var all = new List<TableColumn>();
        for (var i = 0; i < columns.Count; i++)
        {
            _valuesAt[i] = all.Count;
            var isText = columns[i].Column.Kind == QuickKind.Text;
            all.Add(new TableColumn(Values(i), isText ? DuckDbType.Varchar : columns[i].Type));
            if (!isText) all.Add(new TableColumn(Texts(i), DuckDbType.Varchar));
        }

        all.Add(new TableColumn(UnitScan.FileName, DuckDbType.Varchar));
        all.Add(new TableColumn(UnitScan.Row, DuckDbType.BigInt));
        if (broken is not null)
        {
            all.Add(new TableColumn(UnitScan.Broken, DuckDbType.Varchar));
            all.Add(new TableColumn(UnitScan.Record, DuckDbType.Varchar));
        }

        Columns = all;
    }

    /// <inheritdoc/>
    public IReadOnlyList<TableColumn> Columns { get; }

    /// <inheritdoc/>
    public long? EstimatedRows => null;

    /// <summary>Bytes read so far. Any thread.</summary>
    public long Bytes => _text.Read;

    /// <summary>The name of a column's values.</summary>
    public static string Values(int column) => string.Create(CultureInfo.InvariantCulture, $"c{column}");

    /// <summary>The name of a column's texts that are left to SQL.</summary>
    public static string Texts(int column) => string.Create(CultureInfo.InvariantCulture, $"r{column}");

    /// <inheritdoc/>
    public ITableScan OpenScan(ReadOnlySpan<int> projected) => new Scan(this, projected.ToArray());

    /// <summary>Ends the reading soon. Any thread.</summary>
    public void Stop() => _text.Stop();

    /// <inheritdoc/>
    public void Dispose() => _text.Dispose();

    private sealed class Scan(TextTable table, int[] projected) : ITableScan
    {
        public int MaxThreads => 1;

        public ITableReader OpenReader() => new Reader(table, projected);

        public void Dispose()
        {
            // The files belong to the unit.
        }
    }

    private sealed class Reader : ITableReader
    {
        private readonly TextTable _table;
        private readonly TextColumn[] _columns;
        private readonly int[] _valueVectors;
        private readonly int[] _textVectors;
        private readonly int _nameVector;
        private readonly int _numberVector;
        private readonly int _brokenVector;
        private readonly int _recordVector;
        private byte[] _name = [];
        private int _file = -1;
        private long _rowsLeft;
        private long _number;

        public Reader(TextTable table, int[] projected)
        {
            _table = table;
            _columns = table._columns;
            _valueVectors = [.. table._valuesAt.Select(at => Array.IndexOf(projected, at))];
            _textVectors = [.. table._valuesAt.Select((at, i) => _columns[i].Kind == QuickKind.Text ? -1 : Array.IndexOf(projected, at + 1))];
            _nameVector = PlaceOf(UnitScan.FileName);
            _numberVector = PlaceOf(UnitScan.Row);
            _brokenVector = PlaceOf(UnitScan.Broken);
            _recordVector = PlaceOf(UnitScan.Record);
            for (var i = 0; i < _columns.Length; i++)
                _columns[i].IsWanted = _valueVectors[i] >= 0 && (_columns[i].Kind == QuickKind.Text || _textVectors[i] >= 0);

            int PlaceOf(string name)
            {
                for (var i = 0; i < projected.Length; i++)
                {
                    if (table.Columns[projected[i]].Name == name) return i;
                }

                return -1;
            }
        }

        public int Fill(in ChunkWriter chunk)
        {
            for (var i = 0; i < _columns.Length; i++)
            {
                if (_columns[i].IsWanted) _columns[i].Begin(chunk.Column(_valueVectors[i]), _textVectors[i] < 0 ? default : chunk.Column(_textVectors[i]));
            }

            var names = _nameVector < 0 ? default : chunk.Column(_nameVector);
            var numbers = _numberVector < 0 ? default : chunk.Column(_numberVector);
            var areBrokenAsked = _brokenVector >= 0 && _recordVector >= 0;
            if (areBrokenAsked) _table._broken!.Begin(chunk.Column(_brokenVector), chunk.Column(_recordVector));
            var before = _table._text.Read;
            var row = 0;
            // A chunk ends early rather than hold 2,048 values of many megabytes.
            while (row < chunk.Capacity && _table._text.Read - before < Limits.ChunkBytesMax)
            {
                if (_rowsLeft == 0 || !_table._records.Next(_columns, row))
                {
                    if (_file + 1 >= _table._files.Length) break;
                    Open(_table._files[++_file]);
                    if (_table._broken is { } broken) broken.IsSkipping = !areBrokenAsked;
                    continue;
                }

                _number++;
                if (_nameVector >= 0) names.SetBlob(row, _name);
                if (_numberVector >= 0) numbers.Set(row, _number);
                row++;
                _rowsLeft--;
            }

            return row;
        }

        public void Dispose()
        {
            // Files and buffer belong to the table.
        }

        private void Open(TextFile file)
        {
            _table._text.Open(file);
            _table._records.Begin(file);
            _name = Encoding.UTF8.GetBytes(file.Path);
            _rowsLeft = long.MaxValue;
            _number = file.FirstRow;
            if (file.Rows is not { } rows) return;
            _rowsLeft = rows.End - rows.Start;
            _number = rows.Start;
            if (_table._broken is { } broken) broken.IsSkipping = true;
            var none = new TextColumn[_columns.Length];
            for (var i = 0L; i < rows.Start && _table._records.Next(none, 0); i++)
            {
                // Rows of the parts before this one.
            }
        }
    }
}
