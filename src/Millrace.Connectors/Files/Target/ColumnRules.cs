using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;

namespace Millrace.Connectors.Files.Target;

/// <summary>Refuses, before any row is read, columns whose type a format can't hold without changing values.</summary>
internal static class ColumnRules
{
    /// <summary>Throws for the first column that the format can't hold, naming it and what to do.</summary>
    public static void Check(StreamPlan plan, FileFormat format)
    {
        foreach (var column in plan.Columns)
        {
            var why = DuckDbType.TryParse(column.Type, out var type) ? Refusal(type, format, nested: false) : "is no type that this version knows";
            if (why is null) continue;
            throw new Fault(FaultKind.JobFile, $"column {Words.Quote(column.Name)}: {column.Type} {why}")
            {
                Side = FaultSide.Target,
                Where = plan.Stream.MarkOf("types").ToString(),
                Advice = $"Write it as text: types: {{{column.SourceName}: text}}; or leave it out: columns: [\"*\", \"-{column.SourceName}\"].",
            };
        }

        if (plan.Columns.IsEmpty) throw new Fault(FaultKind.JobFile, "found no column, expected at least one") { Side = FaultSide.Target, Where = plan.Stream.Mark.ToString() };
        foreach (var name in plan.Stream.Write.PartitionBy) CheckPartition(plan, name);
        foreach (var term in plan.Stream.Write.ClusterBy)
        {
            if (plan.Columns.Any(column => string.Equals(column.Name, term.Column, StringComparison.OrdinalIgnoreCase))) continue;
            var known = plan.Columns.Take(Limits.SchemaDifferencesNamedMax).Select(static column => column.Name).ToArray();
            throw Refused(plan, "cluster_by", $"found {Words.Quote(term.Column)}, which is no column of the files", Words.Nearest(term.Column, known) is { } nearest ? $"Did you mean '{nearest}'?" : $"The columns are {string.Join(", ", known)}.");
        }

        if (plan.Stream.Write.PartitionBy.Length - plan.Folders.Length >= plan.Columns.Length)
            throw Partition(plan, "every column is a partition folder, so that no column is left for the files", "Leave at least one column out of partition_by.");
    }

    /// <summary>Why a format can't hold a type; null when it can.</summary>
    internal static string? Refusal(DuckDbType type, FileFormat format, bool nested)
    {
        if (type.Kind is DuckDbKind.Variant or DuckDbKind.Geometry or DuckDbKind.Union) return "has no form that other readers of files know";
        var why = format switch
        {
            FileFormat.Parquet => InParquet(type),
            FileFormat.Csv => InCsv(type),
            _ => InJson(type, nested),
        };
        if (why is not null || !type.IsNested) return why;
        foreach (var field in type.Fields)
        {
            if (Refusal(field.Type, format, nested: true) is { } inside) return $"holds {field.Type.ToSql()}, which {inside}";
        }

        return null;
    }

    private static string? InParquet(DuckDbType type) => type.Kind switch
    {
        DuckDbKind.HugeInt or DuckDbKind.UHugeInt => "would become a DOUBLE in Parquet",
        DuckDbKind.TimeTz => "would lose its offset in Parquet",
        DuckDbKind.Interval => "would lose its microseconds in Parquet",
        _ => null,
    };

    private static string? InCsv(DuckDbType type) =>
        type.IsNested ? "has no form in CSV that reads back"
        : type.Kind == DuckDbKind.Blob ? "has no form in CSV that all readers share"
        : null;

    private static string? InJson(DuckDbType type, bool nested) =>
        type.Kind == DuckDbKind.Blob ? "has no form in JSON"
        : type.IsJson && nested ? "would have its numbers rewritten inside another value"
        : type.Kind == DuckDbKind.Map && (type.Fields[0].Type.IsNested || type.Fields[0].Type.IsJson) ? "has keys that JSON can't have"
        : null;

    private static void CheckPartition(StreamPlan plan, string name)
    {
        var text = plan.Folders.FirstOrDefault(folder => folder.Name == name)?.Type
            ?? plan.Columns.FirstOrDefault(each => string.Equals(each.Name, name, StringComparison.OrdinalIgnoreCase))?.Type
            ?? throw Partition(plan, $"found the partition column {Words.Quote(name)}, which the stream does not have", "Name columns as they are called in the target.");
        var type = DuckDbType.Parse(text);
        if (type.IsNested || type.IsJson || type.Kind is DuckDbKind.Float or DuckDbKind.Double or DuckDbKind.Blob or DuckDbKind.Interval)
            throw Partition(plan, $"column {Words.Quote(name)}: {text} can't be a folder's name", "Partition by text, whole numbers, dates or booleans.");
    }

    private static Fault Partition(StreamPlan plan, string message, string advice) => Refused(plan, "partition_by", message, advice);

    private static Fault Refused(StreamPlan plan, string key, string message, string advice) => new(FaultKind.JobFile, message)
    {
        Side = FaultSide.Job, Where = plan.Stream.MarkOf($"write.{key}").ToString(), Advice = advice,
    };
}
