using System.Diagnostics;
using Millrace.Jobs;
using Millrace.Testing;

namespace Millrace.Connectors.Tests.Files.Target;

/// <summary>PyArrow and Python's own csv and json read what was written: no code is shared with the writer.</summary>
public sealed class IndependentReaderTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private const string Rows =
        """
        SELECT range AS id, (range * 7919) % 1000 AS user_id, TIMESTAMPTZ '2024-01-01 00:00:00+00' + range * INTERVAL '1 ms' AS created_at,
        CASE range % 4 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN 'a,"b"' || chr(10) ELSE 'ü' END AS status, (range / 100)::DECIMAL(12,2) AS amount,
        range / 7.0 AS score, range % 2 = 0 AS is_test, md5(range::VARCHAR)::UUID AS session_id FROM range(50000)
        """;

    [Fact]
    public async Task PyArrow_reads_the_same_table()
    {
        using var load = new TargetLoad(_folder["lake"]) { Write = new WriteOptions { MaxRowsPerFile = 20_000 } };
        await load.LoadAsync(Rows, Rows);
        var seen = await PythonAsync(
            """
            import pyarrow.dataset as ds, pyarrow.compute as pc, sys
            t = ds.dataset(sys.argv[1], format='parquet').to_table()
            print(t.num_rows, pc.sum(t['id']).as_py(), pc.sum(t['amount']).as_py(), t['status'].null_count, pc.sum(pc.equal(t['status'], '')).as_py(),
                  pc.max(t['created_at']).as_py(), len(pc.unique(t['session_id'])), t.schema.field('amount').type)
            print(max(f.count_rows() for f in ds.dataset(sys.argv[1], format='parquet').get_fragments()))
            """,
            _folder["lake/events"]);
        Assert.Equal("100000 2499950000 24999500.00 25000 25000 2024-01-01 00:00:49.999000+00:00 50000 decimal128(12, 2)\n20000\n", seen);
    }

    [Theory]
    [InlineData(FileFormat.Csv, "out.csv.gz", "import csv, gzip, sys\nrows = list(csv.DictReader(gzip.open(sys.argv[1], 'rt', newline='', encoding='utf-8')))")]
    [InlineData(FileFormat.Ndjson, "out.ndjson", "import json, sys\nrows = [json.loads(line) for line in open(sys.argv[1], encoding='utf-8', newline='\\n')]")]
    public async Task Python_reads_the_same_text(FileFormat format, string name, string read)
    {
        using var load = new TargetLoad(_folder[name], format);
        await load.LoadAsync(Rows);
        var seen = await PythonAsync(
            read + "\nprint(len(rows), sum(int(r['id']) for r in rows), sum(float(r['score']) == int(r['id']) / 7 for r in rows), sum(r['status'] == 'a,\"b\"\\n' for r in rows), rows[0]['created_at'])",
            _folder[name]);
        Assert.Equal("50000 1249975000 50000 12500 2024-01-01 00:00:00+00\n", seen);
    }

    private static async Task<string> PythonAsync(string script, string argument)
    {
        var start = new ProcessStartInfo("python3") { RedirectStandardOutput = true, RedirectStandardError = true, ArgumentList = { "-s", "-c", script, argument } };
        start.Environment["PYTHONPATH"] = Testbed.Part("python");
        using var python = Process.Start(start)!;
        var errors = python.StandardError.ReadToEndAsync();
        var text = await python.StandardOutput.ReadToEndAsync();
        await python.WaitForExitAsync();
        Assert.True(python.ExitCode == 0, await errors);
        return text;
    }

    public void Dispose() => _folder.Dispose();
}
