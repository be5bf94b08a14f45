namespace Millrace.Tests.Style;

/// <summary>Methods fit on a screen and files in one reading; <c>eng/length-ratchet.txt</c> lists what does not yet.</summary>
public sealed class LengthTests
{
    private const int MethodLinesMax = 60;
    private const int FileLinesMax = 400;
    private const string RatchetPath = "eng/length-ratchet.txt";

    [Fact]
    public void Methods_and_files_are_short_or_on_the_ratchet()
    {
        var ratchet = Ratchet();
        var offenders = Offenders();
        var tooLong = offenders.Where(offender => offender.Value > ratchet.GetValueOrDefault(offender.Key))
            .Select(offender => $"{offender.Key} {offender.Value}: more than {(offender.Key.Contains(' ') ? MethodLinesMax : FileLinesMax)} lines; split it by what it does");
        var slack = ratchet.Where(allowed => offenders.GetValueOrDefault(allowed.Key) < allowed.Value)
            .Select(allowed => $"{allowed.Key} {allowed.Value}: {RatchetPath} allows more than there is ({offenders.GetValueOrDefault(allowed.Key)}); shrink it");
        Repository.AssertNone(tooLong.Concat(slack));
    }

    private static Dictionary<string, int> Offenders()
    {
        var offenders = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var file in Repository.Code("src", "tests", "bench"))
        {
            var lines = file.Text.AsSpan().TrimEnd().Count('\n') + 1;
            if (lines > FileLinesMax)
            {
                offenders[file.Path] = lines;
            }

            foreach (var member in Member.In(file.Text).Where(member => member.Lines > MethodLinesMax))
            {
                offenders[$"{file.Path} {member.Name}"] = member.Lines;
            }
        }

        return offenders;
    }

    private static Dictionary<string, int> Ratchet() => Repository.File(RatchetPath).Lines
        .Where(line => line.Length > 0 && line[0] != '#')
        .Select(line => line.LastIndexOf(' ') is var space ? (key: line[..space], lines: int.Parse(line[space..])) : default)
        .ToDictionary(item => item.key, item => item.lines, StringComparer.Ordinal);
}
