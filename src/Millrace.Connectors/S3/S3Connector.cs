using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Transform;

namespace Millrace.Connectors.S3;

/// <summary>S3, and what speaks its protocol: a place for rows between stages.</summary>
public sealed class S3Connector : IShuffleConnector
{
    /// <inheritdoc/>
    public string Name => "S3 (s3://bucket/prefix)";

    /// <inheritdoc/>
    public bool Claims(string address) => EndpointScheme.Of(address) == "s3";

    /// <inheritdoc/>
    public IShuffleStore Open(ShuffleContext context)
    {
        if (StoreAddress.TryParse(context.Address, out var mistake) is { } address) return new S3Store(address);
        throw new Fault(FaultKind.JobFile, mistake!.Value.Message) { Side = FaultSide.Job, Where = context.Mark.ToString(), Advice = mistake.Value.Advice };
    }
}
