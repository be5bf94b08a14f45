using Millrace.Connectors.Files.Source;

namespace Millrace.Connectors.Tests.Files.Source;

public sealed class FolderNamesTests : IDisposable
{
    private readonly FilesRun _run = new();

    [Fact]
    public void Names_come_in_order_once_each_whatever_fits_in_memory()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        for (var round = 0; round < 8; round++)
        {
            var folder = Directory.CreateDirectory(Path.Combine(_run.Folder, round.ToString())).FullName;
            var names = new HashSet<string>(StringComparer.Ordinal);
            var count = random.Next(0, 300);
            while (names.Count < count) names.Add(Name(random));
            foreach (var name in names)
            {
                if (random.Next(5) == 0) Directory.CreateDirectory(Path.Combine(folder, name));
                else File.WriteAllText(Path.Combine(folder, name), "");
            }

            var expected = names.Where(name => !name.EndsWith('x')).Order(StringComparer.Ordinal)
                .Select(name => (name, Directory.Exists(Path.Combine(folder, name)))).ToList();
            foreach (var bytes in (long[])[1, random.Next(1, 4_000), random.Next(1, 40_000), long.MaxValue])
            {
                var found = new FolderNames(folder, static (name, _) => !name.EndsWith('x'), bytes);
                Assert.True(expected.SequenceEqual(found.InOrder()), $"seed {seed}, round {round}, {bytes} bytes");

                // Behind a name that is there, or is not.
                var after = expected.Count > 0 && random.Next(3) > 0 ? expected[random.Next(expected.Count)].name : Name(random);
                var rest = new FolderNames(folder, static (name, _) => !name.EndsWith('x'), bytes, after);
                Assert.True(
                    expected.Where(entry => string.CompareOrdinal(entry.name, after) > 0).SequenceEqual(rest.InOrder()),
                    $"seed {seed}, round {round}, {bytes} bytes, behind {after}");
            }
        }
    }

    [Fact]
    public void A_folder_with_more_names_than_may_be_held_is_read_again_for_the_next_ones()
    {
        for (var i = 0; i < 1_000; i++) _run.File($"{i * 7919 % 1_000:000}.csv", "");
        var all = new FolderNames(_run.Folder, static (_, _) => true, 1_000_000);
        Assert.Equal(1_000, all.InOrder().Count());
        Assert.Equal(1, all.Passes);

        // A name of 7 characters takes 14 bytes: 250 of 1,000 fit.
        var some = new FolderNames(_run.Folder, static (_, _) => true, 250 * 14);
        Assert.Equal(1_000, some.InOrder().Count());
        Assert.InRange(some.Passes, 4, 9);
    }

    public void Dispose() => _run.Dispose();

    // Short ones share beginnings; some have characters whose order differs between UTF-8 and UTF-16.
    private static string Name(Random random)
    {
        string[] parts = ["a", "b", "ab", "x", "Z", "0", "é", "\uFF5E", "\U0001F600", "-", " "];
        var name = "n";
        for (var i = random.Next(1, 7); i > 0; i--) name += parts[random.Next(parts.Length)];
        return name;
    }
}
