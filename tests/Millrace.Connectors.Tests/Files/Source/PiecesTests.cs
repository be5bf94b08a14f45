using System.Globalization;
using System.Text;
using Millrace.Jobs;
using static Millrace.Connectors.Tests.Files.Source.FilesRun;

namespace Millrace.Connectors.Tests.Files.Source;

/// <summary>Large files, cut and read piece by piece: every row once, in its piece.</summary>
public sealed class PiecesTests : IDisposable
{
    private const int Rows = 60_000;

    private readonly FilesRun _run = new();

    [Fact]
    public async Task Ranges_of_a_csv_file_give_its_rows_once()
    {
        var text = new StringBuilder("id,note\n");
        for (var i = 0; i < Rows; i++)
        {
            text.Append(i).Append(',');
            if (i % 3 == 0) text.Append("\"line\n").Append(i).Append(",\"\"é\"\"\"");
            else text.Append("plain 日本 text ").Append(i);
            text.Append('\n');
        }

        _run.File("a.csv", text.ToString());
        await AssertRowsAsync("a.csv", i => i % 3 == 0 ? $"line\n{i},\"é\"" : $"plain 日本 text {i}");
    }

    [Fact]
    public async Task Ranges_of_an_ndjson_file_give_its_rows_once()
    {
        var text = new StringBuilder();
        for (var i = 0; i < Rows; i++) text.Append(CultureInfo.InvariantCulture, $$"""{"id":{{i}},"note":"{{Note(i)}}"}""").Append('\n');
        _run.File("a.ndjson", text.ToString());
        await AssertRowsAsync("a.ndjson", Note);
    }

    public void Dispose() => _run.Dispose();

    private static string Note(int i) => new('é', i % 50);

    private async Task AssertRowsAsync(string name, Func<int, string> note)
    {
        var plan = await _run.PlanAsync(Stream(name) with { Partition = new PartitionSpec { Rows = 5_000 } });
        var units = await UnitsAsync(plan);
        Assert.True(units.Count > 5, $"{units.Count} units");
        var rows = await RowsAsync(plan);
        Assert.Equal(Enumerable.Range(0, Rows).Select(i => string.Create(CultureInfo.InvariantCulture, $"{i}|{note(i)}")), rows);
    }
}
