using Millrace.Extract;
using Millrace.Jobs;
using Millrace.Planning;

namespace Millrace.Connectors.Files.Source;

/// <summary>Files as a source: CSV, NDJSON, JSON and Parquet in folders of this machine, and standard input.</summary>
public sealed class FilesSourceConnector : ISourceConnector
{
    /// <inheritdoc/>
    public string Name => "files";

    /// <inheritdoc/>
    public bool Claims(string address) =>
        EndpointScheme.IsStandardStream(address) || EndpointScheme.Of(address) is null or "file";

    /// <inheritdoc/>
    public bool ReadsWhole => true;

    /// <inheritdoc/>
    public ISource Open(SourceContext context) => new FilesSource(context);

    /// <inheritdoc/>
    public IUnitReader OpenReader(SourceContext context) => new FilesUnitReader();
}
