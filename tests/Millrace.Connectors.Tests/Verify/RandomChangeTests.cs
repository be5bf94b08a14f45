using System.Globalization;
using Millrace.Connectors.Tests.Files;
using Millrace.Jobs;
using Millrace.Runs;
using Millrace.Telemetry;
using Millrace.Testing;
using Millrace.Verify;

namespace Millrace.Connectors.Tests.Verify;

/// <summary>
/// Invariant: whatever rows of a source are changed, removed and added after a run, <c>verify</c> names exactly their keys, with the columns that
/// differ, and nothing when nothing was changed. Keys have two parts, NULL and '' among their values; rows move between units.
/// </summary>
public sealed class RandomChangeTests : IDisposable
{
    private readonly TempFolder _folder = new();

    [Fact]
    public async Task Exactly_the_changed_keys_are_named()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        for (var round = 0; round < 6; round++)
        {
            var rows = new SortedDictionary<string, string[]>(StringComparer.Ordinal);
            for (var i = 0; i < 2_000; i++) rows[$"{i}|{Part(i)}"] = [$"{random.Next(1000)}", random.Next(3) == 0 ? "" : $"\"w, {random.Next(50)}\""];
            Write(rows, random);
            var job = Job(round);
            var run = await RunAsync(job);
            var same = Assert.Single((await VerifyAsync(job, run)).Streams);
            Assert.True(same.IsEqual && same.Rows is null && same.Changes.IsEmpty, $"seed {seed}, round {round}: {same}");

            var expected = Change(rows, random);
            Write(rows, random);
            var verdict = Assert.Single((await VerifyAsync(job, run)).Streams);
            var found = verdict.Rows is null ? [] : verdict.Rows.Keys.Select(static key =>
                $"{key.Key[0]}|{key.Key[1] ?? ""}: {key.InSource}/{key.InTarget} {string.Join(',', key.Columns)}").ToHashSet(StringComparer.Ordinal);
            Assert.True(found.SetEquals(expected), $"seed {seed}, round {round}: expected {string.Join("; ", expected.Except(found))}, found {string.Join("; ", found.Except(expected))}");
            Assert.Equal(expected.Count == 0, verdict.IsEqual);
        }
    }

    public void Dispose() => _folder.Dispose();

    private static string Part(int i) => (i % 3) switch { 0 => "", 1 => "\"\"", _ => "p" + (i % 7).ToString(CultureInfo.InvariantCulture) };

    /// <summary>Changes some rows; says what must be found.</summary>
    private static HashSet<string> Change(SortedDictionary<string, string[]> rows, Random random)
    {
        var expected = new HashSet<string>(StringComparer.Ordinal);
        foreach (var key in rows.Keys.ToArray().OrderBy(_ => random.Next()).Take(random.Next(40)))
        {
            var shown = key.Replace("\"\"", "", StringComparison.Ordinal);
            switch (random.Next(3))
            {
                case 0:
                    rows.Remove(key);
                    expected.Add($"{shown}: 0/1 ");
                    break;
                case 1:
                    rows[key] = [rows[key][0] + "1", rows[key][1]];
                    expected.Add($"{shown}: 1/1 v");
                    break;
                default:
                    // An empty field is NULL, "" is a text.
                    rows[key] = ["-1", rows[key][1].Length == 0 ? "\"\"" : ""];
                    expected.Add($"{shown}: 1/1 v,words");
                    break;
            }
        }

        for (var i = random.Next(5); i > 0; i--)
        {
            rows[$"{3000 + i}|new"] = ["0", ""];
            expected.Add($"{3000 + i}|new: 1/0 ");
        }

        return expected;
    }

    private void Write(SortedDictionary<string, string[]> rows, Random random)
    {
        var lines = rows.Select(static row => $"{row.Key.Split('|')[0]},{row.Key.Split('|')[1]},{row.Value[0]},{row.Value[1]}").ToArray();
        random.Shuffle(lines);
        _folder.Write("in.csv", "id,part,v,words\n" + string.Join('\n', lines) + "\n");
    }

    private Job Job(int round)
    {
        var reading = JobReader.ReadShortForm(
            new JobOverrides
            {
                From = _folder["in.csv"],
                To = _folder["lake"],
                State = _folder["state"],
                Workers = "2",
                Sets =
                [
                    "engine=inproc", "format=" + (round % 3) switch { 0 => "parquet", 1 => "csv", _ => "ndjson" }, "streams.in.partition.rows=300",
                    "streams.in.types={id: bigint, part: text, v: bigint, words: text}",
                ],
            },
            _folder.Path);
        Assert.True(reading.Job is not null, string.Join('\n', reading.Faults.Select(static fault => fault.Describe())));
        return reading.Job;
    }

    private async Task<string> RunAsync(Job job)
    {
        var summary = await new DataPath(FileRuns.Options(_folder)).RunAsync(job, TestContext.Current.CancellationToken);
        Assert.True(summary.Faults.IsEmpty, string.Join('\n', summary.Faults.Select(static fault => fault.Describe())));
        return summary.Run;
    }

    private async Task<VerifySummary> VerifyAsync(Job job, string run)
    {
        var summary = await new RunVerification(FileRuns.Options(_folder), ["id", "part"]).RunAsync(RunDirectory.Open(_folder["state"], run), job, TestContext.Current.CancellationToken);
        Assert.All(summary.Faults, static fault => Assert.Equal(4, fault.ExitCode));
        return summary;
    }
}
