using System.Text;
using Millrace.Jobs.Reading;
using Millrace.Jobs.Secrets;

namespace Millrace.Jobs;

/// <summary>
/// Reads a job file, the command line, or both together into a <see cref="Job"/>. Every mistake is reported at once, each with its
/// file, line and key, what was found, what was expected and what to do. Nothing is connected to, listed or resolved here.
/// </summary>
public static class JobReader
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads a job file with the command line's changes.</summary>
    /// <param name="path">The file; errors name it as it is given here.</param>
    /// <param name="overrides">What the command line says.</param>
    /// <param name="baseDirectory">Where the job's relative paths start; see <see cref="Job.BaseDirectory"/>.</param>
    /// <param name="cancel">Stops reading.</param>
    public static async Task<JobReading> ReadFileAsync(string path, JobOverrides overrides, string baseDirectory, CancellationToken cancel)
    {
        if (EndpointScheme.Of(path) is not null)
        {
            return Unreadable(UrlPassword.Strip(path), "found a URL, expected a job file", "Give a source with --from and a target with --to.");
        }

        string text;
        try
        {
            var file = new FileStream(Path.Combine(baseDirectory, path), FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 1, FileOptions.Asynchronous);
            await using (file.ConfigureAwait(false))
            {
                var bytes = new byte[Math.Min(file.CanSeek ? file.Length : Limits.JobFileBytesMax, Limits.JobFileBytesMax) + 1];
                var length = await file.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancel).ConfigureAwait(false);
                if (length > Limits.JobFileBytesMax)
                {
                    return Unreadable(path, $"found a file of more than {ByteSize.Format(Limits.JobFileBytesMax)}, expected a job file", "Check the path: is this the data?");
                }

                text = StrictUtf8.GetString(bytes, 0, length).TrimStart('\uFEFF');
            }
        }
        catch (DecoderFallbackException)
        {
            return Unreadable(path, "found bytes that are no UTF-8 text, expected a job file in YAML", "Save the file as UTF-8, or check the path: is this the data?");
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return unreadable switch
            {
                FileNotFoundException or DirectoryNotFoundException => Unreadable(path, "found no such file, expected a job file", "Check the path and the folder that you are in."),
                UnauthorizedAccessException when Directory.Exists(Path.Combine(baseDirectory, path)) => Unreadable(path, "found a folder, expected a job file", "Name the file in it."),
                UnauthorizedAccessException => Unreadable(path, "found a file that this user may not read", "Change its rights, or run as another user."),
                _ => Unreadable(path, $"found a file that can't be read: {unreadable.Message}"),
            };
        }

        return ReadText(path, text, overrides, baseDirectory);
    }

    /// <summary>Reads a job's YAML text with the command line's changes.</summary>
    /// <param name="file">The file's name for errors.</param>
    /// <param name="text">Its text.</param>
    /// <param name="overrides">What the command line says.</param>
    /// <param name="baseDirectory">Where the job's relative paths start.</param>
    public static JobReading ReadText(string file, string text, JobOverrides overrides, string baseDirectory)
    {
        var faults = new FaultList();
        var node = YamlReader.Read(text, line => new Origin(file, line, null), faults);
        if (node is null && !faults.IsEmpty)
        {
            return new JobReading(null, faults.InFileOrder(), []);
        }

        if (node is not (null or MapNode or ScalarNode { IsEmpty: true }))
        {
            faults.Add(node.Origin.At("(root)"), $"found {node.Shape}, expected a map of keys such as source, target and streams");
            return new JobReading(null, faults.InFileOrder(), []);
        }

        var root = node as MapNode ?? new MapNode(new Origin(file, 1, null));
        return JobBuilder.Build(root, overrides, baseDirectory, Path.GetFileName(file), faults);
    }

    /// <summary>Reads a job from the command line alone.</summary>
    /// <param name="overrides">What the command line says: at least <see cref="JobOverrides.From"/> and <see cref="JobOverrides.To"/>.</param>
    /// <param name="baseDirectory">Where the job's relative paths start.</param>
    public static JobReading ReadShortForm(JobOverrides overrides, string baseDirectory)
    {
        var faults = new FaultList();
        return JobBuilder.Build(new MapNode(new Origin(null, 0, null)), overrides, baseDirectory, "run", faults);
    }

    private static JobReading Unreadable(string path, string message, string? advice = null) =>
        new(null, [new(Faults.FaultKind.JobFile, message) { Side = Faults.FaultSide.Job, Where = path, Advice = advice }], []);
}
