using System.Collections.Immutable;
using System.Reflection;
using Millrace.Cli.Display;
using Millrace.Cli.Input;
using Millrace.Cli.Verbs;
using Millrace.Engines;
using Millrace.Telemetry;

namespace Millrace.Cli;

/// <summary>Puts a run's parts together: the systems, the secrets, who listens, and how a worker is started.</summary>
internal static class RunSetup
{
    /// <summary>What ./millrace sets for all processes of a run, for the workers of a coordinator that was started another way: see there.</summary>
    private static readonly ImmutableDictionary<string, string> s_workerEnvironment = ImmutableDictionary.CreateRange(
        new KeyValuePair<string, string>[]
            { new("DOTNET_EnableWriteXorExecute", "0"), new("DOTNET_TC_CallCountThreshold", "4000"), new("DOTNET_EnableDiagnostics", "0") }
            .Where(static set => Environment.GetEnvironmentVariable(set.Key) is null));

    /// <summary>The options of a run, or of looking at one.</summary>
    public static RunOptions Options(Shell shell, IRunObserver observer) => new()
    {
        Connectors = Systems.All,
        Secrets = shell.Secrets,
        Observer = observer,
        Worker = ThisProgram(WorkVerb.Name),
        Keeper = ThisProgram(KeepVerb.Name),
        Clock = shell.Clock,
    };

    /// <summary>Who tells a run, in the style that was asked for.</summary>
    public static IRunObserver Observer(OutputStyle style, Shell shell) => style switch
    {
        OutputStyle.Json => new JsonLines(shell),
        OutputStyle.Quiet => new QuietDisplay(shell),
        _ => new RunNarrator(shell, shell.IsTerminal ? new LiveLine(shell) : new PlainLines(shell)),
    };

    /// <summary>This very program once more; under <c>dotnet program.dll</c> the program is the host's first argument.</summary>
    private static WorkerCommand ThisProgram(string verb)
    {
        var program = Environment.ProcessPath ?? "millrace";
        var isHost = Path.GetFileNameWithoutExtension(program) == "dotnet";
        ImmutableArray<string> arguments = isHost ? [Path.Combine(AppContext.BaseDirectory, Assembly.GetExecutingAssembly().GetName().Name + ".dll"), verb] : [verb];
        return new WorkerCommand(program, arguments, s_workerEnvironment);
    }
}
