using System.Text.RegularExpressions;
using Millrace.Testing;

namespace Millrace.SystemTests;

/// <summary>A job file with mistakes: all of them at once, each with its line.</summary>
public sealed partial class JobMistakeTests : IDisposable
{
    // Thirteen, on nine lines.
    private const string Mistakes =
        """
        name: events to lake!
        source: ${PG_URL}
        target: ./lake
        format: parket
        engine: laptop
        limits: {memory: 3MB, workers: many, disc: 1GB}
        streams:
          public.events:
            mode: replace
            consistency: snapshot
            columns: {a: b}
            partition: {by: magic, rows: -5}
            write: {codec: zip, level: 99}
        colour: blue
        """;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("run")]
    [InlineData("check")]
    [InlineData("plan")]
    public async Task Every_mistake_is_told_with_its_line(string verb)
    {
        var job = _folder.Write("job.yaml", Mistakes);
        var exit = (await MillraceProcess.RunAsync([verb, job], new MillraceStart { Environment = new Dictionary<string, string?> { ["PG_URL"] = "postgres://u:s3cret@localhost/x" } })).Expect(2);
        var told = Place().Matches(exit.Stderr).Select(static match => int.Parse(match.Groups["line"].Value)).ToList();
        Assert.Equal((int[])[1, 4, 5, 6, 6, 6, 9, 11, 12, 12, 13, 13, 14], told.Order());
        Assert.DoesNotContain("s3cret", exit.Stderr, StringComparison.Ordinal);
        Assert.Empty(Directory.GetDirectories(_folder.Path));
    }

    [GeneratedRegex(@"^error: [^\n]*job\.yaml:(?<line>\d+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Place();
}
