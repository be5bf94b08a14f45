using System.Collections.Immutable;
using Millrace.Connectors.DuckDbFile;
using Millrace.Connectors.Files.Source;
using Millrace.Connectors.Files.Target;
using Millrace.Connectors.Postgres;
using Millrace.Engines;
using Millrace.Jobs.Secrets;
using Millrace.Runs;
using Millrace.Telemetry;
using Millrace.Testing;

namespace Millrace.Connectors.Tests.Files;

/// <summary>Runs from files to files whose summaries are looked at, and nothing else.</summary>
internal sealed class FileRuns : IRunObserver
{
    /// <summary>What such a run needs.</summary>
    public static RunOptions Options(TempFolder folder) => new()
    {
        Connectors = new KnownConnectors([new FilesSourceConnector()], [new PostgresTargetConnector(), new FileTargetConnector()])
        {
            Lookups = [new PostgresConnector(), new DuckDbFileConnector()],
        },
        Secrets = new SecretResolver(new Redactor(), folder.Path, static _ => null),
        Observer = new FileRuns(),
        Worker = new WorkerCommand("none", [], ImmutableDictionary<string, string>.Empty),
    };

    public void On(RunEvent happened)
    {
        // Only the summaries are looked at.
    }
}
