using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.SystemTests.Moves;
using Npgsql;

namespace Millrace.SystemTests.Chaos;

/// <summary>
/// The rows of a world, and what the tables must be in the end: for each table "rows, different ids, sum over a hash of each row". The
/// source's side is said by PostgreSQL or worked out here, the target's by PyArrow and Python's csv.
/// </summary>
internal static class ChaosTables
{
    // Odd rows: NULL, letters of other scripts, quotes, line breaks, a long one.
    private const string Note =
        """
        CASE i % 7 WHEN 0 THEN NULL WHEN 1 THEN 'ü€😀 ' || i WHEN 2 THEN E'a "b", c\n' || i WHEN 3 THEN repeat('long ', 60) || i ELSE 'n' || i END
        """;

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

    /// <summary>A table's name.</summary>
    public static string Name(int table) => string.Create(CultureInfo.InvariantCulture, $"c{table}");

    /// <summary>Makes the source: tables or files.</summary>
    /// <returns>What each table must be when it holds these rows and, under append, the old ones.</returns>
    public static async Task<IReadOnlyList<ChaosDigest>> CreateAsync(ChaosPlan plan, NpgsqlDataSource? server, string folder)
    {
        var expected = new List<ChaosDigest>();
        for (var table = 0; table < plan.Rows.Count; table++)
        {
            var digest = server is not null ? await FillAsync(server, plan, table) : Write(plan, table, folder);
            expected.Add(plan.IsAppend ? digest + Sum(s_old.Select(id => Old(plan, id))) : digest);
        }

        return expected;
    }

    /// <summary>Writes the rows that are there before: 1 file a table, by another program than ours.</summary>
    public static async Task WriteOldAsync(ChaosPlan plan, string file)
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

    private static string[] Old(ChaosPlan plan, int id)
    {
        var number = id.ToString(CultureInfo.InvariantCulture);
        return plan.IsServer ? [number, "0", "old", "1.00"] : [number, "0", "old"];
    }

    private static async Task<ChaosDigest> FillAsync(NpgsqlDataSource server, ChaosPlan plan, int table)
    {
        var name = Name(table);
        await using var command = server.CreateCommand(string.Create(
            CultureInfo.InvariantCulture,
            $"""
            DROP TABLE IF EXISTS {name};
            CREATE TABLE {name} (id bigint PRIMARY KEY, v bigint NOT NULL, note text, amount numeric(12,2));
            INSERT INTO {name} SELECT i, i * {plan.Seed % 1000}, {Note}, CASE WHEN i % 5 > 0 THEN i * 0.37 END FROM generate_series(1, {plan.Rows[table]}) AS i;
            ANALYZE {name};
            SELECT count(*) || ' ' || count(DISTINCT id) || ' '
                || sum(('x' || substr(md5(id || '|' || v || '|' || coalesce(note, '~') || '|' || coalesce(amount::text, '~')), 1, 8))::bit(32)::bigint) FROM {name}
            """));
        return ChaosDigest.Parse((string)(await command.ExecuteScalarAsync())!);
    }

    private static ChaosDigest Write(ChaosPlan plan, int table, string folder)
    {
        var rows = Enumerable.Range(1, plan.Rows[table]).Select(i => (string[])
        [
            i.ToString(CultureInfo.InvariantCulture), (i * (long)(plan.Seed % 1000)).ToString(CultureInfo.InvariantCulture),
            (i % 4) switch { 0 => $"ü€😀 {i}", 1 => $"a \"b\", c\n{i}", 2 => string.Concat(Enumerable.Repeat("long ", 60)) + i, _ => $"n{i}" },
        ]).ToList();
        Directory.CreateDirectory(folder);
        File.WriteAllText(
            Path.Combine(folder, Name(table) + ".csv"),
            "id,v,note\n" + string.Concat(rows.Select(static row => $"{row[0]},{row[1]},\"{row[2].Replace("\"", "\"\"", StringComparison.Ordinal)}\"\n")));
        return Sum(rows);
    }

    private static ChaosDigest Sum(IEnumerable<string[]> rows)
    {
        var count = 0;
        long total = 0;
        foreach (var row in rows)
        {
            count++;
            total += long.Parse(Convert.ToHexString(Md5(string.Join('|', row)))[..8], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        }

        return new ChaosDigest(count, count, total);
    }

#pragma warning disable CA5351 // Not for secrecy: PostgreSQL and Python have it too.
    private static byte[] Md5(string text) => MD5.HashData(Encoding.UTF8.GetBytes(text));
#pragma warning restore CA5351
}

/// <summary>What a table is.</summary>
/// <param name="Rows">Its rows.</param>
/// <param name="Ids">Its different ids.</param>
/// <param name="Sum">The sum over a hash of each row.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ChaosDigest(int Rows, int Ids, long Sum)
{
    /// <summary>From the three numbers.</summary>
    public static ChaosDigest Parse(string text)
    {
        var parts = text.Split(' ');
        return new ChaosDigest(int.Parse(parts[0], CultureInfo.InvariantCulture), int.Parse(parts[1], CultureInfo.InvariantCulture), long.Parse(parts[2], CultureInfo.InvariantCulture));
    }

    /// <summary>Both tables' rows, with no id in common.</summary>
    public static ChaosDigest operator +(ChaosDigest one, ChaosDigest other) => new(one.Rows + other.Rows, one.Ids + other.Ids, one.Sum + other.Sum);
}
