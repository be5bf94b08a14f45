namespace Millrace.Connectors.Files.Target;

/// <summary>How many rows go into a Parquet row group when the job does not say.</summary>
internal static class RowGroups
{
    /// <summary>
    /// Rows a group for a file of about <paramref name="estimatedRows"/>: the default, or what cuts a small file into groups of equal size.
    /// A rest of a few thousand rows costs nearly as much to encode as a full group, and readers skip no more by it.
    /// </summary>
    /// <param name="estimatedRows">About how many rows the file gets; null when unknown.</param>
    /// <returns>At least <see cref="Limits.RowGroupRowsMin"/>; at most 1.6 times the default.</returns>
    public static int For(long? estimatedRows)
    {
        const long most = (long)Limits.RowGroupRowsDefault * Limits.RowGroupsEvenedMax;
        if (estimatedRows is not { } rows || rows <= Limits.RowGroupRowsDefault || rows > most) return Limits.RowGroupRowsDefault;
        var groups = Math.Max(1, (rows + (Limits.RowGroupRowsDefault / 2)) / Limits.RowGroupRowsDefault);
        // A thirty-second more, since it is an estimate: else the last rows would be the rest that this avoids.
        return (int)((rows / groups) + (rows / groups / 32) + 1);
    }
}
