using System.CommandLine;

namespace Millrace.Cli.Input;

/// <summary>How a verb talks.</summary>
internal enum OutputStyle
{
    /// <summary>For people.</summary>
    Human = 0,

    /// <summary>One JSON object a line on standard output.</summary>
    Json = 1,

    /// <summary>Errors only.</summary>
    Quiet = 2,
}

/// <summary><c>--json</c> and <c>--quiet</c>.</summary>
internal sealed class OutputOptions
{
    private readonly Option<bool> json = new("--json") { Description = "One JSON object a line on standard output; the last one of a run is \"finished\"." };

    private readonly Option<bool> quiet = new("--quiet", "-q") { Description = "Print errors only." };

    /// <summary>Adds the options to a verb.</summary>
    public void AddTo(Command verb)
    {
        verb.Add(json);
        verb.Add(quiet);
        verb.Validators.Add(result =>
        {
            if (result.GetValue(json) && result.GetValue(quiet))
            {
                result.AddError("found --json and --quiet, expected one of them");
            }
        });
    }

    /// <summary>What the user wants.</summary>
    public OutputStyle Read(ParseResult parsed) =>
        parsed.GetValue(json) ? OutputStyle.Json : parsed.GetValue(quiet) ? OutputStyle.Quiet : OutputStyle.Human;
}
