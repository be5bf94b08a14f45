using Millrace.Faults;

namespace Millrace.Jobs.Reading;

/// <summary>Reads <c>read</c>: how source files are read.</summary>
internal static class FileReading
{
    private const int DelimiterCharsMax = 4;

    private static readonly string[] CsvOnly = ["delimiter", "quote", "escape", "header", "null", "comment", "decimal", "ragged"];

    private static readonly string[] TextOnly = ["encoding", "date_format", "timestamp_format", "compression"];

    /// <summary>Reads the options; mistakes are noted.</summary>
    public static ReadOptions Read(MapReader reader)
    {
        var options = new ReadOptions
        {
            Format = reader.Choice("format", Choices.ReadFormat),
            Compression = reader.Choice("compression", Choices.Compression),
            Delimiter = Characters(reader, "delimiter", 1, DelimiterCharsMax),
            Quote = Characters(reader, "quote", 0, 1),
            Escape = Characters(reader, "escape", 0, 1),
            Header = reader.Truth("header"),
            NullWords = reader.Texts("null", mayBeEmpty: true),
            Comment = Characters(reader, "comment", 0, 1),
            Encoding = reader.Text("encoding"),
            Decimal = reader.Choice("decimal", Choices.Decimal),
            DateFormat = Strftime(reader, "date_format"),
            TimestampFormat = Strftime(reader, "timestamp_format"),
            Ragged = reader.Choice("ragged", Choices.Ragged),
            MissingColumns = reader.Choice("missing_columns", Choices.MissingColumns),
            FileNameColumn = reader.Text("file_name_column"),
            HivePartitions = reader.Truth("hive"),
        };
        if (options.Decimal is { } mark && options.Delimiter == mark)
        {
            reader.Fault("decimal", $"found '{mark}' both as the decimal mark and as the delimiter", "Change one of them.");
        }

        if (options.Quote is { Length: > 0 } quote && options.Delimiter?.Contains(quote, StringComparison.Ordinal) == true)
        {
            reader.Fault("quote", "found the quote character inside the delimiter", "Change one of them.");
        }

        RefuseForOtherFormats(reader, options.Format);
        return options;
    }

    /// <summary>An option that the named format has no use for is a misunderstanding, not something to pass over.</summary>
    private static void RefuseForOtherFormats(MapReader reader, string? format)
    {
        if (format is null or "csv")
        {
            return;
        }

        var useless = format == "parquet" ? CsvOnly.Concat(TextOnly) : CsvOnly;
        foreach (var key in useless.Where(reader.Has))
        {
            reader.Fault(key, $"found '{key}', which {format} files do not have", "Leave it out, or correct read.format.");
        }
    }

    private static string? Characters(MapReader reader, string key, int min, int max)
    {
        var text = reader.Text(key, mayBeEmpty: min == 0);
        if (text is @"\t")
        {
            return "\t";
        }

        if (text is null || (text.Length >= min && text.Length <= max && !text.AsSpan().ContainsAny('\r', '\n')))
        {
            return text;
        }

        reader.Fault(key, $"found {Words.Quote(text)}, expected {KeyTable.Read.Find(key)!.Expected}, and no line end");
        return null;
    }

    private static string? Strftime(MapReader reader, string key)
    {
        var format = reader.Text(key);
        if (format is null || format.Contains('%', StringComparison.Ordinal))
        {
            return format;
        }

        reader.Fault(key, $"found {Words.Quote(format)}, expected {KeyTable.Read.Find(key)!.Expected}", "Each part of the date is a letter behind a per cent sign: %Y year, %m month, %d day, %H hour, %M minute, %S second.");
        return null;
    }
}
