using Millrace.Faults;
using Millrace.Planning;

namespace Millrace.Runs;

/// <summary>What the latest runs of a state folder know about a table that can't tell its columns itself, such as a single file.</summary>
internal static class TableHistory
{
    /// <summary>The table as the latest run that has committed into it left it; null when none of the latest runs has.</summary>
    /// <param name="state">The state folder.</param>
    /// <param name="identity">What tells the table from all others: see <see cref="StreamHeader.Table"/>.</param>
    public static PublishedTable? Find(string state, string identity)
    {
        foreach (var folder in RunList.Folders(state).Take(Limits.RunsAskedMax))
        {
            try
            {
                if (Left(RunDirectory.OpenPath(folder), identity) is { } table) return table;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or Fault)
            {
                // A run that was damaged, or is being removed, keeps no other from beginning.
            }
        }

        return null;
    }

    private static PublishedTable? Left(RunDirectory run, string identity)
    {
        foreach (var stream in run.ReadJob().Streams)
        {
            var folder = run.Stream(stream.Name);
            if (folder.ReadCommit() is null || folder.Latest()?.ReadHeader() is not { } header) continue;
            if (string.Equals(header.Table, identity, StringComparison.Ordinal)) return new PublishedTable(identity, TableColumn.Of(header.Columns), run.Run);
        }

        return null;
    }
}
