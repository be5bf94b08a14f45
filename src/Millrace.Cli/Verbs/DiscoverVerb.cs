using System.CommandLine;
using Millrace.Cli.Display;
using Millrace.Cli.Input;
using Millrace.Jobs;
using Millrace.Jobs.Secrets;
using Millrace.Planning;

namespace Millrace.Cli.Verbs;

/// <summary><c>millrace discover</c>: lists what a source has.</summary>
internal static class DiscoverVerb
{
    /// <summary>The verb's definition.</summary>
    public static Command Define(Shell shell)
    {
        var verb = new Verb(
            "discover",
            "List a source's tables or files with columns, types, estimated rows and bytes.",
            ("discover '${PG_URL}' 'public.*'", "List the tables of a schema."),
            ("discover ./data '**/*.csv'", "List files below a folder."));
        var source = new Argument<string>("SOURCE") { Description = "A folder, a glob or a postgres:// URL." };
        var pattern = new Argument<string>("PATTERN") { Arity = ArgumentArity.ZeroOrOne, DefaultValueFactory = _ => "*", Description = "Which streams: a name with wildcards." };
        var output = new OutputOptions();
        verb.Add(source);
        verb.Add(pattern);
        output.AddTo(verb);
        verb.SetAction((parsed, cancel) => RunAsync(parsed.GetRequiredValue(source), parsed.GetValue(pattern) ?? "*", output.Read(parsed), shell, cancel));
        return verb;
    }

    private static async Task<int> RunAsync(string source, string pattern, OutputStyle style, Shell shell, CancellationToken cancel)
    {
        var mark = new Mark("SOURCE");
        if (UrlPassword.IsLiteral(source) && style == OutputStyle.Human)
        {
            new FaultPrinter(shell).Print([JobWarning.PasswordOnCommandLine(mark)]);
        }

        var lines = new JsonLines(shell);
        var printer = new PlanPrinter(shell);
        var inspection = new JobInspection(RunSetup.Options(shell, new Unheard()));
        await foreach (var found in inspection.DiscoverAsync(new Endpoint(source, mark), shell.Directory, pattern, cancel).ConfigureAwait(false))
        {
            if (style == OutputStyle.Json)
            {
                lines.Write("stream", json =>
                {
                    json.WriteString("name", found.Name);
                    json.WriteString("kind", found.Kind);
                    PlanJson.Number(json, "estimated_rows", found.EstimatedRows);
                    PlanJson.Number(json, "estimated_bytes", found.EstimatedBytes);
                    PlanJson.Columns(json, found.Columns);
                });
                continue;
            }

            var rows = found.EstimatedRows is { } estimate ? $", about {Figures.Short(estimate)} rows" : "";
            var bytes = found.EstimatedBytes is { } size ? $", {Figures.Bytes(size)}" : "";
            shell.Out.Write($"{shell.Safe($"{found.Name}  ({found.Kind}{rows}{bytes})")}\n");
            printer.Columns(found.Columns);
        }

        return 0;
    }
}
