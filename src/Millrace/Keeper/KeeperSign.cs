using System.Globalization;
using Millrace.Runs;

namespace Millrace.Keeper;

/// <summary>
/// How a coordinator, whichever one holds the run, tells keepers that it is there: a file for each in the run directory whose text changes.
/// No lock and no pipe, since a resumed run has another coordinator, and no time, since clocks are set.
/// </summary>
internal sealed class KeeperSign(RunDirectory directory)
{
    private const string Over = "over";
    private const string Ending = ".sign";

    private long _signs;

    /// <summary>Makes the file of a keeper that is to be started by the coordinator of this epoch; gives its path.</summary>
    public string Begin(int epoch)
    {
        var path = Path.Combine(directory.Path, string.Create(CultureInfo.InvariantCulture, $"keeper-{epoch}{Ending}"));
        Write(path, "0");
        return path;
    }

    /// <summary>I am here. Does nothing in a run without a keeper.</summary>
    public void Give()
    {
        _signs++;
        foreach (var path in Paths())
        {
            if (Read(path) is not null) Write(path, string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId} {_signs}"));
        }
    }

    /// <summary>The moment is needed no longer.</summary>
    public void End()
    {
        foreach (var path in Paths()) Write(path, Over);
    }

    /// <summary>Whether a keeper was started and not told to end.</summary>
    public bool IsKept() => Paths().Any(static path => Read(path) is not null);

    /// <summary>What stands in a keeper's file; null when the moment is needed no longer, or the run directory is gone.</summary>
    public static string? Read(string path)
    {
        try
        {
            var text = File.ReadAllText(path);
            return text == Over ? null : text;
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Somebody writes it just now, or a network file system is away: the next look will tell.
            return "";
        }
    }

    private string[] Paths() => Directory.GetFiles(directory.Path, $"keeper-*{Ending}");

    private static void Write(string path, string text)
    {
        try
        {
            File.WriteAllText(path, text);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A full disk must not end the run here; a keeper without signs ends by itself.
        }
    }
}
