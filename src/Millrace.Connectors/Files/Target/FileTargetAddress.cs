using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Load;

namespace Millrace.Connectors.Files.Target;

/// <summary>What a target address means.</summary>
internal enum FileTargetKind
{
    /// <summary>A folder that holds one folder for each stream.</summary>
    Folder = 0,

    /// <summary>One single file.</summary>
    File = 1,

    /// <summary>Standard output.</summary>
    StandardOutput = 2,
}

/// <summary>A target address, read: no I/O but resolving links.</summary>
/// <param name="Kind">What it means.</param>
/// <param name="Path">The absolute path: the root folder, the file, or (standard output) the folder where staging may lie.</param>
/// <param name="Place">As the user wrote it, for people.</param>
/// <param name="Mark">Where the user wrote it.</param>
internal sealed record FileTargetAddress(FileTargetKind Kind, string Path, string Place, Mark Mark)
{
    /// <summary>Reads a path, <c>-</c>, or a <c>file:</c> URL.</summary>
    public static FileTargetAddress Parse(TargetContext context)
    {
        var text = context.Address;
        if (EndpointScheme.IsStandardStream(text) || text is "/dev/stdout" or "/dev/fd/1")
            return new FileTargetAddress(FileTargetKind.StandardOutput, System.IO.Path.GetFullPath(context.BaseDirectory), "standard output", context.Mark);

        var path = EndpointScheme.Of(text) == "file" ? FromUrl(text, context.Mark) : text;
        if (path.Length == 0 || path.Contains('\0', StringComparison.Ordinal))
            throw Malformed(context.Mark, $"found {Words.Quote(path)}, expected a path");

        var full = System.IO.Path.GetFullPath(path, System.IO.Path.GetFullPath(context.BaseDirectory));
        var isFolder = System.IO.Path.EndsInDirectorySeparator(full) || !StreamNames.HasDataEnding(full);
        full = System.IO.Path.TrimEndingDirectorySeparator(full);
        return new FileTargetAddress(isFolder ? FileTargetKind.Folder : FileTargetKind.File, Resolved(full), path, context.Mark);
    }

    private static string FromUrl(string text, Mark mark)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Host.Length > 0 && url.Host != "localhost" || url.Query.Length > 0)
            throw Malformed(mark, $"found {Words.Quote(text)}, expected file:///absolute/path");
        return Uri.UnescapeDataString(url.AbsolutePath);
    }

    /// <summary>
    /// The path with every link in it followed: what is staged beside the target must lie where the target really is.
    /// </summary>
    private static string Resolved(string path)
    {
        var above = System.IO.Path.GetDirectoryName(path);
        if (above is null) return path;
        var here = System.IO.Path.Combine(Resolved(above), System.IO.Path.GetFileName(path));
        try
        {
            var final = Directory.ResolveLinkTarget(here, returnFinalTarget: true);
            // A final target may have links in the folders above it; each resolution leaves one link fewer, and a loop is an error of the system.
            return final is null ? here : Resolved(System.IO.Path.TrimEndingDirectorySeparator(final.FullName));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return here;
        }
    }

    private static Fault Malformed(Mark mark, string message) => new(FaultKind.JobFile, message)
    {
        Side = FaultSide.Job, Where = mark.ToString(), Advice = "Name a folder (./lake), one file (out.parquet, out.csv.gz), or - for standard output.",
    };
}
