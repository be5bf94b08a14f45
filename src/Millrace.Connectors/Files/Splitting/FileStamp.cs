using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Millrace.Faults;

namespace Millrace.Connectors.Files.Splitting;

/// <summary>What tells one version of a file from another without reading it.</summary>
/// <param name="SizeBytes">The file's size.</param>
/// <param name="ModifiedTicks">When it was last written: UTC, in units of 100 ns.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct FileStamp(long SizeBytes, long ModifiedTicks)
{
    /// <summary>Takes the stamp of an open file.</summary>
    /// <param name="file">An open handle; stays open.</param>
    public static FileStamp Of(SafeFileHandle file) => new(RandomAccess.GetLength(file), File.GetLastWriteTimeUtc(file).Ticks);

    /// <summary>Opens a file for reading by several threads at their own offsets.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="Fault"><see cref="FaultKind.Refused"/>: there is no such file, it is a directory or it may not be read.</exception>
    public static SafeFileHandle Open(string path)
    {
        try
        {
            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.None);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new Fault(FaultKind.Refused, $"can't be opened for reading: {e.Message}", e)
            {
                Side = FaultSide.Source,
                Where = path,
                Advice = "Check that the file is there and that this user may read it.",
            };
        }
    }

    /// <summary>Refuses a file that is not the one that was planned.</summary>
    /// <param name="file">The open file.</param>
    /// <param name="path">Its name, for the message.</param>
    /// <exception cref="Fault"><see cref="FaultKind.Data"/>, not retryable: size or time differ.</exception>
    public void Check(SafeFileHandle file, string path)
    {
        var now = Of(file);
        if (now == this) return;
        throw Changed(path, now);
    }

    private Fault Changed(string path, FileStamp now) => new(
        FaultKind.Data,
        $"changed while it was read: it had {SizeBytes} bytes, written {Utc(ModifiedTicks)}, and now has {now.SizeBytes} bytes, written {Utc(now.ModifiedTicks)}")
    {
        Side = FaultSide.Source,
        Where = path,
        Advice = "Run again when nobody writes the file, so that all rows are of one moment.",
    };

    private static string Utc(long ticks) => new DateTime(ticks, DateTimeKind.Utc).ToString("O");
}
