using System.Text.RegularExpressions;
using Millrace.Testing;

namespace Millrace.Tests.Style;

/// <summary>What no text file of the repository may hold, and links that must lead somewhere.</summary>
public sealed partial class TextTests
{
    // In two halves, so that this file does not find itself.
    private static readonly Regex _unfinished = new(@"\b(TO" + @"DO|FIX" + @"ME|HA" + @"CK|XX" + @"X)\b");
    private static readonly Regex _machinePath = new(@"(?<![\w.}])(/wo" + @"rk/|/tmp/w" + @"t\b|/ro" + @"ot/|/ho" + @"me/[a-z]|/Use" + @"rs/[a-z]|[A-Z]:\\\\?Use" + @"rs)");
    private static readonly Regex _registry = new(@"registry\.npm" + @"js|api\.nu" + @"get|pypi\.o" + @"rg|crates\.i" + @"o\b");

    [Fact]
    public void Nothing_is_left_for_later() => AssertNowhere(_unfinished);

    [Fact]
    public void No_path_of_a_machine_is_named() => AssertNowhere(_machinePath);

    [Fact]
    public void No_registry_is_named() => AssertNowhere(_registry);

    [Fact]
    public void Every_link_to_a_file_leads_to_one()
    {
        var findings = Repository.Files.Where(file => file.Path.EndsWith(".md", StringComparison.Ordinal))
            .SelectMany(file => Link().Matches(file.Text).Select(match => (file, match)))
            .Where(item => !Leads(item.file.Path, item.match.Groups[1].Value))
            .Select(item => $"{item.file.Path}:{item.file.LineAt(item.match.Index)}: {item.match.Groups[1].Value}");
        Repository.AssertNone(findings);
    }

    // The scripts and files that the README's commands name; the verbs are tried by the system tests.
    [Fact]
    public void Every_file_in_a_command_of_the_readme_is_there()
    {
        var readme = Repository.File("README.md");
        var words = readme.Lines.Select(line => line.Trim()).Where(line => line.StartsWith("./", StringComparison.Ordinal))
            .SelectMany(line => line.Split('#')[0].Split(' '))
            .Where(word => word.StartsWith("./", StringComparison.Ordinal) || word.StartsWith("examples/", StringComparison.Ordinal))
            .Where(word => word != "./lake")
            .ToList();
        Assert.NotEmpty(words);
        Assert.All(words, word => Assert.True(File.Exists(Path.Combine(Testbed.Repository, word)), $"README.md names {word}, which is not there"));
    }

    private static void AssertNowhere(Regex pattern)
    {
        var findings = Repository.Files.Where(file => !file.Path.EndsWith("packages.lock.json", StringComparison.Ordinal))
            .SelectMany(file => pattern.Matches(file.Text).Select(match => $"{file.Path}:{file.LineAt(match.Index)}: {match.Value}"));
        Repository.AssertNone(findings);
    }

    private static bool Leads(string from, string link)
    {
        var target = link.Split('#')[0];
        return target.Length == 0 || target.Contains("://", StringComparison.Ordinal) || target.StartsWith("mailto:", StringComparison.Ordinal)
            || Path.Exists(Path.Combine(Testbed.Repository, Path.GetDirectoryName(from)!, Uri.UnescapeDataString(target)));
    }

    [GeneratedRegex(@"\[[^\]\n]*\]\(([^)\s]+)\)")]
    private static partial Regex Link();
}
