using System.Globalization;
using System.Text;

namespace Millrace.Runs;

/// <summary>One stream's folder in a run directory: its generations (readings) and its commit.</summary>
public sealed class StreamFolder
{
    private const string RejectsName = "rejects";
    private const string StagesName = "stages";
    private const string BucketsName = "buckets";

    private readonly string _path;

    internal StreamFolder(string path) => _path = path;

    /// <summary>Where it is.</summary>
    internal string Path => _path;

    /// <summary>The folder of rejected rows; it need not exist.</summary>
    public string RejectsPath => System.IO.Path.Combine(_path, RejectsName);

    /// <summary>The folder of what a stage has written for the next one; it need not exist.</summary>
    public string BucketsPath => System.IO.Path.Combine(_path, BucketsName);

    private string CommitPath => System.IO.Path.Combine(_path, "commit.json");

    /// <summary>The latest generation; null when the stream was never planned.</summary>
    public Generation? Latest()
    {
        if (!Directory.Exists(_path)) return null;
        var latest = 0;
        foreach (var folder in Directory.EnumerateDirectories(_path, "g*"))
        {
            if (int.TryParse(System.IO.Path.GetFileName(folder).AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                latest = Math.Max(latest, number);
        }

        return latest == 0 ? null : At(latest);
    }

    /// <summary>Begins the next generation.</summary>
    public Generation Next()
    {
        var next = At((Latest()?.Number ?? 0) + 1);
        next.Create();
        return next;
    }

    /// <summary>An earlier stage of the stream, from 1.</summary>
    public StreamFolder Stage(int number) => new(System.IO.Path.Combine(_path, StagesName, number.ToString(CultureInfo.InvariantCulture)));

    /// <summary>The earlier stages that were begun, in their order.</summary>
    public IEnumerable<StreamFolder> Stages()
    {
        for (var number = 1; Stage(number) is var stage && Directory.Exists(stage._path); number++) yield return stage;
    }

    /// <summary>The commit; null while the stream is not committed.</summary>
    public CommitRecord? ReadCommit() =>
        File.Exists(CommitPath) ? RunJson.Read(File.ReadAllBytes(CommitPath), RunJson.Default.CommitRecord, CommitPath) : null;

    /// <summary>Remembers that the target has the stream. Doing it again changes nothing.</summary>
    public void WriteCommit(CommitRecord record) =>
        DurableFiles.CreateIfAbsent(CommitPath, RunJson.Line(record, RunJson.Default.CommitRecord));

    /// <summary>Where a file lies that is named relative to this folder.</summary>
    public string PathOf(string relative) => System.IO.Path.Combine(_path, relative);

    /// <summary>The first rejected rows, one JSON object each, cut where they are long: for people.</summary>
    public IReadOnlyList<string> FirstRejects(int rows)
    {
        var first = new List<string>(rows);
        if (!Directory.Exists(RejectsPath)) return first;
        var start = new byte[Limits.RejectBufferBytes];
        foreach (var path in Directory.EnumerateFiles(RejectsPath, "*.ndjson", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            using var file = File.OpenHandle(path);
            var lines = Encoding.UTF8.GetString(start, 0, RandomAccess.Read(file, start, 0)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            foreach (var line in lines.Take(rows - first.Count))
                first.Add(line.Length > Limits.RejectCharsShown ? line[..Limits.RejectCharsShown] + "…" : line);
            if (first.Count == rows) break;
        }

        return first;
    }

    /// <summary>The file for what an attempt rejects, relative to this folder.</summary>
    /// <param name="unit">The unit's number.</param>
    /// <param name="attempt">A name that no other attempt has.</param>
    internal static string RejectsOf(long unit, string attempt) =>
        string.Create(CultureInfo.InvariantCulture, $"{RejectsName}/{unit / Limits.ResultsPerFolder:D6}/{unit:D9}-{attempt}.ndjson");

    /// <summary>
    /// Removes files of rejected rows that no result names: what killed attempts have left. Only for who holds the run, when all units have
    /// results.
    /// </summary>
    internal void RemoveRejectsExcept(HashSet<string> named)
    {
        if (!Directory.Exists(RejectsPath)) return;
        foreach (var file in Directory.EnumerateFiles(RejectsPath, "*.ndjson", SearchOption.AllDirectories))
        {
            if (!named.Contains(System.IO.Path.GetRelativePath(_path, file).Replace(System.IO.Path.DirectorySeparatorChar, '/'))) File.Delete(file);
        }
    }

    /// <summary>Removes every reading of the stream: what they have staged is gone.</summary>
    public void Forget()
    {
        if (!Directory.Exists(_path)) return;
        if (Directory.Exists(RejectsPath)) Directory.Delete(RejectsPath, recursive: true);
        RemoveStages();
        foreach (var reading in Directory.GetDirectories(_path, "g*")) Directory.Delete(reading, recursive: true);
    }

    /// <summary>Removes the earlier stages with what they have written: the stream is in the target, or read again.</summary>
    internal void RemoveStages()
    {
        var stages = System.IO.Path.Combine(_path, StagesName);
        if (Directory.Exists(stages)) Directory.Delete(stages, recursive: true);
    }

    private Generation At(int number) =>
        new(System.IO.Path.Combine(_path, "g" + number.ToString(CultureInfo.InvariantCulture)), number);
}
