using Millrace.Jobs;
using Millrace.Load;
using Millrace.Runs;

namespace Millrace.Connectors.Files.Target;

/// <summary>Writes tables as files: a folder of Parquet, CSV or NDJSON files for each stream, one single file, or standard output.</summary>
public sealed class FileTargetConnector : ITargetConnector
{
    private readonly Func<Stream> _standardOutput;

    /// <summary>A connector.</summary>
    /// <param name="standardOutput">Opens what <c>-</c> writes to; null: the process's standard output.</param>
    public FileTargetConnector(Func<Stream>? standardOutput = null) => _standardOutput = standardOutput ?? StandardOutput.Open;

    /// <inheritdoc/>
    public string Name => "files";

    /// <summary>Paths, <c>-</c> and <c>file:</c> URLs; nothing with another scheme.</summary>
    public bool Claims(string address) => EndpointScheme.Of(address) is null or "file";

    /// <inheritdoc/>
    public ITarget Open(TargetContext context) => new FileTarget(FileTargetAddress.Parse(context), context, _standardOutput);

    /// <inheritdoc/>
    public IUnitWriter OpenWriter(TargetContext context) => new FileUnitWriter(StagingPlace.Of(FileTargetAddress.Parse(context)));

    /// <inheritdoc/>
    public IPublishedReader OpenPublished(TargetContext context, StreamHeader header, WriteMode mode) =>
        new PublishedFiles(FileTargetAddress.Parse(context), header, mode);
}
