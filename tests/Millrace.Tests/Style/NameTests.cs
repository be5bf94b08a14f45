using System.Text.RegularExpressions;

namespace Millrace.Tests.Style;

/// <summary>A name says what a thing is, in the field's words.</summary>
public sealed partial class NameTests
{
    [Fact]
    public void Files_and_folders_do_not_have_names_that_say_nothing()
    {
        var findings = Repository.Files.Where(file => file.Path.Split('/').Any(part => Empty().IsMatch(Path.GetFileNameWithoutExtension(part))))
            .Select(file => file.Path);
        Repository.AssertNone(findings);
    }

    [Fact]
    public void Types_do_not_have_names_that_say_nothing()
    {
        var findings = Repository.Code("src", "tests").SelectMany(file => TypeName().Matches(CodeText.Of(file.Text))
            .Where(match => Empty().IsMatch(match.Groups[1].Value))
            .Select(match => $"{file.Path}:{file.LineAt(match.Index)}: {match.Groups[1].Value}"));
        Repository.AssertNone(findings);
    }

    [GeneratedRegex("(?<![a-z])(Util|Utils|Utility|Utilities|Helper|Helpers|Common|Manager|Managers|Base|Impl|Misc)$|(Utils|Helper|Helpers|Manager|Impl|Base)$")]
    private static partial Regex Empty();

    [GeneratedRegex(@"\b(?:class|struct|interface|enum|record)\s+(?:struct\s+|class\s+)?([A-Z]\w*)")]
    private static partial Regex TypeName();
}
