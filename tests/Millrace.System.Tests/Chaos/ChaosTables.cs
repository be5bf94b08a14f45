using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.SystemTests.Moves;
using Npgsql;

namespace Millrace.SystemTests.Chaos;

/// <summary>
/// The rows of a world, and what tables are: "rows, different ids, sum over a hash of each row". A server's side is said by PostgreSQL, that of
/// source files is worked out here.
/// </summary>
internal static class ChaosTables
{
    // Odd rows: NULL, letters of other scripts, quotes, line breaks, a long one.
    private const string Note =
        """
        CASE i % 7 WHEN 0 THEN NULL WHEN 1 THEN 'ü€😀 ' || i WHEN 2 THEN E'a "b", c\n' || i WHEN 3 THEN repeat('long ', 60) || i ELSE 'n' || i END
        """;

    private const string Digest =
        """
        SELECT count(*) || ' ' || count(DISTINCT id) || ' '
            || coalesce(sum(('x' || substr(md5(id || '|' || v || '|' || coalesce(note, '~') || '|' || coalesce(amount::text, '~')), 1, 8))::bit(32)::bigint), 0) FROM
        """;

    /// <summary>A table's name.</summary>
    public static string Name(int table) => string.Create(CultureInfo.InvariantCulture, $"c{table}");

    /// <summary>Makes the source: tables or files.</summary>
    /// <returns>What each table is.</returns>
    public static async Task<IReadOnlyList<ChaosDigest>> CreateAsync(ChaosPlan plan, NpgsqlDataSource? server, string folder)
    {
        var made = new List<ChaosDigest>();
        for (var table = 0; table < plan.Rows.Count; table++)
        {
            made.Add(server is not null ? await FillAsync(server, plan, table) : Write(plan, table, folder));
        }

        return made;
    }

    /// <summary>What the tables of a server are, by that server.</summary>
    public static async Task<ChaosDigest> ReadAsync(NpgsqlConnection server, string rows)
    {
        await using var command = new NpgsqlCommand($"{Digest} {rows}", server);
        return ChaosDigest.Parse((string)(await command.ExecuteScalarAsync())!);
    }

    /// <summary>What rows are.</summary>
    public static ChaosDigest Sum(IEnumerable<string[]> rows)
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
            {Digest} {name}
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
            $"id,v,note{string.Concat(Enumerable.Range(0, plan.EmptyColumns).Select(static n => $",e{n}"))}\n"
                + string.Concat(rows.Select(row => $"{row[0]},{row[1]},\"{row[2].Replace("\"", "\"\"", StringComparison.Ordinal)}\"{new string(',', plan.EmptyColumns)}\n")));
        return Sum(rows);
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
