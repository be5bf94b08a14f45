using System.Collections.Immutable;

namespace Millrace.Jobs;

/// <summary>
/// What the command line says about a job: the short form that needs no file, or changes to a file. Every text is as it was typed;
/// <see cref="JobReader"/> checks it together with the file. Null or empty: not given.
/// </summary>
public sealed record JobOverrides
{
    /// <summary><c>--from</c>: the source.</summary>
    public string? From { get; init; }

    /// <summary><c>--to</c>: the target.</summary>
    public string? To { get; init; }

    /// <summary><c>--stream</c>: without a file the streams; with one, which of its streams are run.</summary>
    public ImmutableArray<string> Streams { get; init; } = [];

    /// <summary><c>--mode</c>, for every stream.</summary>
    public string? Mode { get; init; }

    /// <summary><c>--consistency</c>, for every stream.</summary>
    public string? Consistency { get; init; }

    /// <summary><c>--schema</c>, for every stream.</summary>
    public string? Schema { get; init; }

    /// <summary><c>--memory</c>: limits.memory.</summary>
    public string? Memory { get; init; }

    /// <summary><c>--workers</c>: limits.workers.</summary>
    public string? Workers { get; init; }

    /// <summary><c>--state</c>: the folder that holds the runs.</summary>
    public string? State { get; init; }

    /// <summary><c>--set key=value</c>, in order: any key of the job file by its dotted path. They win over all others.</summary>
    public ImmutableArray<string> Sets { get; init; } = [];
}
