using System.Text.Json;
using Millrace.Commit;
using Millrace.Faults;
using Millrace.Load;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Transform;

/// <summary>Where an earlier stage's rows go: a folder of the run directory, and from there to a store, where the job names one. Nothing is published there.</summary>
/// <param name="folder">The stage's folder.</param>
/// <param name="output">How rows are spread.</param>
/// <param name="place">Where bucket files lie.</param>
/// <param name="assertHolder">Throws when another coordinator has the run.</param>
internal sealed class BucketTarget(StreamFolder folder, BucketOutput output, BucketPlace place, Action assertHolder) : ITarget
{
    /// <inheritdoc/>
    public string Place => folder.BucketsPath;

    /// <inheritdoc/>
    public TargetTraits Traits => TargetTraits.Vectors;

    /// <inheritdoc/>
    public bool OneFile => false;

    /// <inheritdoc/>
    public ValueTask<string> CheckAsync(CancellationToken cancel) => ValueTask.FromResult("buckets");

    /// <inheritdoc/>
    public async ValueTask<string> StageAsync(StagingRequest request, CancellationToken cancel)
    {
        if (request.Fresh) await place.RemoveAsync(folder, assertHolder, cancel).ConfigureAwait(false);
        try
        {
            if (request.Fresh && Directory.Exists(folder.BucketsPath)) Directory.Delete(folder.BucketsPath, recursive: true);
            DurableFiles.CreateFolder(folder.BucketsPath);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw FileFaults.From(error, folder.BucketsPath, FaultSide.Run);
        }

        return JsonSerializer.Serialize(output, TransformJson.Default.BucketOutput);
    }

    /// <inheritdoc/>
    public ValueTask<CommitReceipt> CommitAsync(StreamHeader header, CommitRequest request, CancellationToken cancel) =>
        throw new InvalidOperationException("an earlier stage is not published");

    /// <inheritdoc/>
    public ValueTask DiscardAsync(string run, CancellationToken cancel) => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
