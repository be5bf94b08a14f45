using System.Globalization;
using Millrace.DuckDb;
using Millrace.Extract;

namespace Millrace.Connectors.Postgres.Reading;

/// <summary>
/// The rejected rows of one reader: a tuple that was refused waits until the chunk before it is done, and then becomes a chunk of its own.
/// </summary>
/// <param name="vector">The chunk's vector that says why a row is rejected.</param>
/// <param name="names">The names in the source of the columns that are read.</param>
internal sealed class PgRejects(int vector, string[] names) : IDisposable
{
    private readonly RejectNote _note = new();
    private byte[]? _tuple;

    /// <summary>Whether a row waits.</summary>
    public bool IsWaiting => _tuple is not null;

    /// <summary>The number, in its piece, of the row that waits or waited last.</summary>
    public long Row { get; private set; }

    /// <summary>Begins a chunk of rows that are fine.</summary>
    public void Begin(in ChunkWriter chunk) => chunk.Column(vector).SetAllNull();

    /// <summary>Keeps a refused tuple.</summary>
    public void Wait(ReadOnlySpan<byte> tuple, long row)
    {
        _tuple = tuple.ToArray();
        Row = row;
    }

    /// <summary>Makes the row that waits the chunk's only one.</summary>
    public void Decode(RowDecoder decoder, in ChunkWriter chunk)
    {
        _note.Begin(string.Create(CultureInfo.InvariantCulture, $"row {Row}"));
        decoder.DecodeRejected(_tuple, 0, names, _note);
        _tuple = null;
        var why = chunk.Column(vector);
        why.SetValid(0);
        why.SetString(0, _note.End());
    }

    /// <inheritdoc/>
    public void Dispose() => _note.Dispose();
}
