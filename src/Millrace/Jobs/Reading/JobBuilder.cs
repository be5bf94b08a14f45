using System.Collections.Immutable;
using Millrace.Faults;
using Millrace.Jobs.Secrets;

namespace Millrace.Jobs.Reading;

/// <summary>Makes a <see cref="Job"/> of a tree: writes the command line into it, reads every key, then checks what spans keys.</summary>
internal sealed class JobBuilder
{
    private readonly MapNode root;
    private readonly MapReader reader;
    private readonly FaultList faults;
    private readonly List<JobWarning> warnings = [];

    private readonly OverrideWriter writer;

    private JobBuilder(MapNode root, FaultList faults, OverrideWriter writer)
    {
        this.writer = writer;
        this.root = root;
        this.faults = faults;
        reader = new MapReader(root, KeyTable.Job, "", faults);
    }

    /// <summary>Builds the job, or lists every mistake.</summary>
    /// <param name="root">The file's tree; an empty map for the short form.</param>
    /// <param name="overrides">What the command line says.</param>
    /// <param name="baseDirectory">Where relative paths start.</param>
    /// <param name="fileName">What the job is named after when it has no name.</param>
    /// <param name="faults">What was wrong so far.</param>
    public static JobReading Build(MapNode root, JobOverrides overrides, string baseDirectory, string fileName, FaultList faults)
    {
        var changes = new OverrideWriter(root, overrides, faults);
        changes.Write();
        var builder = new JobBuilder(root, faults, changes);
        var job = builder.Job(baseDirectory, fileName);
        return new JobReading(faults.IsEmpty ? job : null, faults.InFileOrder(), [.. builder.warnings]);
    }

    private Job Job(string baseDirectory, string fileName)
    {
        var source = Endpoint("source", "--from");
        var target = Endpoint("target", "--to");
        CheckScheme(source, isTarget: false);
        CheckScheme(target, isTarget: true);
        var format = TargetRules.Format(reader, target.Text);
        var parameters = ParamReading.Read(reader);
        var job = new Job
        {
            Name = Name(fileName),
            Source = source,
            Target = target,
            Format = format,
            State = State(),
            Shuffle = Shuffle(),
            Engine = reader.Choice("engine", Choices.Engine) ?? EngineChoice.Auto,
            Limits = ReadLimits(),
            Params = parameters,
            Streams = Streams(source, format, new SqlParams(parameters, faults)),
            BaseDirectory = baseDirectory,
        };
        return TargetRules.Apply(job, reader, faults);
    }

    private string Name(string fileName)
    {
        if (reader.Text("name") is { } name)
        {
            if (name.Length > Limits.JobNameCharsMax || !name.All(IsNameCharacter) || name[0] is '.' or '-')
            {
                reader.Fault("name", $"found {Words.Quote(name)}, expected at most {Limits.JobNameCharsMax} letters, digits, '-', '_' and '.', a letter or digit first", "The name becomes part of folder names.");
            }

            return name;
        }

        var stem = Path.GetFileNameWithoutExtension(fileName);
        var made = new string([.. stem.Select(c => IsNameCharacter(c) ? c : '-').Take(Limits.JobNameCharsMax)]).TrimStart('.', '-');
        return made.Length == 0 ? "run" : made;
    }

    private static bool IsNameCharacter(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.';

    private Endpoint Endpoint(string key, string option)
    {
        var mark = reader.MarkOf(key);
        var text = reader.Text(key);
        if (text is null)
        {
            if (!reader.Has(key))
            {
                var where = root.Origin.File is null ? new Mark(option) : root.Origin.At(key);
                faults.Add(where, $"found nothing, expected {KeyTable.Job.Find(key)!.Expected}", root.Origin.File is null ? $"Give {option}, or name a job file." : $"Add '{key}: ...' to the file, or give {option}.");
            }

            return new Endpoint("", mark);
        }

        return EndpointReading.Read(reader, key, text, warnings);
    }

    private void CheckScheme(Endpoint endpoint, bool isTarget)
    {
        var here = isTarget ? "This version writes paths, '-' and postgres:// URLs." : "This version reads paths, globs, '-' and postgres:// URLs.";
        var key = isTarget ? "target" : "source";
        EndpointReading.CheckScheme(reader, key, endpoint.Text, key, here, faults);
    }

    private string State()
    {
        var state = reader.Text("state") ?? ".millrace";
        if (!TextTemplate.TryParse(state, out _, out var mistake))
        {
            reader.Fault("state", $"found {mistake}, expected ${{NAME}}, ${{NAME:-default}} or ${{file:/path}}", "Write $${ for a plain ${.");
        }

        if (EndpointScheme.Of(state) is { } scheme)
        {
            faults.AddNotBuilt(reader.MarkOf("state"), $"a state folder at {scheme}:", "This version keeps runs in a folder.");
        }

        return state;
    }

    private Endpoint? Shuffle()
    {
        if (reader.Text("shuffle") is not { } text) return null;
        var endpoint = EndpointReading.Read(reader, "shuffle", text, []);
        const string Known = "Known as a place for rows between stages: S3 (s3://bucket/prefix).";
        if (EndpointScheme.Of(text) is { } scheme and not "s3")
        {
            if (scheme is "gs" or "az") faults.AddNotBuilt(endpoint.Mark, $"a shuffle at {scheme}://", Known);
            else reader.Fault("shuffle", $"found the scheme {Words.Quote(scheme)}, expected {StoreAddress.Expected}", Known);
        }
        else if (!TextTemplate.HasReference(text) && StoreAddress.TryParse(text, out var mistake) is null)
        {
            reader.Fault("shuffle", mistake!.Value.Message, mistake.Value.Advice ?? Known);
        }

        return endpoint;
    }

    private JobLimits ReadLimits()
    {
        var limits = reader.Map("limits", KeyTable.Limits);
        var isAuto = limits.Node("workers") is ScalarNode { Text: "auto" };
        return new JobLimits
        {
            MemoryBytes = limits.Size("memory", Limits.MemoryBytesMin, long.MaxValue),
            Workers = isAuto ? null : (int?)limits.Number("workers", 1, Limits.WorkersMax),
            SourceConnections = (int?)limits.Number("source_connections", 1, Limits.SourceConnectionsMax),
            TargetConnections = (int?)limits.Number("target_connections", 1, Limits.TargetConnectionsMax),
            SourceRowsPerSecond = limits.Number("source_rows_per_second", Limits.SourceRowsPerSecondMin, Limits.SourceRowsPerSecondMax),
            SourceBytesPerSecond = limits.Size("source_bytes_per_second", Limits.SourceBytesPerSecondMin, long.MaxValue),
            DiskBytes = limits.Size("disk", Limits.DiskBytesMin, long.MaxValue),
            SnapshotHoldSeconds = limits.Duration("snapshot_hold", Limits.SnapshotHoldSecondsMax),
            Rejects = limits.Rejects("rejects"),
        };
    }

    private ImmutableArray<StreamJob> Streams(Endpoint source, FileFormat format, SqlParams parameters)
    {
        if (root.Find("streams")?.Value is not MapNode { Entries.Count: > 0 } streams)
        {
            // A source that is missing or not understood has its own message.
            if (source.Text.Length > 0)
            {
                var found = reader.Node("streams") is MapNode or null ? "nothing" : reader.Node("streams")!.Shape;
                reader.Fault("streams", $"found {found}, expected {KeyTable.Job.Find("streams")!.Expected}", "Name the tables to move: 'streams: [public.events]', --stream public.events, or \"public.*\" for all of a schema.");
            }

            return [];
        }

        if (streams.Entries.Count > Limits.StreamsMax)
        {
            reader.Fault("streams", $"found {streams.Entries.Count} streams, expected at most {Limits.StreamsMax}", "Use wildcards, or split the job.");
            return [];
        }

        var isFileSource = OverrideWriter.IsFileSource(root);
        var isOneFile = isFileSource
            && (writer.HasImpliedStream || StreamNames.HasDataEnding(source.Text) || StreamNames.IsGlob(source.Text) || EndpointScheme.IsStandardStream(source.Text));
        if (isOneFile && streams.Entries.Count > 1)
        {
            var second = streams.Entries[1];
            faults.Add(second.Origin.At($"streams.{second.Key}"), "found a second stream, but the source is one file, one glob or standard input", "Make the source the folder, and the streams globs below it.");
        }

        var scope = new JobScope(parameters, new StreamIndex(streams, isOneFile, isFileSource, writer.LeftOut), faults, warnings);
        ImmutableArray<StreamJob> read = [.. streams.Entries.Select(entry => StreamReading.Read(entry, format, isOneFile, scope))];
        JoinCircles.Refuse(read, faults);
        return read;
    }
}
