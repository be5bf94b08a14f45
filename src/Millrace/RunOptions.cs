using Millrace.Engines;
using Millrace.Jobs;
using Millrace.Jobs.Secrets;
using Millrace.Telemetry;
using Millrace.Transform;

namespace Millrace;

/// <summary>What the data path needs beside the job: who looks, which clock, how to start a worker.</summary>
public sealed record RunOptions
{
    /// <summary>The systems that are known.</summary>
    public required KnownConnectors Connectors { get; init; }

    /// <summary>Resolves the addresses' secrets when they are used.</summary>
    public required SecretResolver Secrets { get; init; }

    /// <summary>Hears what happens.</summary>
    public required IRunObserver Observer { get; init; }

    /// <summary>How a worker process is started.</summary>
    public required WorkerCommand Worker { get; init; }

    /// <summary>How a keeper is started; null: no moment outlives its coordinator.</summary>
    public WorkerCommand? Keeper { get; init; }

    /// <summary>From which size on rows are cut for key steps.</summary>
    public StageBounds Stages { get; init; } = new();

    /// <summary>The clock.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
