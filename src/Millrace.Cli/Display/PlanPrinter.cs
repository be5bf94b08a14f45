using Millrace.Jobs;
using Millrace.Jobs.Secrets;
using Millrace.Planning;
using Millrace.Telemetry;

namespace Millrace.Cli.Display;

/// <summary>Plans for people, on standard output.</summary>
internal sealed class PlanPrinter
{
    private readonly Shell shell;

    /// <summary>A printer.</summary>
    public PlanPrinter(Shell shell) => this.shell = shell;

    /// <summary>One stream's plan.</summary>
    public void Stream(InspectedStream inspected, Endpoint target)
    {
        var (stream, plan) = (inspected.Stream, inspected.Plan!);
        Line($"{stream.Name} -> {UrlPassword.Strip(target.Text)} {inspected.To} ({WriteModes.Of(stream.Mode)})");
        Line($"  rows      {(plan.EstimatedRows is { } rows ? $"about {Figures.Whole(rows)}" : "unknown")}");
        Line($"  bytes     {(plan.EstimatedBytes is { } bytes ? $"about {Figures.Bytes(bytes)}" : "unknown")}");
        Line($"  strategy  {Strategy(plan.Strategy)}: {plan.Why}");
        Line($"  units     about {Figures.Whole(plan.EstimatedUnits)}");
        foreach (var remark in plan.Remarks)
        {
            Line($"  note      {remark}");
        }

        foreach (var change in plan.SchemaChanges)
        {
            Line($"  change    {change}");
        }

        Columns(plan.Columns);
    }

    /// <summary>Columns, one a line.</summary>
    public void Columns(IReadOnlyCollection<Column> columns)
    {
        var nameWidth = Math.Min(40, columns.Select(column => column.Name.Length).DefaultIfEmpty().Max());
        var typeWidth = Math.Min(40, columns.Select(column => column.SourceType.Length).DefaultIfEmpty().Max());
        foreach (var column in columns)
        {
            var renamed = column.SourceName == column.Name ? "" : $"  (from {column.SourceName})";
            var remark = column.Remark is null ? "" : $"  {column.Remark}";
            Line($"    {column.Name.PadRight(nameWidth)}  {column.SourceType.PadRight(typeWidth)}  {column.Type}{(column.Nullable ? "" : " not null")}{renamed}{remark}");
        }
    }

    /// <summary>Who would run the units, with how much memory.</summary>
    public void Engine(EngineChoice engine, Budget budget, string? disk, Endpoint? shuffle)
    {
        var isLocal = engine == EngineChoice.Local;
        Line(isLocal
            ? $"engine    local: {Figures.Count(budget.Processes, "worker process").Replace("processs", "processes", StringComparison.Ordinal)}, {Figures.Count(budget.Lanes, "unit")} at once"
            : $"engine    inproc: in this process, {Figures.Count(budget.Lanes, "unit")} at once");
        var peak = Figures.Bytes(budget.PeakBytes(engine));
        Line(budget.WhyItDoesNotFit(engine) is { } reason
            ? $"memory    may need {peak}, which does not fit: {reason}"
            : $"memory    at most about {peak} of the {Figures.Bytes(budget.MemoryBytes)} that limits.memory allows");
        if (shuffle is not null) Line($"shuffle   rows between stages lie in {UrlPassword.Strip(shuffle.Text)}");
        if (disk is not null) Line($"disk      {disk}");
        if (budget.WhyTooFewFiles(engine, OpenFiles.Max) is { } few) Line($"files     {few}");
    }

    /// <summary>A strategy in words.</summary>
    public static string Strategy(PartitionBy strategy) => strategy switch
    {
        PartitionBy.RowGroups => "row groups",
        _ => strategy.ToString().ToLowerInvariant(),
    };

    private void Line(string text) => shell.Out.Write($"{shell.Safe(text)}\n");
}
