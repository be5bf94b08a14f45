using System.Runtime.InteropServices;
using Millrace.Testing;

namespace Millrace.DuckDb.Tests.Buckets;

/// <summary>Of a damaged file either the very same rows are read, or the file is named; nothing is left of one that could not be written.</summary>
public sealed class BucketDamageTests
{
    private const string Rows =
        """
        SELECT i AS id, CASE WHEN i % 3 > 0 THEN ('a blob ' || i)::BLOB END AS bytes, [i % 2, NULL] AS list,
               {'a': i * 1e9, 'b': [i::INTEGER, 1]::INTEGER[2]} AS pair
        FROM range(30) AS r(i)
        """;

    [Fact]
    public void Each_byte_that_is_changed_is_found()
    {
        using var bed = new BucketTestbed(("threads", "1"));
        var (path, columns, rows) = Small(bed);
        var sound = File.ReadAllBytes(path);
        for (var at = 0; at < sound.Length; at++)
        {
            var damaged = sound.ToArray();
            damaged[at] ^= (byte)(1 << (at % 8));
            File.WriteAllBytes(path, damaged);
            Assert.True(ReadOrRefused(bed, path, columns, rows) == 0, $"byte {at} of {sound.Length}");
        }
    }

    [Fact]
    public void Each_cut_is_found()
    {
        using var bed = new BucketTestbed(("threads", "1"));
        var (path, columns, rows) = Small(bed);
        var sound = File.ReadAllBytes(path);
        for (var length = 0; length < sound.Length; length++)
        {
            File.WriteAllBytes(path, sound[..length]);
            Assert.True(ReadOrRefused(bed, path, columns, rows) == 0, $"{length} of {sound.Length} bytes");
        }
    }

    [Fact]
    public void Any_damage_is_found()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        using var bed = new BucketTestbed(("threads", "1"));
        var (path, columns, rows) = Small(bed);
        var sound = File.ReadAllBytes(path);
        for (var round = 0; round < 1000; round++)
        {
            File.WriteAllBytes(path, Damage.To(sound, random));
            Assert.True(ReadOrRefused(bed, path, columns, rows) <= 1, $"seed {seed}, round {round}");
        }
    }

    /// <summary>The checksums are right, and the streams are not: nothing worse than other values comes of it.</summary>
    [Fact]
    public void Streams_that_make_no_sense_are_refused()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        using var bed = new BucketTestbed(("threads", "1"));
        var path = bed.Write($"SELECT r.* FROM ({Rows}) AS r, range(40)", new BucketSettings(1, 0, 16 * 1024));
        var columns = bed.ColumnsOf(Rows);
        var sound = File.ReadAllBytes(path);
        var refused = 0;
        for (var round = 0; round < 2000; round++)
        {
            File.WriteAllBytes(path, WithChecksums(sound, random));
            try
            {
                bed.HashOf($"FROM {bed.Source(columns, 0, 1, path)}");
            }
            catch (DuckDbException e) when (e.InnerException is BucketFileException found)
            {
                Assert.Equal(path, found.Path);
                refused++;
            }
        }

        Assert.True(refused > 100, $"seed {seed}: {refused}");
    }

    [Fact]
    public void A_foreign_file_and_wrong_columns_are_named()
    {
        using var bed = new BucketTestbed();
        var foreign = bed.Folder.Write("foreign", new string('x', 1000));
        Assert.Contains(foreign, Assert.Throws<BucketFileException>(() => BucketIndex.Read(foreign)).Message, StringComparison.Ordinal);
        var (path, columns, _) = Small(bed);
        columns[0] = new TableColumn("id", DuckDbType.Integer);
        var error = Assert.Throws<DuckDbException>(() => bed.Database.Rows($"FROM {bed.Source(columns, 0, 2, path)}"));
        Assert.Contains("other types", Assert.IsType<BucketFileException>(error.InnerException).Message, StringComparison.Ordinal);
        Assert.Throws<FileNotFoundException>(() => BucketIndex.Read(bed.Folder["none"]));
    }

    [Fact]
    public void A_failing_statement_leaves_nothing_and_never_touches_a_file_that_is_there()
    {
        using var bed = new BucketTestbed();
        var select = "SELECT i, CASE WHEN i = 90000 THEN error('no further') END, i FROM range(100000) AS r(i)";
        Assert.Throws<DuckDbException>(() => bed.Write(select, new BucketSettings(10, 1, 4096)));
        Assert.Empty(Directory.GetFiles(bed.Folder.Path));

        var there = bed.Folder.Write("there", "old");
        using var writer = bed.Writers.Open(new BucketSettings(10, 1, 4096));
        var error = Assert.Throws<DuckDbException>(() => bed.Database.Connection.Execute(writer.CopyStatement("SELECT 1, 2", there)));
        Assert.IsType<IOException>(error.InnerException);
        Assert.Equal("old", File.ReadAllText(there));
        Assert.Equal([there], Directory.GetFiles(bed.Folder.Path));
    }

    [Fact]
    public void A_full_disk_leaves_nothing()
    {
        if (!OperatingSystem.IsLinux() || Environment.UserName != "root") Assert.Skip("needs root on Linux to mount a small disk");
        using var bed = new BucketTestbed();
        var disk = Directory.CreateDirectory(bed.Folder["disk"]).FullName;
        if (Run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk) != 0) Assert.Skip("mounting is not allowed here");
        try
        {
            using var writer = bed.Writers.Open(new BucketSettings(100, 1, 16 * 1024));
            var statement = writer.CopyStatement("SELECT md5(i::VARCHAR), i FROM range(1000000) AS r(i)", System.IO.Path.Combine(disk, "file"));
            Assert.IsAssignableFrom<IOException>(Assert.Throws<DuckDbException>(() => bed.Database.Connection.Execute(statement)).InnerException);
            Assert.Empty(Directory.GetFiles(disk));
            Assert.Equal(0, writer.Rows);
        }
        finally
        {
            Run("umount", disk);
        }
    }

    private static (string Path, TableColumn[] Columns, List<string> Rows) Small(BucketTestbed bed)
    {
        var path = bed.Write($"SELECT *, id FROM ({Rows})", new BucketSettings(2, 1, 4096));
        var columns = bed.ColumnsOf(Rows);
        return (path, columns, bed.Database.Rows($"FROM {bed.Source(columns, 0, 2, path)}"));
    }

    /// <returns>0 when the file was refused by name, 1 when the same rows came, 2 for anything else.</returns>
    private static int ReadOrRefused(BucketTestbed bed, string path, TableColumn[] columns, List<string> rows)
    {
        try
        {
            return bed.Database.Rows($"FROM {bed.Source(columns, 0, 2, path)}").SequenceEqual(rows) ? 1 : 2;
        }
        catch (DuckDbException e) when (e.InnerException is BucketFileException found)
        {
            return found.Path == path ? 0 : 2;
        }
    }

    private static byte[] WithChecksums(byte[] sound, Random random)
    {
        var bytes = sound.ToArray();
        ref var footer = ref MemoryMarshal.AsRef<BucketFooter>(bytes.AsSpan(bytes.Length - BucketFooter.Bytes));
        var index = MemoryMarshal.Cast<byte, BlockEntry>(bytes.AsSpan((int)footer.IndexOffset, (int)footer.Blocks * BlockEntry.Bytes));
        ref var entry = ref index[random.Next(index.Length)];
        var block = bytes.AsSpan((int)entry.Offset, entry.Stored);
        for (var i = random.Next(1, 4); i > 0; i--)
        {
            // Where columns and streams begin there is more to break than inside of them.
            block[random.Next(random.Next(2) == 0 ? 64 : block.Length)] = random.Next(3) switch { 0 => 0, 1 => 255, _ => (byte)random.Next(256) };
        }

        entry.Checksum = BucketFormat.Checksum(block, (ulong)entry.Offset);
        footer.Checksum = footer.ChecksumOver(index);
        return bytes;
    }

    private static int Run(string program, params string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start(program, arguments);
        process.WaitForExit();
        return process.ExitCode;
    }
}
