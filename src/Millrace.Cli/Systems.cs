using Millrace.Connectors.DuckDbFile;
using Millrace.Connectors.Files.Source;
using Millrace.Connectors.Files.Target;
using Millrace.Connectors.Postgres;
using Millrace.Connectors.S3;

namespace Millrace.Cli;

/// <summary>The systems of this build, in the order in which they are asked for an address: those with a scheme first, paths last.</summary>
internal static class Systems
{
    /// <summary>All of them.</summary>
    public static KnownConnectors All { get; } = new([new PostgresConnector(), new FilesSourceConnector()], [new PostgresTargetConnector(), new FileTargetConnector()])
    {
        Lookups = [new PostgresConnector(), new DuckDbFileConnector()],
        Shuffles = [new S3Connector()],
    };
}
