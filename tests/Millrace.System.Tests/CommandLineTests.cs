using Millrace.Testing;

namespace Millrace.SystemTests;

/// <summary>The program's own surface: version, help, verbs, wrong usage.</summary>
public sealed class CommandLineTests
{
    [Fact]
    public async Task Version_is_one_line()
    {
        var exit = (await MillraceProcess.RunAsync(["--version"])).Expect(0);
        Assert.Matches(@"^(millrace )?\d+\.\d+\.\d+\n$", exit.Stdout);
    }

    [Fact]
    public async Task Help_names_the_verbs()
    {
        var exit = (await MillraceProcess.RunAsync(["--help"])).Expect(0);
        Assert.All(Verbs(), verb => Assert.Contains(verb, exit.Stdout, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Every_verb_of_the_readme_has_its_help()
    {
        Assert.NotEmpty(Verbs());
        foreach (var verb in Verbs())
        {
            (await MillraceProcess.RunAsync([verb, "--help"])).Expect(0);
        }
    }

    [Fact]
    public async Task An_unknown_verb_is_a_usage_error()
    {
        var exit = (await MillraceProcess.RunAsync(["fly"])).Expect(2);
        Assert.Contains("fly", exit.Stderr, StringComparison.Ordinal);
        Assert.Empty(exit.Stdout);
    }

    private static List<string> Verbs() => [.. File.ReadLines(Path.Combine(Testbed.Repository, "README.md"))
        .Where(line => line.StartsWith("./millrace ", StringComparison.Ordinal))
        .Select(line => line.Split(' ')[1])
        .Where(verb => verb[0] != '-')
        .Distinct(StringComparer.Ordinal)];
}
