using Millrace;
using Millrace.Cli;
using Millrace.Cli.Verbs;

// The version is asked for by scripts and by people who check an installation: nothing else is started for it.
if (args is ["--version"])
{
    Console.Out.WriteLine(ProductVersion.Current);
    return 0;
}

Limits.AssertRelations();
using var interrupts = new Interrupts(isWorker: args is [WorkVerb.Name or KeepVerb.Name, ..]);
return await CommandLine.RunAsync(args, Shell.OfThisProcess(), interrupts.Token);
