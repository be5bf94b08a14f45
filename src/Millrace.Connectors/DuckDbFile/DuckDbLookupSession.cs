using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Transform;

namespace Millrace.Connectors.DuckDbFile;

/// <summary>One connection that asks: the keys are a table of ours that the query joins.</summary>
internal sealed class DuckDbLookupSession(DuckDbConnection connection, TableRegistry registry, string path) : ILookupSession
{
    /// <summary>Stands for the keys in a query: no quoted name has a zero byte.</summary>
    internal const string Hole = "\0";

    private volatile bool _isCancelled;

    /// <inheritdoc/>
    public bool IsUsable => !_isCancelled;

    /// <inheritdoc/>
    public void Ask(LookupHeader lookup, in LookupKeys keys, ILookupRows rows)
    {
        if (_isCancelled) throw new OperationCanceledException("The lookup was cancelled.");
        var (token, call) = registry.Add(new LookupKeyTable(keys));
        try
        {
            using var result = connection.Query(lookup.QueryJson.Replace(Hole, call, StringComparison.Ordinal));
            while (result.NextChunk()) rows.Take(result.Chunk);
        }
        catch (DuckDbException error)
        {
            if (_isCancelled) throw new OperationCanceledException("The lookup was cancelled.", error);
            var isMemory = error.Type == DuckDbErrorType.OutOfMemory;
            throw new Fault(isMemory ? FaultKind.Limit : FaultKind.Data, $"a lookup in {path} failed: {error.Message}", error)
            {
                Side = FaultSide.Source, Where = $"lookup in {lookup.Table}", Advice = isMemory ? "Lower lookup.batch, or ask for fewer columns." : null,
            };
        }
        finally
        {
            registry.Remove(token);
        }
    }

    /// <inheritdoc/>
    public void Cancel()
    {
        _isCancelled = true;
        connection.Interrupt();
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        connection.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Keys as a table that is read once: place, and a text for each column of the key.</summary>
    private sealed class LookupKeyTable : ITableSource, ITableScan, ITableReader
    {
        private readonly TableColumn[] _columns;
        private readonly byte[][] _texts;
        private readonly int _count;
        private int[] _projected = [];
        private int _next;

        public LookupKeyTable(in LookupKeys keys)
        {
            _count = keys.Count;
            _columns = new TableColumn[keys.Columns + 1];
            _columns[0] = new TableColumn(DuckDbLookup.PlaceColumn, DuckDbType.BigInt);
            for (var i = 0; i < keys.Columns; i++) _columns[i + 1] = new TableColumn(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{DuckDbLookup.KeyColumn}{i}"), DuckDbType.Varchar);
            _texts = new byte[keys.Count * keys.Columns][];
            for (var i = 0; i < _texts.Length; i++) _texts[i] = keys.Text(i / keys.Columns, i % keys.Columns).ToArray();
        }

        public IReadOnlyList<TableColumn> Columns => _columns;

        public long? EstimatedRows => _count;

        public int MaxThreads => 1;

        public ITableScan OpenScan(ReadOnlySpan<int> projected)
        {
            _projected = projected.ToArray();
            _next = 0;
            return this;
        }

        public ITableReader OpenReader() => this;

        public int Fill(in ChunkWriter chunk)
        {
            var rows = Math.Min(chunk.Capacity, _count - _next);
            for (var i = 0; i < _projected.Length; i++)
            {
                if (_projected[i] < 0) continue;
                var column = chunk.Column(i);
                for (var row = 0; row < rows; row++)
                {
                    if (_projected[i] == 0) column.Set(row, (long)_next + row + 1);
                    else column.SetBlob(row, _texts[((_next + row) * (_columns.Length - 1)) + _projected[i] - 1]);
                }
            }

            _next += rows;
            return rows;
        }

        public void Dispose()
        {
            // It has nothing of its own.
        }
    }
}
