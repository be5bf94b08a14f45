namespace Millrace.Connectors.Files.Source.Text;

/// <summary>One file of a text table.</summary>
/// <param name="Path">Its absolute path.</param>
/// <param name="Open">Opens it as UTF-8 bytes; called once.</param>
/// <param name="FromStart">Whether that is from its beginning, where skipped lines, the header and a byte order mark stand.</param>
/// <param name="Columns">CSV: the table's column for each of the file's fields; -1: none.</param>
/// <param name="Rows">The rows of it that are read; null: all.</param>
/// <param name="FirstRow">Data rows of the file before what <see cref="Open"/> gives.</param>
internal sealed record TextFile(string Path, Func<Stream> Open, bool FromStart, int[] Columns, SliceRange? Rows = null, long FirstRow = 0);

/// <summary>Reads the records of one format from a <see cref="TextBuffer"/> into columns.</summary>
internal interface IRecordReader
{
    /// <summary>Begins a file, which the buffer is at the start of.</summary>
    void Begin(TextFile file);

    /// <summary>Reads the next record into a row; false at the end of the file.</summary>
    /// <exception cref="UnusualText">There is something that only DuckDB's readers take, or explain.</exception>
    bool Next(TextColumn[] columns, int row);
}
