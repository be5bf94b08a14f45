using System.Collections.Immutable;
using System.Text.Json;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Connectors.Files.Target;

/// <summary>
/// What a table's folder says about itself, in <c>_millrace.json</c>: it appears with the data in the same step, so that a commit that is
/// done again sees that it was done. Readers of data leave files out whose names begin with an underscore.
/// </summary>
internal sealed record TableMarker
{
    /// <summary>The marker's file name.</summary>
    public const string FileName = "_millrace.json";

    private const int VersionWritten = 1;

    /// <summary>The version of this form.</summary>
    public int Version { get; init; } = VersionWritten;

    /// <summary>The format of the table's files.</summary>
    public required FileFormat Format { get; init; }

    /// <summary>Commits, the newest last; at most <see cref="Limits.TableCommitsMax"/>.</summary>
    public required ImmutableArray<TableCommit> Commits { get; init; }

    /// <summary>
    /// The table's columns after the newest commit; null where an older version has committed. After appends with different columns: all of
    /// them, each with the widest type.
    /// </summary>
    public ImmutableArray<TableColumn>? Columns { get; init; }

    /// <summary>Up to where incremental loads have come; null where none has.</summary>
    public TableWindow? Window { get; init; }

    /// <summary>The commit of a run's stream; null when the table has none.</summary>
    public TableCommit? Find(string run, string stream)
    {
        foreach (var commit in Commits)
        {
            if (commit.Run == run && commit.Stream == stream) return commit;
        }

        return null;
    }

    /// <summary>The marker with one more commit; the oldest ones go. A commit that is no incremental load leaves the window of one that it keeps the files of.</summary>
    public static TableMarker With(TableMarker? before, FileFormat format, ImmutableArray<TableColumn> columns, TableCommit commit, TableWindow? window)
    {
        var commits = before?.Commits ?? [];
        var surplus = commits.Length + 1 - Limits.TableCommitsMax;
        if (surplus > 0) commits = commits.RemoveRange(0, surplus);
        return new TableMarker { Format = format, Columns = columns, Commits = commits.Add(commit), Window = window ?? (commit.Mode == WriteMode.Append ? before?.Window : null) };
    }

    /// <summary>Reads a table's marker; null when there is no table, or none of ours.</summary>
    public static TableMarker? Read(string table)
    {
        var path = Path.Combine(table, FileName);
        try
        {
            using var stream = File.OpenRead(path);
            if (stream.Length > Limits.TableMarkerBytesMax) throw Unreadable(path, "it is too large");
            var marker = JsonSerializer.Deserialize(stream, FileTargetJson.Default.TableMarker) ?? throw Unreadable(path, "it is null");
            return marker.Version == VersionWritten ? marker : throw Unreadable(path, $"it has version {marker.Version}, and this Millrace knows version {VersionWritten}");
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (IOException) when (File.Exists(table))
        {
            return null;
        }
        catch (JsonException error)
        {
            throw Unreadable(path, error.Message);
        }
    }

    /// <summary>Writes the marker into a folder, durable.</summary>
    public void Write(string table) =>
        DurableFiles.Replace(Path.Combine(table, FileName), JsonSerializer.SerializeToUtf8Bytes(this, FileTargetJson.Default.TableMarker));

    private static Fault Unreadable(string path, string why) => new(FaultKind.Refused, $"{path} can't be read: {why}")
    {
        Side = FaultSide.Target, Advice = "It tells what the table holds: move the table away, or write to another one.",
    };
}

/// <summary>One commit to a table of files.</summary>
internal sealed record TableCommit
{
    /// <summary>The run.</summary>
    public required string Run { get; init; }

    /// <summary>The stream's name in the source.</summary>
    public required string Stream { get; init; }

    /// <summary>The fencing number of the coordinator that committed.</summary>
    public required int Epoch { get; init; }

    /// <summary>What became of the rows that were there.</summary>
    public required WriteMode Mode { get; init; }

    /// <summary>Rows that became visible.</summary>
    public required long Rows { get; init; }

    /// <summary>Files that became visible.</summary>
    public required long Files { get; init; }

    /// <summary>Their size.</summary>
    public required long Bytes { get; init; }

    /// <summary>When, in UTC.</summary>
    public required DateTimeOffset At { get; init; }
}
