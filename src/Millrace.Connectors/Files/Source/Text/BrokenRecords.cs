using Millrace.DuckDb;

namespace Millrace.Connectors.Files.Source.Text;

/// <summary>
/// Records whose structure is broken and whose borders are certain, where they go to quarantine: a row of NULLs, beside it the reason and
/// the record's text. Where there is none of these, such a record is <see cref="UnusualText"/>.
/// </summary>
internal sealed class BrokenRecords
{
    private VectorWriter _reasons;
    private VectorWriter _texts;

    /// <summary>Whether records are counted or passed over only: nothing is written.</summary>
    public bool IsSkipping { get; set; } = true;

    /// <summary>Takes the vectors of a new chunk.</summary>
    public void Begin(VectorWriter reasons, VectorWriter texts)
    {
        (_reasons, _texts) = (reasons, texts);
        _reasons.SetAllNull();
        _texts.SetAllNull();
    }

    /// <summary>Writes a record.</summary>
    /// <param name="columns">The columns, of which some may have been written already.</param>
    /// <param name="row">Its row.</param>
    /// <param name="reason">What was found, what was expected.</param>
    /// <param name="record">The record as its file spells it, without its end.</param>
    /// <exception cref="UnusualText">It is not UTF-8.</exception>
    public void Take(TextColumn[] columns, int row, string reason, ReadOnlySpan<byte> record)
    {
        for (var i = 0; i < columns.Length; i++)
        {
            if (columns[i].IsWanted) columns[i].SetNothing(row);
        }

        if (IsSkipping) return;
        _texts.SetValid(row);
        if (!_texts.SetString(row, record)) throw TextColumn.NotUtf8();
        _reasons.SetValid(row);
        _reasons.SetString(row, System.Text.Encoding.UTF8.GetBytes(reason));
    }
}
