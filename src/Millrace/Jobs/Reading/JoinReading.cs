using Millrace.Faults;

namespace Millrace.Jobs.Reading;

/// <summary>Reads a <c>join</c>, and finds out what its other side is.</summary>
internal static class JoinReading
{
    private const string Expected = "a stream of this job, a path with an ending or wildcards, or a URL";

    /// <summary>Reads the step; mistakes are noted.</summary>
    /// <param name="map">The map behind <c>join</c>.</param>
    /// <param name="mark">Where the step stands.</param>
    /// <param name="stream">The stream that has the step.</param>
    /// <param name="scope">What the step may refer to.</param>
    public static JoinStep Read(MapReader map, Mark mark, string stream, JobScope scope)
    {
        var step = new JoinStep(
            Side(map, stream, scope),
            ColumnReading.Pairs(map, "on"),
            map.Choice("how", Choices.How) ?? JoinKind.Left,
            map.Choice("many", Choices.Many) ?? ManyRule.All) { Mark = mark };
        if (step.How is JoinKind.Anti or JoinKind.Semi && map.Has("many"))
        {
            map.Fault("many", $"found many, which how: {(step.How == JoinKind.Anti ? "anti" : "semi")} does not use", "Leave it out: each left row is there once at most.");
        }

        return step;
    }

    private static JoinSide Side(MapReader map, string self, JobScope scope)
    {
        var side = new JoinSide(
            Stream: null,
            map.Truth("raw") ?? false,
            Source: null,
            map.Text("stream"),
            StreamReading.Columns(map),
            SqlReading.Read(map, "where", scope),
            FileReading.Read(map.Map("read", KeyTable.Read)));
        if (map.NeededText("with") is not { } text) return side;
        if (scope.Streams.Find(text) is { } name)
        {
            CheckStream(map, name, self, scope);
            return side with { Stream = name };
        }

        var isUrl = EndpointScheme.Of(text) is not null;
        var isUnresolved = text.StartsWith("${", StringComparison.Ordinal);
        if (isUrl)
        {
            CheckUrl(map, text, scope);
        }
        else if (EndpointScheme.IsStandardStream(text))
        {
            map.Fault("with", $"found '-', expected {Expected}", "Standard input can be read once: make it the job's source.");
        }
        else if (!isUnresolved && !StreamNames.HasDataEnding(text) && !text.Contains('/', StringComparison.Ordinal))
        {
            NoSide(map, text, self, scope);
        }
        else if (!isUnresolved || StreamNames.HasDataEnding(text))
        {
            Refuse(map, "stream", "files do not have", "Leave it out, or name a database's URL in 'with'.");
        }

        Refuse(map, "raw", "is for a stream of this job", "Leave it out.");
        return side with { Source = EndpointReading.Read(map, "with", text, scope.Warnings) };
    }

    private static void CheckStream(MapReader map, string name, string self, JobScope scope)
    {
        if (name == self)
        {
            map.Fault("with", $"found {Words.Quote(name)}, the stream itself, expected another one", "Name its source a second time as a stream of its own, with another name in 'to'.");
        }
        else if (scope.Streams.IsPattern(name))
        {
            map.Fault("with", $"found {Words.Quote(name)}, which stands for several streams, expected one", "Write the table that is meant as a stream of its own.");
        }

        Refuse(map, "stream", "is for a database's URL", "Leave it out: 'with' names the stream.");
        Refuse(map, "read", "is for files", $"Write it at the stream: streams.{name}.read.");
    }

    private static void CheckUrl(MapReader map, string text, JobScope scope)
    {
        EndpointReading.CheckScheme(map, "with", text, "join", "This version joins streams, paths, globs and postgres:// URLs.", scope.Faults);
        if (!EndpointScheme.IsPostgres(text)) return;
        Refuse(map, "read", "is for files", "Leave it out.");
        if (!map.Has("stream")) map.Fault("with", "found a database without a table", "Name it beside the URL: stream: public.customers");
    }

    private static void NoSide(MapReader map, string text, string self, JobScope scope)
    {
        var others = scope.Streams.Others(self);
        var advice = scope.Streams.Advice(text, self)
            ?? (StreamNames.IsGlob(text) ? $"A glob of files needs a folder or an ending: ./{text}"
            : $"Add it to streams, or write ./{text} for a folder.");
        map.Fault("with", $"found {Words.Quote(text)}, expected {Expected}{(others.Length == 0 ? "" : $"; the job's other streams are {others}")}", advice);
    }

    private static void Refuse(MapReader map, string key, string why, string advice)
    {
        if (map.Has(key)) map.Fault(key, $"found {key}, which {why}", advice);
    }
}
