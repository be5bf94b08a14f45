using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;

namespace Millrace.Transform;

/// <summary>
/// One thread's part of a lookup in a unit's query: the keys of a chunk, what the cache knows of them, a query for each batch of the others, and the
/// rows as structs.
/// </summary>
internal sealed class LookupCall : IValueWorker, ILookupRows
{
    private readonly OpenLookup _lookup;
    private readonly UnitLookups _unit;
    private readonly LookupKeySet _keys = new(Limits.ChunkRows);
    private readonly LookupFound _found = new(Limits.ChunkRows);
    private readonly VectorReader[] _keyColumns;
    private readonly VectorReader[] _rowColumns;
    private readonly int[] _keyOfRow = new int[Limits.ChunkRows];
    private readonly int[] _firstRow = new int[Limits.ChunkRows];
    private readonly int[] _asked = new int[Limits.ChunkRows];
    private readonly int[] _starts = new int[Limits.ChunkRows];
    private int _batchStart;
    private int _batchEnd;

    /// <summary>A worker of one lookup for one unit.</summary>
    public LookupCall(OpenLookup lookup, UnitLookups unit)
    {
        (_lookup, _unit) = (lookup, unit);
        _keyColumns = new VectorReader[lookup.Header.Key.Length];
        _rowColumns = new VectorReader[lookup.Header.Columns.Length + 1];
    }

    /// <inheritdoc/>
    public void Run(in ChunkReader arguments, VectorWriter output)
    {
        var counted = ReadKeys(arguments);
        _found.Clear(_keys.Count);
        _lookup.Cache.Find(_keys, _found);
        if (_found.IsTooLarge) throw TooLarge();
        var unknown = 0;
        for (var key = 0; key < _keys.Count; key++)
        {
            if (!_found.IsKnown(key)) _asked[unknown++] = key;
        }

        var queries = 0;
        for (_batchStart = 0; _batchStart < unknown; _batchStart = _batchEnd)
        {
            _batchEnd = Math.Min(unknown, _batchStart + _lookup.Header.Batch);
            Ask();
            queries++;
        }

        var missing = Write(arguments.Rows, output);
        _unit.Count(counted, counted - unknown, missing, queries);
    }

    /// <inheritdoc/>
    public void Take(in ChunkReader rows)
    {
        for (var i = 0; i < _rowColumns.Length; i++) _rowColumns[i] = rows.Column(i);
        for (var row = 0; row < rows.Rows; row++)
        {
            var place = _rowColumns[0].Get<long>(row);
            if (place < 1 || place > _batchEnd - _batchStart) throw new InvalidOperationException($"a lookup gives a row of key {place} of {_batchEnd - _batchStart}");
            var key = _asked[_batchStart + (int)place - 1];
            if (_found.IsKnown(key)) throw Twice(key);
            _found.Set(key, _rowColumns, row);
            if (_found.IsTooLarge) throw TooLarge();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Its memory is the collector's.
    }

    /// <summary>Takes the rows' keys in; gives how many are not NULL.</summary>
    private int ReadKeys(in ChunkReader arguments)
    {
        for (var i = 0; i < _keyColumns.Length; i++) _keyColumns[i] = arguments.Column(i + 1);
        _keys.Clear();
        var counted = 0;
        for (var row = 0; row < arguments.Rows; row++)
        {
            var key = _keyOfRow[row] = _keys.Add(_keyColumns, row);
            if (key >= 0) counted++;
            else if (_lookup.Header.Missing == LookupMissing.Error) throw NotThere("NULL");
        }

        return counted;
    }

    private void Ask()
    {
        var batch = _asked.AsSpan(_batchStart.._batchEnd);
        _unit.Ask(_lookup.Header, _keys.Of(batch, _starts, _keyColumns.Length), this);
        foreach (var key in batch)
        {
            if (!_found.IsKnown(key)) _found.SetMissing(key);
        }

        _lookup.Cache.Keep(_keys, batch, _found);
    }

    /// <summary>Writes a struct for each row; gives how many have none.</summary>
    private int Write(int rows, VectorWriter output)
    {
        _firstRow.AsSpan(0, _keys.Count).Fill(-1);
        var missing = 0;
        for (var row = 0; row < rows; row++)
        {
            var key = _keyOfRow[row];
            if (key < 0 || !_found.IsFound(key))
            {
                if (key >= 0) missing++;
                if (_lookup.Header.Missing == LookupMissing.Error) throw NotThere(KeyText(key));
                output.SetNull(row);
            }
            else if (_firstRow[key] >= 0)
            {
                output.CopyRow(_firstRow[key], row);
            }
            else
            {
                _firstRow[key] = row;
                var bytes = _found.RowOf(key);
                for (var i = 0; i < _lookup.Header.Columns.Length; i++)
                {
                    var field = output.Field(i);
                    ValueBytes.Read(ref bytes, ref field, row);
                }
            }
        }

        return missing;
    }

    private string KeyText(int key) => _keys.Of([key], _starts, _keyColumns.Length).Describe(0);

    private Fault NotThere(string key) => Failed(FaultKind.Data, $"found no row with the key {key}", "Correct the key or the table, or say what becomes of such rows: missing: null, or drop.");

    private Fault Twice(int key) => Failed(
        FaultKind.Data, $"found several rows with the key {KeyText(key)}, expected one", "Give the table a unique index on its key; or write it with nest, so that a key has one row.");

    private Fault TooLarge() => Failed(
        FaultKind.Limit,
        $"the rows that {_keys.Count} keys find have more than {Limits.LookupChunkBytesMax} bytes together",
        "Ask for fewer columns, or use join.");

    private Fault Failed(FaultKind kind, string message, string advice) => new(kind, message)
    {
        Side = FaultSide.Transform, Where = $"lookup in {_lookup.Header.Table} by {string.Join(", ", _lookup.Header.Key)}", Advice = advice,
    };
}
