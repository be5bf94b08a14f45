using System.Globalization;
using Millrace.SystemTests.Moves;

namespace Millrace.SystemTests.Chaos.Lake;

/// <summary>The rows of published files: those that are there before, and what PyArrow and Python's csv find in the end.</summary>
internal static class LakeRows
{
    private const string WriteOld =
        """
        import json, sys, decimal, pyarrow, pyarrow.parquet as parquet
        names, rows = ['id', 'v', 'note', 'amount'], json.loads(sys.argv[2])
        types = [pyarrow.int64(), pyarrow.int64(), pyarrow.string(), pyarrow.decimal128(12, 2)]
        columns = [pyarrow.array([decimal.Decimal(r[i]) if i == 3 else r[i] for r in rows], types[i]) for i in range(len(rows[0]))]
        parquet.write_table(pyarrow.table(columns, names[:len(columns)]), sys.argv[1])
        """;

    private const string Digest =
        """
        import csv, glob, hashlib, sys
        import pyarrow.parquet as parquet
        def rows(table):
            for path in glob.glob(glob.escape(table) + '/**/*.parquet', recursive=True):
                yield from zip(*parquet.ParquetFile(path).read().to_pydict().values())
            for path in glob.glob(glob.escape(table) + '/**/*.csv', recursive=True):
                with open(path, newline='', encoding='utf-8') as file:
                    reader = csv.reader(file)
                    next(reader)
                    yield from ([v if v != '' else None for v in row] for row in reader)
        for table in sys.argv[1:]:
            n, ids, total = 0, set(), 0
            for row in rows(table):
                n += 1
                ids.add(str(row[0]))
                total += int(hashlib.md5('|'.join('~' if v is None else str(v) for v in row).encode()).hexdigest()[:8], 16)
            print(n, len(ids), total)
        """;

    /// <summary>Ids of the rows that are in a table before.</summary>
    private static readonly int[] s_old = [-1, -2, -3];

    /// <summary>What the rows are that are there before.</summary>
    public static ChaosDigest Before(LakePlan plan) => ChaosTables.Sum(s_old.Select(id => Old(plan, id)));

    /// <summary>Writes the rows that are there before: 1 file a table, by another program than ours.</summary>
    public static async Task WriteOldAsync(LakePlan plan, string file)
    {
        if (plan.ToCsv)
        {
            await File.WriteAllTextAsync(file, (plan.IsServer ? "id,v,note,amount\n" : "id,v,note\n") + string.Join("", s_old.Select(id => string.Join(',', Old(plan, id)) + "\n")));
            return;
        }

        var rows = s_old.Select(id => plan.IsServer ? string.Create(CultureInfo.InvariantCulture, $"[{id},0,\"old\",\"1.00\"]") : string.Create(CultureInfo.InvariantCulture, $"[{id},0,\"old\"]"));
        await Python.RunAsync(WriteOld, file, $"[{string.Join(',', rows)}]");
    }

    /// <summary>What the published tables are.</summary>
    public static async Task<IReadOnlyList<ChaosDigest>> ReadAsync(IEnumerable<string> folders) =>
        [.. (await Python.RunAsync(Digest, [.. folders])).Split('\n').Select(ChaosDigest.Parse)];

    private static string[] Old(LakePlan plan, int id)
    {
        var number = id.ToString(CultureInfo.InvariantCulture);
        return plan.IsServer ? [number, "0", "old", "1.00"] : [number, "0", "old"];
    }
}
