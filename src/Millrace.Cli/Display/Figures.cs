using System.Globalization;
using Millrace.Commit;
using Millrace.Jobs;

namespace Millrace.Cli.Display;

/// <summary>Numbers as people read them.</summary>
internal static class Figures
{
    /// <summary>A whole number with its thousands parted: <c>10,000,000</c>.</summary>
    public static string Whole(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A number in few digits: <c>950</c>, <c>12.3 k</c>, <c>1.2 M</c>, <c>3 G</c>.</summary>
    public static string Short(double number)
    {
        string[] units = ["", " k", " M", " G", " T"];
        var power = 0;
        while (Math.Abs(number) >= 999.95 && power < units.Length - 1)
        {
            number /= 1000;
            power++;
        }

        return number.ToString(power == 0 ? "0" : "0.#", CultureInfo.InvariantCulture) + units[power];
    }

    /// <summary>Bytes: <c>562 MB</c>, where MB is 1024 x 1024 bytes as in the job file.</summary>
    public static string Bytes(long bytes) => ByteSize.Format(bytes);

    /// <summary>Bytes a second.</summary>
    public static string Rate(double bytesPerSecond) => $"{ByteSize.Format((long)bytesPerSecond)}/s";

    /// <summary>A duration: <c>9.8 s</c>, <c>1:02</c>, <c>2:03:04</c>.</summary>
    public static string Duration(TimeSpan time) => time.TotalSeconds < 60
        ? $"{time.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture)} s"
        : Clock(time);

    /// <summary>A duration as a clock shows it: <c>0:42</c>, <c>2:03:04</c>.</summary>
    public static string Clock(TimeSpan time) => time.TotalHours >= 1
        ? $"{(long)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}"
        : $"{(int)time.TotalMinutes}:{time.Seconds:00}";

    /// <summary>A noun with its number: <c>1 file</c>, <c>2,000 files</c>.</summary>
    public static string Count(long number, string noun) => $"{Whole(number)} {noun}{(number == 1 ? "" : "s")}";

    /// <summary>What was published: <c>10,000 rows, 12 files, 3 MB</c>. A database has no files.</summary>
    public static string Of(CommitReceipt receipt) =>
        $"{Count(receipt.Rows, "row")}, {(receipt.Files == 0 ? "" : $"{Count(receipt.Files, "file")}, ")}{Bytes(receipt.Bytes)}";
}
