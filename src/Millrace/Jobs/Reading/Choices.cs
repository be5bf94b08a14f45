using System.Collections.Immutable;
using Millrace.Faults;

namespace Millrace.Jobs.Reading;

/// <summary>The words that a key can have, and what they mean.</summary>
/// <param name="Words">The words of this version with their values.</param>
/// <param name="NotBuilt">Words that the job file will have, and this version does not.</param>
/// <typeparam name="T">What a word means.</typeparam>
internal sealed record Choices<T>(ImmutableArray<(string Word, T Value)> Words, ImmutableArray<string> NotBuilt)
{
    /// <summary>The words of this version.</summary>
    public IReadOnlyList<string> Known => [.. Words.Select(one => one.Word)];

    /// <summary>Finds a word's value; letter case matters.</summary>
    public bool TryFind(string word, out T value)
    {
        foreach (var one in Words)
        {
            if (one.Word == word)
            {
                value = one.Value;
                return true;
            }
        }

        value = default!;
        return false;
    }
}

/// <summary>Every key of the job file whose value is one of a few words.</summary>
internal static class Choices
{
    /// <summary><c>engine</c>.</summary>
    public static Choices<EngineChoice> Engine { get; } = new(
        [("auto", EngineChoice.Auto), ("inproc", EngineChoice.InProc), ("local", EngineChoice.Local)],
        ["spark", "kubernetes", "beam", "slurm"]);

    /// <summary><c>format</c>.</summary>
    public static Choices<FileFormat> Format { get; } = new(
        [("parquet", FileFormat.Parquet), ("csv", FileFormat.Csv), ("ndjson", FileFormat.Ndjson)],
        ["delta"]);

    /// <summary><c>mode</c>.</summary>
    public static Choices<WriteMode> Mode { get; } = new(
        [("overwrite", WriteMode.Overwrite), ("append", WriteMode.Append), ("merge", WriteMode.Merge), ("incremental", WriteMode.Incremental)],
        ["scd2"]);

    /// <summary><c>consistency</c>.</summary>
    public static Choices<Consistency> Consistency { get; } = new(
        [("snapshot", Jobs.Consistency.Snapshot), ("unit", Jobs.Consistency.Unit)],
        []);

    /// <summary><c>proof</c>: how what was written is proved against what was read.</summary>
    public static Choices<Proof> Proof { get; } = new(
        [("counts", Jobs.Proof.Counts), ("hash", Jobs.Proof.Hash), ("readback", Jobs.Proof.Readback)],
        []);

    /// <summary><c>on_reject</c>.</summary>
    public static Choices<OnReject> OnReject { get; } = new(
        [("fail", Jobs.OnReject.Fail), ("quarantine", Jobs.OnReject.Quarantine)],
        []);

    /// <summary><c>schema</c>: what happens when columns have changed.</summary>
    public static Choices<SchemaRule> Schema { get; } = new(
        [("evolve", SchemaRule.Evolve), ("freeze", SchemaRule.Freeze), ("replace", SchemaRule.Replace)],
        []);

    /// <summary><c>partition.by</c>.</summary>
    public static Choices<PartitionBy> PartitionBy { get; } = new(
        [
            ("auto", Jobs.PartitionBy.Auto), ("pages", Jobs.PartitionBy.Pages), ("date", Jobs.PartitionBy.Date), ("id", Jobs.PartitionBy.Id),
            ("hash", Jobs.PartitionBy.Hash), ("files", Jobs.PartitionBy.Files), ("bytes", Jobs.PartitionBy.Bytes),
            ("row_groups", Jobs.PartitionBy.RowGroups), ("none", Jobs.PartitionBy.None),
        ],
        []);

    /// <summary><c>join.how</c>.</summary>
    public static Choices<JoinKind> How { get; } = new(
        [("left", JoinKind.Left), ("inner", JoinKind.Inner), ("full", JoinKind.Full), ("anti", JoinKind.Anti), ("semi", JoinKind.Semi)],
        []);

    /// <summary><c>join.many</c>.</summary>
    public static Choices<ManyRule> Many { get; } = new(
        [("all", ManyRule.All), ("first", ManyRule.First), ("error", ManyRule.Error)],
        []);

    /// <summary><c>nest.oversize</c>.</summary>
    public static Choices<Oversize> Oversize { get; } = new(
        [("fail", Jobs.Oversize.Fail), ("split", Jobs.Oversize.Split)],
        []);

    /// <summary><c>dedupe.keep</c>.</summary>
    public static Choices<KeepRule> Keep { get; } = new(
        [("first", KeepRule.First), ("last", KeepRule.Last), ("error", KeepRule.Error)],
        []);

    /// <summary><c>lookup.missing</c>.</summary>
    public static Choices<LookupMissing> Missing { get; } = new(
        [("null", LookupMissing.Null), ("error", LookupMissing.Error), ("drop", LookupMissing.Drop)],
        []);

    /// <summary>The <c>action</c> of a rule.</summary>
    public static Choices<ExpectAction> Action { get; } = new(
        [("fail", ExpectAction.Fail), ("quarantine", ExpectAction.Quarantine), ("warn", ExpectAction.Warn)],
        []);

    /// <summary><c>read.format</c>.</summary>
    public static Choices<string> ReadFormat { get; } = Texts(["csv", "ndjson", "json", "parquet"], ["avro", "delta"]);

    /// <summary><c>read.compression</c>.</summary>
    public static Choices<string> Compression { get; } = Texts(["gzip", "zstd", "none"], []);

    /// <summary><c>read.decimal</c>.</summary>
    public static Choices<string> Decimal { get; } = Texts([".", ","], []);

    /// <summary><c>read.ragged</c>.</summary>
    public static Choices<string> Ragged { get; } = Texts(["fail", "pad"], []);

    /// <summary><c>read.missing_columns</c>.</summary>
    public static Choices<string> MissingColumns { get; } = Texts(["null", "fail"], []);

    /// <summary><c>write.codec</c> when the format is Parquet.</summary>
    public static Choices<string> ParquetCodec { get; } = Texts(["zstd", "snappy", "gzip", "lz4", "brotli", "none"], []);

    /// <summary><c>write.codec</c> when the format is CSV or NDJSON.</summary>
    public static Choices<string> TextCodec { get; } = Texts(["none", "gzip", "zstd"], []);

    private static Choices<string> Texts(string[] words, string[] notBuilt) => new([.. words.Select(word => (word, word))], [.. notBuilt]);
}
