using System.CommandLine;
using Millrace.Cli.Display;
using Millrace.Cli.Input;
using Millrace.Runs;

namespace Millrace.Cli.Verbs;

/// <summary><c>millrace show</c>: tells what one run is and came to.</summary>
internal static class ShowVerb
{
    private const int StoryLinesMax = 50;
    private const int RejectsShown = 3;

    /// <summary>The verb's definition.</summary>
    public static Command Define(Shell shell)
    {
        var verb = new Verb("show", "Show one run: what it moved, how it stands, what went wrong.", ("show 20260102T030405-events-1a2b", "Show this run."));
        var run = new Argument<string>("RUN") { Description = "The run's id; 'millrace runs' lists them." };
        var state = StateOption.Create();
        var output = new OutputOptions();
        verb.Add(run);
        verb.Add(state);
        output.AddTo(verb);
        verb.SetAction(parsed => Show(parsed.GetRequiredValue(run), parsed.GetValue(state), output.Read(parsed), shell));
        return verb;
    }

    private static int Show(string run, string? state, OutputStyle style, Shell shell)
    {
        var listing = RunList.Describe(RunDirectory.Open(Path.Combine(shell.Directory, state ?? StateOption.Default), run));
        if (style == OutputStyle.Json)
        {
            WriteJson(listing, new JsonLines(shell));
            return 0;
        }

        Print(listing, text => shell.Out.Write($"{shell.Safe(text)}\n"));
        var printer = new FaultPrinter(shell);
        foreach (var fault in listing.Report?.Summary.Faults ?? []) shell.Out.Write($"{printer.Text(fault)}\n");
        return 0;
    }

    private static void WriteJson(RunListing listing, JsonLines lines)
    {
        foreach (var told in listing.Directory.ReadStory()) lines.Write("story", json => RunJsonLines.Write(json, told));
        foreach (var fault in listing.Report?.Summary.Faults ?? []) lines.Error(fault);
        lines.Write("run", json =>
        {
            RunJsonLines.Write(json, listing);
            var job = listing.Directory.ReadJob();
            if (job.Shuffle is { } shuffle) json.WriteString("shuffle", shuffle.Text);
            RunJsonLines.SchemaChanges(json, job.Streams.Select(stream => (stream.Name, SchemaChanges(listing.Directory.Stream(stream.Name)))));
        });
    }

    private static void Print(RunListing listing, Action<string> line)
    {
        var job = listing.Directory.ReadJob();
        line($"run       {listing.Directory.Run}");
        line($"status    {listing.Status.ToString().ToLowerInvariant()}");
        line($"began     {listing.Directory.Manifest.Began:u} by Millrace {listing.Directory.Manifest.Version}");
        line($"folder    {listing.Directory.Path}");
        line($"from      {job.Source.Text}");
        line($"to        {job.Target.Text}");
        if (job.Shuffle is { } shuffle) line($"shuffle   {shuffle.Text}");
        foreach (var stream in job.Streams) Print(stream.Name, listing.Directory.Stream(stream.Name), line);
        Tell(listing.Directory.ReadStory(), line);
        if (listing.Report is { } report)
            line($"ended     {report.Ended:u} after {Figures.Duration(TimeSpan.FromSeconds(report.Summary.Seconds))}, {Figures.Count(report.Summary.Units, "unit")}, peak memory {Figures.Bytes(report.Summary.PeakMemoryBytes)}");
    }

    private static void Print(string stream, StreamFolder folder, Action<string> line)
    {
        var commit = folder.ReadCommit();
        line($"stream    {stream}: {(commit is null ? "not published" : Published(commit))}");
        foreach (var change in SchemaChanges(folder)) line($"change    {stream}: {change}");
        foreach (var rule in commit?.Rules ?? [])
        {
            line($"rule      {stream}: {RuleLines.Text(rule)}");
            foreach (var sample in rule.Samples) line($"          {sample}");
        }

        if (commit is not { Rejected: > 0 }) return;
        line($"rejected  {Figures.Count(commit.Rejected, "row")} in {folder.RejectsPath}; the first:");
        foreach (var reject in folder.FirstRejects(RejectsShown)) line($"          {reject}");
    }

    /// <summary>What the run has changed in the columns of a stream's table.</summary>
    private static IReadOnlyList<string> SchemaChanges(StreamFolder stream) =>
        stream.Latest()?.ReadHeader() is { SchemaChanges: { IsDefaultOrEmpty: false } changes } ? changes : [];

    private static string Published(CommitRecord commit) =>
        $"{Figures.Of(commit.Receipt)} in {commit.Receipt.Place}{(commit.Hash is null ? "" : $", {commit.Hash}")}";

    /// <summary>The last things that happened: a run of a thousand retries shows what it came to.</summary>
    private static void Tell(IEnumerable<StoryLine> story, Action<string> line)
    {
        var last = new Queue<StoryLine>(StoryLinesMax);
        long before = 0;
        foreach (var told in story)
        {
            if (last.Count == StoryLinesMax)
            {
                last.Dequeue();
                before++;
            }

            last.Enqueue(told);
        }

        if (before > 0) line($"story     {Figures.Count(before, "line")} before these are in story.ndjson in the folder");
        foreach (var told in last)
        {
            var about = told.Stream is null ? "" : told.Unit is null ? $" {told.Stream}:" : $" {told.Stream}, unit {Figures.Whole(told.Unit.Value)}:";
            line($"{told.At:HH:mm:ss}  {told.What.Replace('_', ' ')}{about} {told.Text}");
        }
    }
}
