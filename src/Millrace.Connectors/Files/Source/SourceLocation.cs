using Millrace.Faults;
using Millrace.Jobs;

namespace Millrace.Connectors.Files.Source;

/// <summary>
/// Where a files source is: a folder, one file, a glob, or standard input, and how a stream's name picks files in it.
/// </summary>
/// <param name="Root">The folder that names are relative to: absolute. Empty for standard input.</param>
/// <param name="Pattern">What the address itself picks below the root; null: the streams' names do.</param>
/// <param name="Text">The address for people.</param>
internal sealed record SourceLocation(string Root, string? Pattern, string Text)
{
    /// <summary>True for <c>-</c>.</summary>
    public bool IsStandardInput => Text == "-";

    /// <summary>Understands an address; looks only whether it is a folder.</summary>
    /// <exception cref="Fault">It is no address of files.</exception>
    public static SourceLocation Parse(string address, string baseDirectory, Mark mark)
    {
        if (address == "-") return new SourceLocation("", null, "-");
        var path = address;
        if (address.StartsWith("file://", StringComparison.OrdinalIgnoreCase))
        {
            if (!Uri.TryCreate(address.Replace("?", "%3F", StringComparison.Ordinal).Replace("#", "%23", StringComparison.Ordinal), UriKind.Absolute, out var uri)
                || (uri.Host.Length > 0 && uri.Host != "localhost"))
                throw SourceFaults.Job(mark, $"found {address}, expected file:///absolute/path", "Leave the host out: files of other machines can't be read this way.");
            path = Uri.UnescapeDataString(uri.AbsolutePath);
        }

        var full = Path.GetFullPath(path, baseDirectory);
        if (Directory.Exists(full)) return new SourceLocation(Path.TrimEndingDirectorySeparator(full), null, address);
        if (File.Exists(full) || !StreamNames.IsGlob(path)) return new SourceLocation(Path.GetDirectoryName(full)!, Path.GetFileName(full), address);

        var parts = path.Replace('\\', '/').Split('/');
        var fixedParts = 0;
        while (fixedParts < parts.Length - 1 && !StreamNames.IsGlob(parts[fixedParts])) fixedParts++;
        var root = Path.GetFullPath(fixedParts == 0 ? "." : string.Join('/', parts[..fixedParts]) + "/", baseDirectory);
        return new SourceLocation(Path.TrimEndingDirectorySeparator(root), string.Join('/', parts[fixedParts..]), address);
    }

    /// <summary>What a stream's name picks below <see cref="Root"/>.</summary>
    public string PatternOf(StreamJob stream)
    {
        if (Pattern is not null) return Pattern;
        var name = stream.Name.Replace('\\', '/');
        while (name.StartsWith("./", StringComparison.Ordinal)) name = name[2..];
        name = name.TrimEnd('/');
        if (StreamNames.IsGlob(name) || StreamNames.HasDataEnding(name)) return name;
        // The short form gives a folder's stream the folder's own name.
        var inside = Path.Combine(Root, name);
        return !Path.Exists(inside) && name == StreamNames.FromPath(Text) ? "**" : name;
    }
}
