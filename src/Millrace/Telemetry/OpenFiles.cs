using System.Globalization;

namespace Millrace.Telemetry;

/// <summary>
/// How many files a process may have open. On Linux the hard limit of <c>/proc/self/limits</c>, up to which .NET raises the soft one when it
/// starts; elsewhere nobody says.
/// </summary>
public static class OpenFiles
{
    /// <summary>The limit; null when there is none that is known.</summary>
    public static long? Max { get; } = OperatingSystem.IsLinux() ? OfLinux("/proc/self/limits") : null;

    /// <summary>The same from a file of that form.</summary>
    internal static long? OfLinux(string path)
    {
        const string Name = "Max open files";
        try
        {
            foreach (var line in File.ReadLines(path))
            {
                // Name, soft limit, hard limit, unit; "unlimited" is no number.
                if (!line.StartsWith(Name, StringComparison.Ordinal)) continue;
                var parts = line[Name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
                return parts.Length > 1 && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var hard) ? hard : null;
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A container without /proc.
        }

        return null;
    }
}
