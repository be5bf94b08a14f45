using Millrace.Faults;
using Millrace.Jobs;

namespace Millrace.Runs;

/// <summary>
/// What a run has on disk, as one sum under <c>limits.disk</c>: the bytes that it has staged, counted as units finish, and what the
/// processes' DuckDB have spilled, as the spill folder shows it at each sample. Between two samples DuckDB's own limit holds: what was left of
/// <c>limits.disk</c> when its stage began in that process (<see cref="BytesLeft"/>). That is not divided among the processes, since the
/// share of one that has most of the work would refuse what fits; several of them can pass the sum by what they write within one sample. Thread safe.
/// </summary>
/// <param name="spill">The folder below which every process spills.</param>
/// <param name="bytesMax">The most; null: what the disk has, and nobody looks.</param>
/// <param name="warn">Hears once that it gets close.</param>
internal sealed class DiskUse(string spill, long? bytesMax, Action<string> warn)
{
    private static readonly EnumerationOptions Everything = new() { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None, IgnoreInaccessible = true };

    private long _staged;
    private bool _isWarned;

    /// <summary>What may be spilled from here on, in bytes; null: what the disk has.</summary>
    public long? BytesLeft => bytesMax is { } most ? Math.Max(0, most - Interlocked.Read(ref _staged)) : null;

    /// <summary>Counts bytes that the run keeps on disk: staged files, buckets, rejected rows, and what the source has copied.</summary>
    /// <exception cref="Fault">They alone are more than <c>limits.disk</c> allows.</exception>
    public void Stage(long bytes)
    {
        var staged = Interlocked.Add(ref _staged, bytes);
        if (bytesMax is not { } most) return;
        if (staged > most) throw TooMuch(staged, spilled: 0, most);
        Warn(staged, spilled: 0, most);
    }

    /// <summary>Looks what is spilled; gives the fault that ends the run, if the sum is too much. Where the staged bytes alone are, <see cref="Stage"/> has said so.</summary>
    public Fault? Look()
    {
        if (bytesMax is not { } most) return null;
        var (staged, spilled) = (Interlocked.Read(ref _staged), BytesBelow(spill));
        if (staged > most) return null;
        if (staged + spilled > most) return TooMuch(staged, spilled, most);
        Warn(staged, spilled, most);
        return null;
    }

    private void Warn(long staged, long spilled, long most)
    {
        if (staged + spilled < most / 100 * Limits.DiskWarnPercent || Interlocked.Exchange(ref _isWarned, true)) return;
        warn($"the run has {ByteSize.Format(staged + spilled)} of the {ByteSize.Format(most)} of limits.disk: {Parts(staged, spilled)}");
    }

    private static Fault TooMuch(long staged, long spilled, long most) =>
        new(FaultKind.Limit, $"the run has {staged + spilled} bytes on disk, {Parts(staged, spilled)}, and limits.disk is {most}")
        {
            Where = "limits.disk",
            Advice = spilled == 0
                ? "Raise it; `millrace resume --set limits.disk=SIZE` goes on from here."
                : "Raise it, or limits.memory so that less is spilled; `millrace resume --set limits.disk=SIZE` goes on from here.",
        };

    private static string Parts(long staged, long spilled) => $"{ByteSize.Format(staged)} staged and {ByteSize.Format(spilled)} spilled";

    /// <summary>The sum of the files' lengths; what goes while it is being looked at does not count.</summary>
    private static long BytesBelow(string folder)
    {
        long bytes = 0;
        try
        {
            foreach (var file in new DirectoryInfo(folder).EnumerateFiles("*", Everything)) bytes += LengthOf(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A folder went meanwhile, with all that was in it.
        }

        return bytes;
    }

    private static long LengthOf(FileInfo file)
    {
        try
        {
            return file.Length;
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
