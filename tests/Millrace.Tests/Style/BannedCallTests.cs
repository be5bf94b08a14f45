using System.Text.RegularExpressions;

namespace Millrace.Tests.Style;

/// <summary>Calls that the code must not make, from <c>eng/banned-calls.txt</c>, each with its reason.</summary>
public sealed class BannedCallTests
{
    private const string RulesPath = "eng/banned-calls.txt";

    [Fact]
    public void No_code_makes_a_banned_call()
    {
        var rules = Rules();
        var allowances = rules.Where(rule => !rule.IsBan).ToList();
        var used = new HashSet<Rule>();
        var findings = new List<string>();
        foreach (var ban in rules.Where(rule => rule.IsBan))
        {
            foreach (var file in Repository.Code(ban.Places))
            {
                foreach (Match match in ban.Pattern.Matches(CodeText.Of(file.Text)))
                {
                    var line = file.Lines[file.LineAt(match.Index) - 1];
                    var allowance = allowances.Find(rule => rule.Allows(file.Path, line));
                    if (allowance is null)
                    {
                        findings.Add($"{file.Path}:{file.LineAt(match.Index)}: {match.Value.Trim()}: {ban.Reason}");
                    }
                    else
                    {
                        used.Add(allowance);
                    }
                }
            }
        }

        var unused = allowances.Where(rule => !used.Contains(rule)).Select(rule => $"{RulesPath}:{rule.Line}: this allowance excuses nothing any more");
        Repository.AssertNone(findings.Concat(unused));
    }

    [Fact]
    public void Every_rule_is_well_formed_and_has_a_reason() =>
        Assert.All(Rules(), rule => Assert.True(rule.Reason.Length > 10, $"{RulesPath}:{rule.Line}: the reason is missing"));

    private static List<Rule> Rules()
    {
        var file = Repository.File(RulesPath);
        return [.. file.Lines.Select((text, index) => (text, line: index + 1))
            .Where(item => item.text.Length > 0 && item.text[0] != '#')
            .Select(item => Rule.Parse(item.text, item.line))];
    }

    private sealed record Rule(bool IsBan, string[] Places, Regex Pattern, string Reason, int Line)
    {
        public static Rule Parse(string text, int line)
        {
            var parts = text.Split(' ', 3);
            var reason = parts[2].LastIndexOf(": ", StringComparison.Ordinal);
            Assert.True(parts[0] is "ban" or "allow" && reason > 0, $"{RulesPath}:{line}: expected: ban|allow FOLDERS REGEX: reason");
            return new Rule(parts[0] == "ban", parts[1].Split(','), new Regex(parts[2][..reason]), parts[2][(reason + 2)..], line);
        }

        public bool Allows(string path, string line) =>
            Places.Any(place => path == place || path.StartsWith(place + "/", StringComparison.Ordinal)) && Pattern.IsMatch(line);
    }
}
