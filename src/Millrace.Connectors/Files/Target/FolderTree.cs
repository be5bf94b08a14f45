using System.IO.Enumeration;
using Millrace.Runs;

namespace Millrace.Connectors.Files.Target;

/// <summary>Whole folders: removed, and flushed to the disk.</summary>
internal static class FolderTree
{
    private const int TriesMax = 5;

    /// <summary>
    /// Removes a folder and all in it; links are removed, not followed. Nothing there is fine. A worker that is thought dead may still
    /// write: then the folder is not empty at the end, and it is tried again.
    /// </summary>
    public static void Remove(string path)
    {
        for (var attempt = 1; Directory.Exists(path); attempt++)
        {
            try
            {
                Directory.Delete(path, recursive: true);
            }
            catch (DirectoryNotFoundException)
            {
                // Somebody else removes it as well.
            }
            catch (IOException) when (attempt < TriesMax)
            {
                // Something has come in between listing and removing.
            }
        }
    }

    /// <summary>Removes a file; that it or its folder isn't there is fine.</summary>
    public static void RemoveFile(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (DirectoryNotFoundException)
        {
            // The whole run was discarded.
        }
    }

    /// <summary>Removes a folder if nothing is in it; otherwise, or when it isn't there, does nothing.</summary>
    public static void RemoveIfEmpty(string path)
    {
        try
        {
            Directory.Delete(path, recursive: false);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Not empty, or not there: another run's staging, or nothing to do.
        }
    }

    /// <summary>Flushes the names in a folder and in all folders below it.</summary>
    public static void Sync(string path)
    {
        foreach (var below in Below(path, folders: true)) DurableFiles.SyncFolder(below);
        DurableFiles.SyncFolder(path);
    }

    /// <summary>The paths of all files below a folder as they are found, hidden or not. A link is a file, whatever it leads to.</summary>
    public static IEnumerable<string> Files(string path) => Below(path, folders: false);

    private static FileSystemEnumerable<string> Below(string path, bool folders) =>
        new(path, static (ref FileSystemEntry entry) => entry.ToFullPath(), new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None, IgnoreInaccessible = false })
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) => IsFolder(ref entry) == folders,
            ShouldRecursePredicate = static (ref FileSystemEntry entry) => IsFolder(ref entry),
        };

    private static bool IsFolder(ref FileSystemEntry entry) => entry.IsDirectory && !entry.Attributes.HasFlag(FileAttributes.ReparsePoint);
}
