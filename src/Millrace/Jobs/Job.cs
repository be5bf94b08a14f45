using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Millrace.Jobs;

/// <summary>
/// What the user wrote, parsed and checked: a job file or the short form of the command line. Immutable.
/// Texts with <c>${NAME}</c> are kept unresolved, so that a job can be written to the run directory without secrets in it.
/// </summary>
public sealed record Job
{
    /// <summary>The job's name; part of the run's id. Defaults to the job file's name, or to "run".</summary>
    public required string Name { get; init; }

    /// <summary>Where the rows come from.</summary>
    public required Endpoint Source { get; init; }

    /// <summary>Where the rows go.</summary>
    public required Endpoint Target { get; init; }

    /// <summary>The file format of a target that is files. Default: parquet, or what the target's file ending says.</summary>
    public required FileFormat Format { get; init; }

    /// <summary>The folder that holds <c>runs/</c>. Default: <c>.millrace</c>.</summary>
    public required string State { get; init; }

    /// <summary>The state folder, from <see cref="BaseDirectory"/> on.</summary>
    [JsonIgnore]
    public string StatePath => Path.Combine(BaseDirectory, State);

    /// <summary>Where the rows between stages lie: a URL such as <c>s3://bucket/prefix</c>. Null: the run directory.</summary>
    public Endpoint? Shuffle { get; init; }

    /// <summary>Which engine runs the units. Default: <see cref="EngineChoice.Auto"/>.</summary>
    public required EngineChoice Engine { get; init; }

    /// <summary>The bounds of a run.</summary>
    public required JobLimits Limits { get; init; }

    /// <summary>The parameters by name. SQL of the job has their values in it already; they are kept to be shown.</summary>
    public ImmutableSortedDictionary<string, JobParam> Params { get => field ?? ImmutableSortedDictionary<string, JobParam>.Empty; init; } =
        ImmutableSortedDictionary<string, JobParam>.Empty;

    /// <summary>The streams, in the file's order; names unique.</summary>
    public required ImmutableArray<StreamJob> Streams { get; init; }

    /// <summary>The folder that relative paths of <see cref="Source"/> and <see cref="Target"/> start from: the current directory.</summary>
    public required string BaseDirectory { get; init; }
}

/// <summary>A source or a target as the user wrote it.</summary>
/// <param name="Text">The text with its <c>${NAME}</c> unresolved: a path, a glob, <c>-</c> or a URL.</param>
/// <param name="Mark">Where it stands.</param>
public sealed record Endpoint(string Text, Mark Mark);

/// <summary>A place in the user's input: the key, and the file and line, or the command-line option.</summary>
/// <param name="Key">The dotted key, such as <c>streams.public.events.mode</c>.</param>
/// <param name="File">The job file's path; null on the command line.</param>
/// <param name="Line">The line, from 1; 0 when there is none.</param>
public sealed record Mark(string Key, string? File = null, int Line = 0)
{
    /// <summary>As errors print it: <c>job.yaml:12: streams.public.events.mode</c>.</summary>
    public override string ToString() => File is null ? Key : $"{File}:{Line}: {Key}";
}

/// <summary>The file formats that a target can have.</summary>
public enum FileFormat
{
    /// <summary>Apache Parquet.</summary>
    Parquet = 0,

    /// <summary>Comma-separated values, RFC 4180, with a header.</summary>
    Csv = 1,

    /// <summary>Newline-delimited JSON: one object a line.</summary>
    Ndjson = 2,
}

/// <summary>Which engine runs the units.</summary>
public enum EngineChoice
{
    /// <summary><see cref="InProc"/> below a million estimated rows and 256 MB, <see cref="Local"/> above.</summary>
    Auto = 0,

    /// <summary>Tasks in this process.</summary>
    InProc = 1,

    /// <summary>Worker processes on this machine.</summary>
    Local = 2,
}

/// <summary>The bounds of a run that the user can set. Null means: the default of <c>Limits</c>.</summary>
public sealed record JobLimits
{
    /// <summary>The ceiling for all processes of the run together, in bytes. At least <c>Limits.MemoryBytesMin</c>.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>How many units run at once; 1 to <c>Limits.WorkersMax</c>. Default: one per processor.</summary>
    public int? Workers { get; init; }

    /// <summary>Connections to the source at once, the coordinator's among them. Default: <c>Limits.SourceConnectionsDefault</c>.</summary>
    public int? SourceConnections { get; init; }

    /// <summary>Connections to the target at once, the coordinator's among them. Default: <c>Limits.TargetConnectionsDefault</c>.</summary>
    public int? TargetConnections { get; init; }

    /// <summary>Rows a second that all workers together may read; at least <c>Limits.SourceRowsPerSecondMin</c>. Default: as many as can be.</summary>
    public long? SourceRowsPerSecond { get; init; }

    /// <summary>Bytes a second that all workers together may read; at least <c>Limits.SourceBytesPerSecondMin</c>. Default: as many as can be.</summary>
    public long? SourceBytesPerSecond { get; init; }

    /// <summary>Staged output and spill together, in bytes. Default: what the disk has.</summary>
    public long? DiskBytes { get; init; }

    /// <summary>
    /// How long the moment of a run whose coordinator is gone is kept for <c>resume</c>, in seconds; 0: not at all. Default:
    /// <c>Limits.SnapshotHoldSecondsDefault</c>.
    /// </summary>
    public int? SnapshotHoldSeconds { get; init; }

    /// <summary>Rows of one stream that may go to quarantine. Default: <c>Limits.RejectRowsDefault</c> rows.</summary>
    public RejectLimit? Rejects { get; init; }
}
