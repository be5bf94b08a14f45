using Millrace.Connectors.Postgres.Protocol;
using Millrace.Connectors.Postgres.Reading;
using Millrace.Connectors.Postgres.Types;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Transform;

namespace Millrace.Connectors.Postgres.Lookup;

/// <summary>One connection that asks: keys as arrays of texts, rows in binary into vectors.</summary>
internal sealed class PgLookupSession(PgConnection connection) : ILookupSession
{
    private readonly Dictionary<string, Question> _questions = new(StringComparer.Ordinal);
    private volatile bool _isCancelled;

    /// <inheritdoc/>
    public bool IsUsable => connection.IsUsable && !_isCancelled;

    /// <inheritdoc/>
    public void Ask(LookupHeader lookup, in LookupKeys keys, ILookupRows rows)
    {
        if (!_questions.TryGetValue(lookup.QueryJson, out var question)) _questions[lookup.QueryJson] = question = new Question(lookup);
        question.Take(keys);
        question.Begin(rows);
        connection.Ask(question.Sql, question.Parameters, question.Row, () => _isCancelled);
        question.Flush();
    }

    /// <inheritdoc/>
    public void Cancel()
    {
        _isCancelled = true;
        connection.Cancel();
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        foreach (var question in _questions.Values) question.Dispose();
        return connection.DisposeAsync();
    }

    /// <summary>One lookup's query, the texts of its keys, and the chunk that its rows are decoded into.</summary>
    private sealed class Question : IDisposable
    {
        private readonly LookupHeader _lookup;
        private readonly RowBatch _batch;
        private readonly RowDecoder _decoder;
        private readonly int[] _vectors;
        private readonly PgRowTaker _take;
        private ILookupRows? _rows;
        private int _count;
        private long _bytes;

        public Question(LookupHeader lookup)
        {
            _lookup = lookup;
            var query = PgLookupQuery.Parse(lookup.QueryJson);
            Sql = query.Sql;
            DuckDbType[] types = [DuckDbType.BigInt, .. lookup.Columns.Select(static column => DuckDbType.Parse(column.Type))];
            WireShape[] shapes = [new WireShape(WireKind.Int64), .. query.Shapes];
            _batch = new RowBatch(types);
            _decoder = new RowDecoder([.. shapes.Zip(types, ColumnDecoder.For)]);
            _vectors = [.. Enumerable.Range(0, types.Length)];
            Parameters = [.. lookup.Key.Select(static _ => new ByteList())];
            _take = Decode;
        }

        public string Sql { get; }

        public ByteList[] Parameters { get; }

        public PgRowTaker Row => _take;

        /// <summary>Writes the keys as texts of arrays: every element in quotes, so that no byte of it means anything but itself.</summary>
        public void Take(in LookupKeys keys)
        {
            for (var column = 0; column < Parameters.Length; column++)
            {
                var text = Parameters[column];
                text.Clear(Limits.LookupBufferBytesKept);
                text.Append("{"u8);
                for (var key = 0; key < keys.Count; key++)
                {
                    if (key > 0) text.Append(","u8);
                    AppendElement(text, keys.Text(key, column));
                }

                text.Append("}"u8);
            }
        }

        public void Begin(ILookupRows rows)
        {
            _rows = rows;
            Clear();
        }

        /// <summary>Hands over what is decoded and was not handed over.</summary>
        public void Flush()
        {
            if (_count > 0) _rows!.Take(_batch.Read(_count));
            Clear();
        }

        public void Dispose() => _batch.Dispose();

        private void Clear()
        {
            (_count, _bytes) = (0, 0);
            _batch.Clear();
            _decoder.Begin(_batch.Writer, _vectors);
        }

        private void Decode(ReadOnlySpan<byte> row)
        {
            try
            {
                _decoder.Decode(row, _count);
            }
            catch (Exception error) when (RowDecoder.RefusalOf(error) is { } refused)
            {
                var name = _decoder.Column == 0 ? "" : _lookup.Columns[_decoder.Column - 1].Name;
                throw new Fault(FaultKind.Data, refused.Message, error)
                {
                    Side = FaultSide.Source, Where = $"lookup in {_lookup.Table}, column {name}", Advice = "Correct the value in the table, or name other columns with lookup.columns.",
                };
            }

            _bytes += row.Length;
            if (++_count == _batch.Capacity || _bytes > Limits.LookupAnswerBytes) Flush();
        }

        private static void AppendElement(ByteList text, ReadOnlySpan<byte> value)
        {
            // No text of PostgreSQL has a zero byte: such a key is equal to nothing.
            if (value.Contains((byte)0))
            {
                text.Append("NULL"u8);
                return;
            }

            text.Append("\""u8);
            while (value.IndexOfAny((byte)'"', (byte)'\\') is var at and >= 0)
            {
                text.Append(value[..at]);
                text.Append("\\"u8);
                text.Append(value.Slice(at, 1));
                value = value[(at + 1)..];
            }

            text.Append(value);
            text.Append("\""u8);
        }
    }
}
