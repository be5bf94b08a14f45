using System.IO.Enumeration;
using System.Text;
using System.Text.RegularExpressions;
using Millrace.Jobs;

namespace Millrace.Connectors.Files.Source;

/// <summary>
/// Finds files below a folder, folder by folder in the order of their names, one folder's names in memory at a time. Hidden files
/// (<c>.</c> and <c>_</c> in front) are left out unless a pattern names them.
/// </summary>
internal sealed class FileFinder
{
    private static readonly EnumerationOptions Plain = new() { IgnoreInaccessible = false, AttributesToSkip = FileAttributes.None, ReturnSpecialDirectories = false };

    private readonly string _root;
    private readonly string _pattern;
    private readonly Regex _matches;
    private readonly bool _anyDepth;
    private readonly bool _knownEndings;

    /// <summary>Files below a folder that match a pattern: a file, a folder, or a glob with <c>*</c>, <c>?</c>, <c>[ab]</c>, <c>{a,b}</c>, <c>**</c>.</summary>
    public FileFinder(string root, string pattern)
    {
        _root = root;
        _pattern = pattern;
        var isGlob = StreamNames.IsGlob(pattern) && !File.Exists(Path.Combine(root, pattern));
        IsOneFile = !isGlob && !Directory.Exists(Path.Combine(root, pattern));
        if (!isGlob && !IsOneFile) pattern = pattern.TrimEnd('/') + "/**";
        _knownEndings = pattern == "**" || pattern.EndsWith("/**", StringComparison.Ordinal);
        _anyDepth = pattern.Contains("**", StringComparison.Ordinal);
        _matches = new Regex(Translate(pattern), RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
        Depth = pattern.Count(c => c == '/');
    }

    /// <summary>True when the pattern names one file.</summary>
    public bool IsOneFile { get; }

    private int Depth { get; }

    /// <summary>The files, as they are found.</summary>
    public IEnumerable<SourceFile> Find()
    {
        if (!IsOneFile) return Walk(_root, "", 0);
        var info = new FileInfo(Path.Combine(_root, _pattern));
        return info.Exists ? [new SourceFile(info.FullName, _pattern, info.Length, info.LastWriteTimeUtc.Ticks)] : [];
    }

    private IEnumerable<SourceFile> Walk(string folder, string prefix, int depth)
    {
        var entries = new FileSystemEnumerable<(string Name, bool IsFolder, long Bytes, long Ticks)>(
            folder,
            static (ref FileSystemEntry entry) => (entry.FileName.ToString(), entry.IsDirectory, entry.IsDirectory ? 0 : entry.Length, entry.LastWriteTimeUtc.UtcTicks),
            Plain).ToList();
        entries.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        foreach (var (name, isFolder, bytes, ticks) in entries)
        {
            var relative = prefix + name;
            var hidden = name[0] is '.' or '_';
            if (isFolder)
            {
                if (hidden || (!_anyDepth && depth >= Depth)) continue;
                foreach (var file in Walk(Path.Combine(folder, name), relative + "/", depth + 1)) yield return file;
            }
            else if (_matches.IsMatch(relative) && (!hidden || !_knownEndings) && (!_knownEndings || StreamNames.HasDataEnding(name)))
            {
                yield return new SourceFile(Path.Combine(folder, name), relative, bytes, ticks);
            }
        }
    }

    private static string Translate(string glob)
    {
        var regex = new StringBuilder("^");
        var braces = 0;
        for (var i = 0; i < glob.Length; i++)
        {
            var c = glob[i];
            if (c == '*' && i + 1 < glob.Length && glob[i + 1] == '*')
            {
                i++;
                var folders = i + 1 < glob.Length && glob[i + 1] == '/';
                if (folders) i++;
                regex.Append(folders ? "(.*/)?" : ".*");
            }
            else if (c == '[' && glob.IndexOf(']', i + 1) is var close and > 0)
            {
                regex.Append('[').Append(glob[i + 1] is '!' or '^' ? "^" : "");
                var from = glob[i + 1] is '!' or '^' ? i + 2 : i + 1;
                regex.Append(glob[from..close].Replace("\\", "\\\\", StringComparison.Ordinal)).Append(']');
                i = close;
            }
            else
            {
                regex.Append(c switch
                {
                    '*' => "[^/]*",
                    '?' => "[^/]",
                    '{' => "(",
                    '}' when braces > 0 => ")",
                    ',' when braces > 0 => "|",
                    _ => Regex.Escape(c.ToString()),
                });
                braces += c == '{' ? 1 : c == '}' ? -1 : 0;
            }
        }

        return regex.Append('$').ToString();
    }
}
