using System.Collections.Immutable;
using Millrace.Connectors.Files.Source;
using Millrace.Connectors.Files.Target;
using Millrace.Engines;
using Millrace.Jobs.Secrets;
using Millrace.Runs;
using Millrace.Telemetry;
using Millrace.Testing;

namespace Millrace.Connectors.Tests.Files;

/// <summary>The whole data path from files to files in this process, for tests that look at its summaries only.</summary>
internal static class FilesToFiles
{
    /// <summary>What such a run works with.</summary>
    /// <param name="folder">Where everything lies.</param>
    public static RunOptions Options(TempFolder folder) => new()
    {
        Connectors = new KnownConnectors([new FilesSourceConnector()], [new FileTargetConnector()]),
        Secrets = new SecretResolver(new Redactor(), folder.Path, static _ => null),
        Observer = new Deaf(),
        Worker = new WorkerCommand("none", [], ImmutableDictionary<string, string>.Empty),
    };

    private sealed class Deaf : IRunObserver
    {
        public void On(RunEvent happened)
        {
            // Only the summaries are looked at.
        }
    }
}
