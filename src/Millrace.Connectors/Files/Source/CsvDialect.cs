using System.Collections.Immutable;
using System.Text;
using System.Text.Json.Serialization;
using Millrace.DuckDb;

namespace Millrace.Connectors.Files.Source;

/// <summary>A CSV dialect, complete: nothing is left for a reader to guess.</summary>
internal sealed record CsvDialect
{
    /// <summary>Between two fields; 1 to 4 bytes.</summary>
    public required string Delimiter { get; init; }

    /// <summary>Around a field; empty: none.</summary>
    public required string Quote { get; init; }

    /// <summary>Before a quote inside a quoted field; the quote itself: doubled; empty: none.</summary>
    public required string Escape { get; init; }

    /// <summary>Whether the first record names the columns.</summary>
    public required bool Header { get; init; }

    /// <summary>Lines before the header that are not read.</summary>
    public int Skip { get; init; }

    /// <summary>What a line that is left out starts with; empty: none.</summary>
    public string Comment { get; init; } = "";

    /// <summary>Words that mean NULL when they stand without quotes.</summary>
    public required ImmutableArray<string> NullWords { get; init; }

    /// <summary>Whether nothing between two delimiters is NULL; in columns that are no text, nothing between two quotes is NULL then too.</summary>
    [JsonIgnore]
    public bool EmptyIsNull => NullWords.Contains("");

    /// <summary>Whether a row with too few fields ends in NULLs; otherwise it is refused.</summary>
    public bool Pad { get; init; }

    /// <summary>
    /// The arguments of <c>read_csv</c> for columns that are all text. <c>new_line</c> is never given: with the wrong one DuckDB reads no
    /// row and says nothing. Nor are comments: DuckDB would also cut the end of a line; they are taken out before.
    /// </summary>
    /// <param name="columns">How many columns the files have; they are named c0, c1, ….</param>
    /// <param name="header">Whether the text starts with the skipped lines and the header.</param>
    /// <param name="buffer">Sizes of DuckDB's buffers.</param>
    public string Arguments(int columns, bool header, CsvBuffer buffer)
    {
        var text = new StringBuilder("auto_detect = false");
        text.Append(", delim = ").Append(SqlText.Literal(Delimiter));
        text.Append(", quote = ").Append(SqlText.Literal(Quote));
        text.Append(", escape = ").Append(SqlText.Literal(Escape));
        text.Append(", header = ").Append(header && Header ? "true" : "false");
        text.Append(", skip = ").Append(header ? Skip : 0);
        text.Append(", nullstr = [").AppendJoin(", ", NullWords.Select(SqlText.Literal)).Append(']');
        text.Append(", allow_quoted_nulls = false");
        // DuckDB refuses padding together with quoted line ends unless one thread reads.
        if (Pad) text.Append(", null_padding = true").Append(buffer.Parallel ? ", parallel = false" : "");
        text.Append(", ").Append(buffer.Arguments);
        text.Append(", columns = {");
        for (var i = 0; i < columns; i++) text.Append(i == 0 ? "" : ", ").Append('c').Append(i).Append(": 'VARCHAR'");
        return text.Append('}').ToString();
    }
}

/// <summary>How much DuckDB's CSV reader takes at a time. Its own default is 32 MB for each thread.</summary>
/// <param name="LineBytes">The longest record that is read.</param>
internal sealed record CsvBuffer(long LineBytes)
{
    /// <summary>For ordinary files: as fast as large ones, and two threads stay below 100 MB in all.</summary>
    public static CsvBuffer Small { get; } = new(Limits.TextLineBytesSmall);

    /// <summary>The sizes that planning tries on a sample, one after another.</summary>
    public static ImmutableArray<CsvBuffer> Tries { get; } = [Small, new(Limits.TextLineBytesMedium), new(Limits.TextLineBytesMax)];

    /// <summary>One buffer; each thread holds two or three.</summary>
    public long Bytes => LineBytes + Limits.TextLineBytesSmall;

    /// <summary>Whether several threads read one file.</summary>
    public bool Parallel => LineBytes <= Limits.TextLineBytesSmall;

    /// <summary>The arguments of <c>read_csv</c>.</summary>
    public string Arguments => $"buffer_size = {Bytes}, max_line_size = {LineBytes}{(Parallel ? "" : ", parallel = false")}";
}
