using System.Collections.Immutable;
using System.Text;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;

namespace Millrace.Connectors.Files.Source;

/// <summary>
/// Finds dialect, columns and types of CSV files. DuckDB's sniffer proposes the dialect; the types are found by the very conditions that
/// later guard each value, so that a type is never taken that the sample does not fit.
/// </summary>
internal sealed class CsvInspector(Probe probe, StreamJob stream, string encoding, Packing? packing)
{
    private readonly ReadOptions _options = stream.Read;

    /// <summary>Looks into some files of a stream.</summary>
    /// <exception cref="Fault">The dialect can't be found, or a file can't be read.</exception>
    public async Task<Inspected> InspectAsync(IReadOnlyList<SourceFile> files, TextRules rules, CancellationToken cancel)
    {
        CsvDialect? dialect = null;
        var samples = new List<(TextSample Sample, string[] Names)>();
        try
        {
            foreach (var file in files)
            {
                var sample = TextSample.Of(file, FormatOf.PackingOf(file.Path, packing), encoding, CommentOnly(), SourceFormat.Csv);
                samples.Add((sample, []));
                if (new FileInfo(sample.Path).Length == 0) continue;
                dialect ??= await DialectAsync(sample, file.Path, cancel).ConfigureAwait(false);
                samples[^1] = (sample, await NamesAsync(sample.Path, file.Path, dialect, cancel).ConfigureAwait(false));
            }

            dialect ??= Said(",", "\"", "\"", header: _options.Header ?? true, skip: 0);
            var names = Union(samples.Select(sample => sample.Names));
            if (names.Length > Limits.ColumnsMax)
                throw SourceFaults.Data(files[0].Path, $"found {names.Length} columns, expected at most {Limits.ColumnsMax}", "Check `read.delimiter`.");
            var types = await TypesAsync(samples, names, dialect, rules, cancel).ConfigureAwait(false);
            return new Inspected { Columns = types, Csv = dialect };
        }
        finally
        {
            foreach (var (sample, _) in samples) sample.Dispose();
        }
    }

    /// <summary>The names of a file's columns.</summary>
    public static async Task<string[]> NamesAsync(Probe probe, string path, CsvDialect dialect, CancellationToken cancel)
    {
        using var result = await probe.QueryAsync(
            $"SELECT * FROM read_csv({Sql.Path(path)}, auto_detect = false, delim = chr(1), quote = '', escape = '', header = false, columns = {{l: 'VARCHAR'}}) LIMIT {dialect.Skip + 1}",
            cancel).ConfigureAwait(false);
        var text = new StringBuilder();
        while (result.Read()) text.Append(result.GetText(0)).Append('\n');
        return CsvHeader.Parse(text.ToString(), dialect, whole: true) ?? [];
    }

    private CsvDialect CommentOnly() => Said(",", _options.Quote ?? "\"", _options.Escape ?? "\"", header: true, skip: 0);

    private CsvDialect Said(string delimiter, string quote, string escape, bool header, int skip) => new()
    {
        Delimiter = _options.Delimiter ?? delimiter,
        Quote = _options.Quote ?? quote,
        Escape = _options.Quote == "" ? "" : _options.Escape ?? escape,
        Header = _options.Header ?? header,
        Skip = skip,
        Comment = _options.Comment ?? "",
        NullWords = _options.NullWords.IsDefaultOrEmpty ? [""] : _options.NullWords,
        Pad = _options.Ragged == "pad",
    };

    private async Task<CsvDialect> DialectAsync(TextSample sample, string path, CancellationToken cancel)
    {
        if (_options is { Delimiter: not null, Header: not null }) return Said(",", "\"", "\"", header: true, skip: 0);
        var said = new StringBuilder();
        if (_options.Delimiter is { } delimiter) said.Append(", delim = ").Append(SqlText.Literal(delimiter));
        if (_options.Header is { } header) said.Append(", header = ").Append(header ? "true" : "false");
        if (_options.Quote is { } quote) said.Append(", quote = ").Append(SqlText.Literal(quote));
        if (_options.Escape is { } escape) said.Append(", escape = ").Append(SqlText.Literal(escape));
        if (_options.Ragged == "pad") said.Append(", null_padding = true");
        var found = await SniffAsync(sample.Path, said.ToString(), cancel).ConfigureAwait(false)
            ?? throw SourceFaults.Data(
                path,
                "its delimiter, quotes and header can't be found from its first rows: " + _lastRefusal.Split('\n')[0],
                "Say them: `read: {delimiter: \";\", quote: '\"', header: true}`; `ragged: pad` takes rows that are too short.");

        // Without a quote in the sample the sniffer says that there are none; later rows may have them. Where quotes were found to be
        // plain text (5" pipe), reading them as quotes gives other columns.
        if (_options.Quote is null && found.Quote.Length == 0)
        {
            var quoted = await SniffAsync(sample.Path, said + ", quote = '\"', escape = '\"'", cancel).ConfigureAwait(false);
            var literal = quoted is null && HasQuotes(sample);
            found = found with { Quote = literal ? "" : "\"", Escape = literal ? "" : "\"" };
        }

        return Said(found.Delimiter, found.Quote, found.Escape.Length == 0 ? found.Quote : found.Escape, found.Header, found.Skip);
    }

    private string _lastRefusal = "";

    private async Task<CsvDialect?> SniffAsync(string sample, string said, CancellationToken cancel)
    {
        foreach (var buffer in CsvBuffer.Tries)
        {
            var found = await SniffAsync(sample, said, buffer, cancel).ConfigureAwait(false);
            if (found is not null || !ReadErrors.IsLineTooLong(_lastRefusal)) return found;
        }

        return null;
    }

    private async Task<CsvDialect?> SniffAsync(string sample, string said, CsvBuffer buffer, CancellationToken cancel)
    {
        try
        {
            using var result = await probe.QueryAsync(
                $"SELECT Delimiter, Quote, Escape, SkipRows::BIGINT, HasHeader FROM sniff_csv({Sql.Path(sample)}, sample_size = {Limits.SampleRowsMax},"
                + $" comment = '', {buffer.Arguments}{said})",
                cancel).ConfigureAwait(false);
            if (!result.Read()) return null;
            return new CsvDialect
            {
                Delimiter = Character(result.GetText(0)),
                Quote = Character(result.GetText(1)),
                Escape = Character(result.GetText(2)),
                Skip = (int)result.GetInt64(3),
                Header = result.GetBoolean(4),
                NullWords = [""],
            };
        }
        catch (DuckDbException error) when (error.Type != DuckDbErrorType.Interrupt)
        {
            _lastRefusal = error.Message;
            return null;
        }
    }

    private static string Character(string? text) => text is null or "(empty)" ? "" : text;

    // Whether the sample has quotes at all. What is packed as zstd can't be looked into here and counts as having some.
    private static bool HasQuotes(TextSample sample)
    {
        if (sample.Packing != Packing.None) return true;
        using var file = new FileStream(sample.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var head = new byte[Limits.CsvHeaderBytesMax];
        return head.AsSpan(0, file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)).Contains((byte)'"');
    }

    private async Task<string[]> NamesAsync(string sample, string path, CsvDialect dialect, CancellationToken cancel)
    {
        try
        {
            if (dialect.Header && FormatOf.PackingOf(path, packing) != Packing.Zstd)
            {
                using var text = TextStreams.Open(sample, Packing.None, "utf-8", dialect, SourceFormat.Csv);
                return CsvHeader.Unique(CsvHeader.Read(text, dialect, path));
            }

            if (dialect.Header) return CsvHeader.Unique(await NamesAsync(probe, sample, dialect, cancel).ConfigureAwait(false));
            var columns = await probe.DescribeAsync(
                $"FROM read_csv({Sql.Path(sample)}, auto_detect = true, header = false, all_varchar = true, delim = {SqlText.Literal(dialect.Delimiter)},"
                + $" quote = {SqlText.Literal(dialect.Quote)}, escape = {SqlText.Literal(dialect.Escape)}, skip = {dialect.Skip}{(dialect.Pad ? ", null_padding = true" : "")})",
                cancel).ConfigureAwait(false);
            return [.. Enumerable.Range(0, columns.Count).Select(i => $"column{i}")];
        }
        catch (Exception error) when (error is InvalidDataException or DuckDbException { Type: not DuckDbErrorType.Interrupt })
        {
            throw SourceFaults.Data(path, error.Message.Split('\n')[0], "Check `read.quote` and `read.delimiter`.", error);
        }
    }

    private static ImmutableArray<string> Union(IEnumerable<string[]> lists)
    {
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        return [.. lists.SelectMany(names => names).Where(seen.Add)];
    }

    private async Task<ImmutableArray<InspectedColumn>> TypesAsync(
        List<(TextSample Sample, string[] Names)> samples, ImmutableArray<string> names, CsvDialect dialect, TextRules rules, CancellationToken cancel)
    {
        var misfits = new TypeTally(names);
        foreach (var (sample, fileNames) in samples)
        {
            if (fileNames.Length > 0) await TallyAsync(misfits, sample, fileNames, dialect, rules, cancel).ConfigureAwait(false);
        }

        return misfits.Columns();
    }

    private async Task TallyAsync(TypeTally tally, TextSample sample, string[] names, CsvDialect dialect, TextRules rules, CancellationToken cancel)
    {
        var raws = names.Select((name, i) => (name, $"c{i}")).ToList();
        for (var size = 0; ; size++)
        {
            var arguments = dialect.Arguments(names.Length, header: true, CsvBuffer.Tries[size]);
            try
            {
                await tally.AddAsync(probe, Scan(arguments), raws, rules, cancel).ConfigureAwait(false);
                return;
            }
            catch (DuckDbException error) when (ReadErrors.IsLineTooLong(error.Message) && size + 1 < CsvBuffer.Tries.Length)
            {
                // Once more with larger buffers.
            }
            catch (DuckDbException error) when (error.Type != DuckDbErrorType.Interrupt)
            {
                // The sample has rows that can't be read: the unit that holds them says which. Here they are left out.
                await tally.AddAsync(probe, Scan("ignore_errors = true, " + arguments), raws, rules, cancel).ConfigureAwait(false);
                return;
            }
        }

        string Scan(string arguments) => $"(SELECT * FROM read_csv({Sql.Path(sample.Path)}, {arguments}) LIMIT {Limits.SampleRowsMax})";
    }
}
