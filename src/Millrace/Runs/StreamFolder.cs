using System.Globalization;

namespace Millrace.Runs;

/// <summary>One stream's folder in a run directory: its generations (readings) and its commit.</summary>
public sealed class StreamFolder
{
    private readonly string _path;

    internal StreamFolder(string path) => _path = path;

    private string CommitPath => Path.Combine(_path, "commit.json");

    /// <summary>The latest generation; null when the stream was never planned.</summary>
    public Generation? Latest()
    {
        if (!Directory.Exists(_path)) return null;
        var latest = 0;
        foreach (var folder in Directory.EnumerateDirectories(_path, "g*"))
        {
            if (int.TryParse(Path.GetFileName(folder).AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
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

    /// <summary>The commit; null while the stream is not committed.</summary>
    public CommitRecord? ReadCommit() =>
        File.Exists(CommitPath) ? RunJson.Read(File.ReadAllBytes(CommitPath), RunJson.Default.CommitRecord, CommitPath) : null;

    /// <summary>Remembers that the target has the stream. Doing it again changes nothing.</summary>
    public void WriteCommit(CommitRecord record) =>
        DurableFiles.CreateIfAbsent(CommitPath, RunJson.Line(record, RunJson.Default.CommitRecord));

    /// <summary>Removes every reading of the stream: what they have staged is gone.</summary>
    public void Forget()
    {
        if (!Directory.Exists(_path)) return;
        foreach (var reading in Directory.GetDirectories(_path, "g*")) Directory.Delete(reading, recursive: true);
    }

    private Generation At(int number) =>
        new(Path.Combine(_path, "g" + number.ToString(CultureInfo.InvariantCulture)), number);
}
