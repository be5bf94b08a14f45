using Millrace.Faults;
using Millrace.Jobs.Secrets;

namespace Millrace.Jobs.Reading;

/// <summary>Reads what names a system: a path, a glob or a URL, its secrets unresolved.</summary>
internal static class EndpointReading
{
    /// <summary>The text of a key as an endpoint; a broken <c>${</c> is noted, and a password in it warned about.</summary>
    public static Endpoint Read(MapReader reader, string key, string text, List<JobWarning> warnings)
    {
        var mark = reader.MarkOf(key);
        if (!TextTemplate.TryParse(text, out _, out var mistake))
        {
            reader.Fault(key, $"found {mistake}, expected ${{NAME}}, ${{NAME:-default}} or ${{file:/path}}", "Write $${ for a plain ${.");
        }
        else if (UrlPassword.IsLiteral(text))
        {
            warnings.Add(mark.File is null
                ? JobWarning.PasswordOnCommandLine(mark)
                : new JobWarning(mark, "the URL holds a password", "Write ${NAME} or ${file:/path} in its place, so that the file can be shared."));
        }

        return new Endpoint(text, mark);
    }

    /// <summary>Refuses a scheme that this version can't do.</summary>
    /// <param name="reader">The map.</param>
    /// <param name="key">The endpoint's key.</param>
    /// <param name="text">The endpoint.</param>
    /// <param name="what">What it is, for messages: <c>source</c>, <c>target</c>.</param>
    /// <param name="here">What this version can do.</param>
    /// <param name="faults">Takes the mistake.</param>
    public static void CheckScheme(MapReader reader, string key, string text, string what, string here, FaultList faults)
    {
        if (EndpointScheme.Of(text) is not { } scheme || EndpointScheme.IsPostgres(text)) return;
        if (EndpointScheme.IsPlanned(scheme))
        {
            faults.AddNotBuilt(reader.MarkOf(key), $"a {scheme} {what}", here);
        }
        else
        {
            reader.Fault(key, $"found the unknown scheme {Words.Quote(scheme)}", scheme == "file" ? "Write the path alone." : here);
        }
    }
}
