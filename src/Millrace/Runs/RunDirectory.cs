using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Millrace.Faults;
using Millrace.Jobs;

namespace Millrace.Runs;

/// <summary>
/// The folder that is a run's only state. Every object in it is written once and only if absent, or replaced whole; nothing is
/// ever changed in place, so a reader sees an object or none.
/// <code>
/// runs/RUN/run.json             what it is
///          job.json             the job as run, secrets unresolved
///          lock                 held by the coordinator while it lives
///          workers.lock         held shared by each worker while it lives
///          epochs/000001.json   each coordinator that took it
///          streams/NAME/g1/…    one reading of a stream: header, plan, unit results
///          streams/NAME/stages/1/g1/…    the same of an earlier stage; its rows in stages/1/buckets, or on an object store and their indexes there
///          streams/NAME/commit.json
///          spill/PROCESS-N/     what one database has spilled; nothing of it outlives its process
///          story.ndjson report.json cancel
/// </code>
/// </summary>
public sealed class RunDirectory
{
    /// <summary>The layout that this version writes and reads.</summary>
    public const int Layout = 1;

    /// <summary>How many characters of a run's id say when it began, to the second.</summary>
    internal const int TimeChars = 15;

    private const string Spill = "spill";

    private RunDirectory(string path, RunManifest manifest)
    {
        Path = path;
        Manifest = manifest;
    }

    /// <summary>The full path of <c>runs/RUN</c>.</summary>
    public string Path { get; }

    /// <summary>What the run is.</summary>
    public RunManifest Manifest { get; }

    /// <summary>The run's id.</summary>
    public string Run => Manifest.Run;

    /// <summary>The lock that workers hold shared.</summary>
    public string WorkersLockPath => System.IO.Path.Combine(Path, "workers.lock");

    /// <summary>The lock that the coordinator holds.</summary>
    public string LockPath => System.IO.Path.Combine(Path, "lock");

    /// <summary>Exists when somebody has asked the run to stop.</summary>
    public string CancelPath => System.IO.Path.Combine(Path, "cancel");

    /// <summary>Where units may spill; emptied when a coordinator takes the run and when it ends.</summary>
    public string SpillPath => System.IO.Path.Combine(Path, Spill);

    /// <summary>Where one database of one process may spill; made by its first block, removed when it is closed.</summary>
    /// <param name="process">The process's id.</param>
    /// <param name="database">Its number in the process.</param>
    public string SpillFolder(int process, int database) => System.IO.Path.Combine(SpillPath, string.Create(CultureInfo.InvariantCulture, $"{process}-{database}"));

    /// <summary>Removes what a process that is gone had spilled.</summary>
    /// <param name="path">The run's folder.</param>
    /// <param name="process">The process's id.</param>
    internal static void RemoveSpill(string path, int process)
    {
        var spill = System.IO.Path.Combine(path, Spill);
        if (!Directory.Exists(spill)) return;
        foreach (var folder in Directory.EnumerateDirectories(spill, string.Create(CultureInfo.InvariantCulture, $"{process}-*")))
            Directory.Delete(folder, recursive: true);
    }

    /// <summary>Begins a run.</summary>
    /// <param name="state">The job's state folder.</param>
    /// <param name="job">The job.</param>
    /// <param name="now">The time that becomes part of the id.</param>
    public static RunDirectory Create(string state, Job job, DateTimeOffset now)
    {
        var runs = System.IO.Path.Combine(System.IO.Path.GetFullPath(state), "runs");
        try
        {
            RunBeginning.RemoveDead(runs);
            while (true)
            {
                var run = NewId(job.Name, now);
                var path = System.IO.Path.Combine(runs, run);
                var manifest = new RunManifest { Layout = Layout, Version = ProductVersion.Current, Run = run, Job = job.Name, Began = now };
                if (RunBeginning.TryMake(path, job, manifest)) return new RunDirectory(path, manifest);
            }
        }
        catch (IOException error) when (FileFaults.IsDiskFull(error))
        {
            throw FileFaults.DiskFull(System.IO.Path.GetFullPath(state), FaultSide.Run, inner: error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new Fault(FaultKind.Refused, $"the state folder can't be written: {error.Message}", error)
            {
                Where = System.IO.Path.GetFullPath(state),
                Advice = "Name another one with --state DIR or the key state.",
            };
        }
    }

    /// <summary>Opens a run that exists. Another layout's or version's run is refused.</summary>
    public static RunDirectory Open(string state, string run)
    {
        var runs = System.IO.Path.Combine(System.IO.Path.GetFullPath(state), "runs");
        var path = System.IO.Path.GetFullPath(System.IO.Path.Combine(runs, run));
        var file = System.IO.Path.Combine(path, "run.json");
        if (System.IO.Path.GetDirectoryName(path) != runs || !File.Exists(file))
            throw new Fault(FaultKind.Usage, $"there is no run {run} in {runs}") { Advice = "`millrace runs` lists them." };
        return OpenPath(path);
    }

    /// <summary>Opens a run by its folder.</summary>
    public static RunDirectory OpenPath(string path)
    {
        var file = System.IO.Path.Combine(path, "run.json");
        return new RunDirectory(path, RunJson.Read(File.ReadAllBytes(file), RunJson.Default.RunManifest, file));
    }

    /// <summary>Refuses a run that another version began: its objects may mean something else.</summary>
    public void AssertSameVersion()
    {
        if (Manifest.Layout == Layout && Manifest.Version == ProductVersion.Current) return;
        throw new Fault(FaultKind.Refused, $"the run was begun by Millrace {Manifest.Version}, and this is {ProductVersion.Current}")
        {
            Where = Path,
            Advice = $"Resume it with {Manifest.Version}, or cancel it and begin a new run.",
        };
    }

    /// <summary>The job as it was run.</summary>
    public Job ReadJob()
    {
        var file = System.IO.Path.Combine(Path, "job.json");
        return JobJson.Read(File.ReadAllBytes(file), file);
    }

    /// <summary>The folder of one stream, or of one of its earlier stages.</summary>
    /// <param name="name">The stream.</param>
    /// <param name="stage">The stage; 0: the stream itself.</param>
    public StreamFolder Stream(string name, int stage = 0)
    {
        var stream = new StreamFolder(System.IO.Path.Combine(Path, "streams", FolderName(name)));
        return stage == 0 ? stream : stream.Stage(stage);
    }

    /// <summary>The report of the last coordinator that ended; null when none has.</summary>
    public RunReport? ReadReport()
    {
        var file = System.IO.Path.Combine(Path, "report.json");
        return File.Exists(file) ? RunJson.Read(File.ReadAllBytes(file), RunJson.Default.RunReport, file) : null;
    }

    /// <summary>Where the story is written.</summary>
    internal string StoryPath => System.IO.Path.Combine(Path, "story.ndjson");

    /// <summary>What has happened so far, oldest first; a line that a killed coordinator left half-written does not count.</summary>
    public IEnumerable<StoryLine> ReadStory()
    {
        if (!File.Exists(StoryPath)) yield break;
        foreach (var line in File.ReadLines(StoryPath))
        {
            if (line.StartsWith('{') && RunJson.TryRead(line, RunJson.Default.StoryLine) is { } told) yield return told;
        }
    }

    /// <summary>Writes the report.</summary>
    public void WriteReport(RunReport report) =>
        DurableFiles.Replace(System.IO.Path.Combine(Path, "report.json"), RunJson.Line(report, RunJson.Default.RunReport));

    /// <summary>The latest coordinator; null before the first.</summary>
    public EpochRecord? LatestEpoch()
    {
        var files = Directory.GetFiles(System.IO.Path.Combine(Path, "epochs"), "*.json");
        if (files.Length == 0) return null;
        Array.Sort(files, StringComparer.Ordinal);
        return RunJson.Read(File.ReadAllBytes(files[^1]), RunJson.Default.EpochRecord, files[^1]);
    }

    /// <summary>Records a coordinator; false when that number is taken.</summary>
    public bool TryWriteEpoch(EpochRecord epoch) => DurableFiles.CreateIfAbsent(
        System.IO.Path.Combine(Path, "epochs", epoch.Epoch.ToString("D6", CultureInfo.InvariantCulture) + ".json"),
        RunJson.Line(epoch, RunJson.Default.EpochRecord));

    /// <summary>Removes what killed writers had begun (see <see cref="DurableFiles"/>): only for who holds the run, when no worker lives.</summary>
    internal void RemoveTemporaries()
    {
        var everywhere = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None };
        foreach (var file in Directory.EnumerateFiles(Path, ".*.tmp", everywhere)) File.Delete(file);
    }

    /// <summary>
    /// A stream's name as a folder name: letters, digits, dots and dashes stay; a name with anything else, or a long one, gets a hash
    /// behind it, so that two names never share a folder and none leaves it.
    /// </summary>
    public static string FolderName(string name)
    {
        var plain = new StringBuilder(name.Length);
        foreach (var letter in name)
            plain.Append(char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter is '.' or '-' or '_' ? letter : '_');
        if (plain.Length is > 0 and <= Limits.NameBytesMax && plain[0] != '.' && string.Equals(plain.ToString(), name, StringComparison.Ordinal))
            return name;
        if (plain.Length > Limits.NameBytesMax) plain.Length = Limits.NameBytesMax;
        return $"{plain.ToString().TrimStart('.')}~{Hash(name)}";
    }

    private static string NewId(string job, DateTimeOffset now) =>
        string.Create(CultureInfo.InvariantCulture, $"{now.UtcDateTime:yyyyMMdd'T'HHmmss}-{FolderName(job).Split('~')[0]}-{RandomNumberGenerator.GetHexString(4, lowercase: true)}");

    private static string Hash(string name) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)).AsSpan(0, 6));
}
