using System.Text;
using Millrace.Faults;
using Millrace.Testing;

namespace Millrace.Connectors.Tests.Files.Source;

/// <summary>Damaged source files: rows, or a fault of the source that names the file. Never a hang, never another exception, never a fault without a place.</summary>
public sealed class FilesFuzzTests : IDisposable
{
    private const int Rounds = 20;

    private readonly FilesRun _run = new() { UnitBytes = 200 };

    public static TheoryData<string, int> Cases
    {
        get
        {
            var cases = new TheoryData<string, int>();
            foreach (var name in new[] { "a.csv", "a.ndjson", "a.json", "a.csv.gz", "a.parquet" })
            {
                cases.Add(name, 1);
                // A zero character in the name of a column.
                cases.Add(name, 2288618);
                cases.Add(name, Environment.TickCount);
            }

            return cases;
        }
    }

    public void Dispose() => _run.Dispose();

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Whatever_a_file_holds_is_rows_or_a_fault_that_names_it(string name, int seed)
    {
        var random = new Random(seed);
        var sound = Sound(name);
        for (var round = 0; round < Rounds; round++)
        {
            var damaged = Damage.To(sound, random);
            _run.File(name, damaged);
            try
            {
                await _run.RowsAsync(FilesRun.Stream(name)).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
            }
            catch (Fault fault)
            {
                Assert.True(fault.Where?.Contains(name, StringComparison.Ordinal) == true, $"seed {seed}, round {round}: {fault.Where}: {fault.Message}");
            }
            catch (Exception error)
            {
                Assert.Fail($"seed {seed}, round {round}, {Convert.ToHexString(damaged)}: {error}");
            }
        }
    }

    /// <summary>SQL would end there.</summary>
    [Theory]
    [InlineData("a.csv", "id,n\0ame\n1,2\n")]
    [InlineData("a.ndjson", "{\"id\":1,\"n\\u0000ame\":2}\n")]
    public async Task A_zero_character_in_the_name_of_a_column_is_told(string name, string text)
    {
        _run.File(name, Encoding.UTF8.GetBytes(text));
        var fault = await _run.FaultAsync(FilesRun.Stream(name));
        Assert.Contains("has a zero character in the name of the column", fault.Message, StringComparison.Ordinal);
        Assert.Contains(name, fault.Where, StringComparison.Ordinal);
    }

    private byte[] Sound(string name)
    {
        var csv = new StringBuilder("id,name,amount,at\n");
        var json = new StringBuilder();
        for (var i = 0; i < 40; i++)
        {
            csv.Append($"{i},\"na\"\"me {i}\n\",{i}.25,2024-01-{1 + (i % 28):00}\n");
            json.Append($"{{\"id\": {i}, \"name\": \"n\\u00fc{i}\", \"list\": [1, {i}], \"sub\": {{\"a\": null}}}}\n");
        }

        if (name.EndsWith(".csv", StringComparison.Ordinal)) return Encoding.UTF8.GetBytes(csv.ToString());
        if (name.EndsWith(".gz", StringComparison.Ordinal)) return CsvSourceTests.Gzip(csv.ToString());
        if (name.EndsWith(".ndjson", StringComparison.Ordinal)) return Encoding.UTF8.GetBytes(json.ToString());
        if (name.EndsWith(".json", StringComparison.Ordinal)) return Encoding.UTF8.GetBytes("[" + json.ToString().TrimEnd().Replace("\n", ",\n", StringComparison.Ordinal) + "]");
        var path = Path.Combine(_run.Folder, "sound.parquet");
        using var database = DuckDb.DuckDbDatabase.Open();
        using var connection = database.Connect();
        connection.Execute($"COPY (SELECT i AS id, 'name ' || i AS name, [i, 2] AS list FROM range(500) AS r(i)) TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 100)");
        var bytes = File.ReadAllBytes(path);
        File.Delete(path);
        return bytes;
    }
}
