using Millrace.Testing;

namespace Millrace.SystemTests;

/// <summary>The examples do what their text says.</summary>
public sealed class ExampleTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_quickstart_turns_both_files_into_tables_and_may_be_run_again()
    {
        string[] arguments = ["run", "examples/quickstart/job.yaml", "--json", "--state", _folder["state"], "--set", $"target={_folder["lake"]}"];
        for (var round = 0; round < 2; round++)
        {
            var exit = (await MillraceProcess.RunAsync(arguments)).Expect(0);
            var finished = exit.LastJson();
            Assert.Equal("succeeded", finished.GetProperty("status").GetString());
            Assert.Equal(420 + 1260, finished.GetProperty("rows_written").GetInt64());
        }

        Assert.Equal(["order_events", "orders"], Directory.EnumerateDirectories(_folder["lake"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.All(["orders", "order_events"], table => Assert.NotEmpty(Directory.EnumerateFiles(_folder["lake/" + table], "*.parquet")));
    }
}
