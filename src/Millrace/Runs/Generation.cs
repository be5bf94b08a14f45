using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Millrace.Faults;
using Millrace.Jobs;

namespace Millrace.Runs;

/// <summary>
/// One reading of a stream: <c>stream.json</c> (what all units share), <c>plan.ndjson</c> (one unit a line, then the end line) and
/// <c>results/000000/000000012.json</c> (one object a unit); <c>divisions.ndjson</c> where units are read in parts.
/// </summary>
public sealed class Generation
{
    private const string EndMark = "{\"units\":";

    private readonly string _path;

    internal Generation(string path, int number)
    {
        _path = path;
        Number = number;
    }

    /// <summary>The generation's number, from 1.</summary>
    public int Number { get; }

    private string HeaderPath => Path.Combine(_path, "stream.json");

    private string DivisionsPath => Path.Combine(_path, "divisions.ndjson");

    private string PlanPath => Path.Combine(_path, "plan.ndjson");

    /// <summary>What all units share; null when the coordinator died before it was written.</summary>
    public StreamHeader? ReadHeader() =>
        File.Exists(HeaderPath) ? RunJson.Read(File.ReadAllBytes(HeaderPath), RunJson.Default.StreamHeader, HeaderPath) : null;

    /// <summary>Writes what all units share, before the first of them runs.</summary>
    public void WriteHeader(StreamHeader header) => DurableFiles.CreateIfAbsent(HeaderPath, RunJson.Line(header, RunJson.Default.StreamHeader));

    /// <summary>Begins the plan.</summary>
    public PlanWriter WritePlan() => new(PlanPath);

    /// <summary>How many units the plan has; null when it was cut off before its end was written.</summary>
    public long? PlannedUnits()
    {
        if (!File.Exists(PlanPath)) return null;
        string? last = null;
        foreach (var line in File.ReadLines(PlanPath)) last = line;
        if (last is null || !last.StartsWith(EndMark, StringComparison.Ordinal) || !last.EndsWith('}')) return null;
        return RunJson.Read(Encoding.UTF8.GetBytes(last), RunJson.Default.PlanEnd, PlanPath).Units;
    }

    /// <summary>The plan's units in order, read as a stream: all of them, or as many as were written before it was cut off.</summary>
    public async IAsyncEnumerable<Unit> ReadPlanAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        if (!File.Exists(PlanPath)) yield break;
        await foreach (var line in File.ReadLinesAsync(PlanPath, cancel).ConfigureAwait(false))
        {
            // A plan whose coordinator was killed may end in the middle of a line.
            if (line.StartsWith(EndMark, StringComparison.Ordinal) || !line.EndsWith('}')) yield break;
            yield return RunJson.Read(Encoding.UTF8.GetBytes(line), RunJson.Default.Unit, PlanPath);
        }
    }

    /// <summary>Remembers that a unit is read in parts. Durable when it returns. One call at a time.</summary>
    public void Divide(Division division)
    {
        var isNew = !File.Exists(DivisionsPath);
        using (var file = new FileStream(DivisionsPath, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0))
        {
            // A line that a killed coordinator left half-written ends here.
            file.Write([(byte)'\n', .. RunJson.Line(division, RunJson.Default.Division), (byte)'\n']);
            file.Flush(flushToDisk: true);
        }

        if (isNew) DurableFiles.SyncFolder(_path);
    }

    /// <summary>The units that are read in parts, in the order in which they were divided; a line that was cut off does not count.</summary>
    public async IAsyncEnumerable<Division> ReadDivisionsAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        if (!File.Exists(DivisionsPath)) yield break;
        await foreach (var line in File.ReadLinesAsync(DivisionsPath, cancel).ConfigureAwait(false))
        {
            if (line.StartsWith('{') && RunJson.TryRead(line, RunJson.Default.Division) is { } division) yield return division;
        }
    }

    /// <summary>The header when the plan is whole and every unit has its result, so that only the commit is missing; otherwise null.</summary>
    public async Task<StreamHeader?> CompleteHeaderAsync(Consistency consistency, CancellationToken cancel)
    {
        if (ReadHeader() is not { } header || PlannedUnits() is null) return null;
        var moment = consistency == Consistency.Unit ? null : header.Moment;
        await foreach (var unit in ReadPlanAsync(cancel).ConfigureAwait(false))
        {
            if (ReadResult(unit.Number, Fingerprint(unit.Slice, moment)) is null) return null;
        }

        return header;
    }

    /// <summary>A unit's result when it has one that reads the same as <paramref name="fingerprint"/>; otherwise null.</summary>
    public UnitResult? ReadResult(long unit, string fingerprint)
    {
        var path = ResultPath(unit);
        if (!File.Exists(path)) return null;
        var result = RunJson.Read(File.ReadAllBytes(path), RunJson.Default.UnitResult, path);
        return string.Equals(result.Fingerprint, fingerprint, StringComparison.Ordinal) ? result : null;
    }

    /// <summary>Whether a unit has a result, whatever it reads.</summary>
    public bool HasResult(long unit) => File.Exists(ResultPath(unit));

    /// <summary>Commits a unit: writes its result unless it has one. False: another attempt was first.</summary>
    public bool TryWriteResult(UnitResult result)
    {
        var path = ResultPath(result.Number);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return DurableFiles.CreateIfAbsent(path, RunJson.Line(result, RunJson.Default.UnitResult));
    }

    /// <summary>The results of the first <paramref name="units"/> units in plan order. One that is missing is a fault.</summary>
    public async IAsyncEnumerable<UnitResult> ReadResultsAsync(long units, [EnumeratorCancellation] CancellationToken cancel)
    {
        for (long unit = 0; unit < units; unit++)
        {
            var path = ResultPath(unit);
            if (!File.Exists(path))
                throw new Fault(FaultKind.Internal, $"unit {unit} of {units} has no result, so the stream can't be committed") { Where = _path };
            yield return RunJson.Read(await File.ReadAllBytesAsync(path, cancel).ConfigureAwait(false), RunJson.Default.UnitResult, path);
        }
    }

    /// <summary>
    /// What a unit reads, as a short hash: the slice and the moment. Under <c>consistency: unit</c> the moment does not count.
    /// </summary>
    public static string Fingerprint(string slice, string? moment)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(moment is null ? slice : $"{moment}\n{slice}"), hash);
        return Convert.ToHexStringLower(hash[..16]);
    }

    internal void Create() => Directory.CreateDirectory(_path);

    private string ResultPath(long unit) => Path.Combine(
        _path,
        "results",
        (unit / Limits.ResultsPerFolder).ToString("D6", CultureInfo.InvariantCulture),
        unit.ToString("D9", CultureInfo.InvariantCulture) + ".json");
}
