using System.Text;
using Millrace.Connectors.Files.Target;
using Millrace.Testing;

namespace Millrace.Connectors.Tests.Files.Target;

/// <summary>Invariants: a name is one folder's name, stays where it is put, and two names never share a folder.</summary>
public sealed class FolderNameTests
{
    private static readonly System.Buffers.SearchValues<char> Forbidden = System.Buffers.SearchValues.Create("/\\\0\n:='\"");

    [Theory]
    [InlineData("events", "events")]
    [InlineData("public.events_2024-01", "public.events_2024-01")]
    [InlineData("größe", "größe")]
    [InlineData("a b", "a b")]
    [InlineData("", "%")]
    [InlineData("..", "%2E%2E")]
    [InlineData("../x", "%2E.%2Fx")]
    [InlineData("a\0b", "a%00b")]
    [InlineData("/etc", "%2Fetc")]
    [InlineData("k=v", "k%3Dv")]
    [InlineData("100%", "100%25")]
    [InlineData(".hidden", "%2Ehidden")]
    public void Names_are_encoded(string name, string folder) => Assert.Equal(folder, FolderName.Of(name));

    [Fact]
    public void Random_names_are_safe_and_different()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        const string letters = "aA0._-~%=/\\ :\0\n'\"ü\u0308\ud83d\ude00\udc00é漢";
        var seen = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < 20_000; i++)
        {
            var name = new string([.. Enumerable.Range(0, random.Next(1, i % 50 == 0 ? 400 : 6)).Select(_ => letters[random.Next(letters.Length)])]);
            var folder = FolderName.Of(name);
            var because = $"seed {seed}, name {Convert.ToHexString(Encoding.Unicode.GetBytes(name))}, folder {folder}";
            Assert.True(Encoding.UTF8.GetByteCount(folder) is > 0 and <= FolderName.BytesMax, because);
            Assert.True(folder == Path.GetFileName(folder) && folder[0] != '.' && folder[^1] is not ('.' or ' '), because);
            Assert.True(!folder.AsSpan().ContainsAny(Forbidden), because);
            Assert.True(seen.TryAdd(folder, name) || seen[folder] == name, because);
        }
    }

    [Theory]
    [InlineData("../../escape")]
    [InlineData("it's; DROP TABLE x")]
    [InlineData("🦆 emoji \u202e rtl")]
    [InlineData("a/b\\c")]
    public async Task Hostile_stream_names_stay_below_the_root(string to)
    {
        using var folder = new TempFolder();
        using var load = new TargetLoad(folder["x/lake"]) { To = to, Run = "../r" };
        await load.LoadAsync("SELECT 1 AS id");
        var table = Assert.Single(Directory.GetDirectories(folder["x/lake"]));
        Assert.Equal(2, TargetLoad.FilesIn(table).Length);
        Assert.Equal([folder["x"]], Directory.GetFileSystemEntries(folder.Path));
        Assert.Equal([folder["x/lake"]], Directory.GetFileSystemEntries(folder["x"]));
        var longest = new string('漢', 300);
        load.To = longest;
        await load.LoadAsync("SELECT 1 AS id");
        Assert.Equal(2, Directory.GetDirectories(folder["x/lake"]).Length);
    }
}
