using System.CommandLine;
using Millrace.Cli.Display;
using Millrace.Cli.Input;
using Millrace.Jobs;
using Millrace.Runs;

namespace Millrace.Cli.Verbs;

/// <summary><c>millrace show</c>: tells what one run is and came to.</summary>
internal static class ShowVerb
{
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
        var job = listing.Directory.ReadJob();
        if (style == OutputStyle.Json)
        {
            var lines = new JsonLines(shell);
            foreach (var fault in listing.Report?.Summary.Faults ?? [])
            {
                lines.Error(fault);
            }

            lines.Write("run", json =>
            {
                RunJsonLines.Write(json, listing);
                RunJsonLines.SchemaChanges(json, job.Streams.Select(stream => (stream.Name, SchemaChanges(listing, stream))));
            });
            return 0;
        }

        void Line(string text) => shell.Out.Write($"{shell.Safe(text)}\n");
        Line($"run       {listing.Directory.Run}");
        Line($"status    {listing.Status.ToString().ToLowerInvariant()}");
        Line($"began     {listing.Directory.Manifest.Began:u} by Millrace {listing.Directory.Manifest.Version}");
        Line($"folder    {listing.Directory.Path}");
        Line($"from      {job.Source.Text}");
        Line($"to        {job.Target.Text}");
        foreach (var stream in job.Streams)
        {
            var folder = listing.Directory.Stream(stream.Name);
            var commit = folder.ReadCommit();
            Line($"stream    {stream.Name}: {(commit is null ? "not published" : $"{Figures.Count(commit.Receipt.Rows, "row")}, {Figures.Count(commit.Receipt.Files, "file")}, {Figures.Bytes(commit.Receipt.Bytes)} in {commit.Receipt.Place}{(commit.Hash is null ? "" : $", {commit.Hash}")}")}");
            if (commit is { Rejected: > 0 })
            {
                Line($"rejected  {Figures.Count(commit.Rejected, "row")} in {folder.RejectsPath}; the first:");
                foreach (var line in folder.FirstRejects(RejectsShown)) Line($"          {line}");
            }

            foreach (var change in SchemaChanges(listing, stream))
            {
                Line($"change    {stream.Name}: {change}");
            }
        }

        if (listing.Report is { } report)
        {
            Line($"ended     {report.Ended:u} after {Figures.Duration(TimeSpan.FromSeconds(report.Summary.Seconds))}, {Figures.Count(report.Summary.Units, "unit")}, peak memory {Figures.Bytes(report.Summary.PeakMemoryBytes)}");
            var printer = new FaultPrinter(shell);
            foreach (var fault in report.Summary.Faults)
            {
                shell.Out.Write($"{printer.Text(fault)}\n");
            }
        }

        return 0;
    }

    /// <summary>What the run has changed in the columns of a stream's table.</summary>
    private static IReadOnlyList<string> SchemaChanges(RunListing run, StreamJob stream) =>
        run.Directory.Stream(stream.Name).Latest()?.ReadHeader() is { SchemaChanges: { IsDefaultOrEmpty: false } changes } ? changes : [];
}
