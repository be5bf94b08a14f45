using System.Globalization;

namespace Millrace.Jobs.Reading;

/// <summary>What a stream's mode needs: a key, a cursor; and which keys mean nothing without it.</summary>
internal static class ModeRules
{
    /// <summary>Notes every mistake.</summary>
    public static void Check(StreamJob stream, MapReader reader)
    {
        var word = WriteModes.Of(stream.Mode);
        if (stream is { Mode: WriteMode.Merge, Key.IsEmpty: true }) reader.Fault("mode", "found merge without a key", "Name the columns that a row is known by: key: [id]");
        if (stream is { Mode: WriteMode.Incremental, Cursor: null }) reader.Fault("mode", "found incremental without a cursor", "Name the column that only grows: cursor: updated_at");
        if (stream.Mode is not (WriteMode.Merge or WriteMode.Incremental))
        {
            Refuse(stream.Key.Length > 0, "key");
            Refuse(stream.Cursor is not null, "cursor");
        }

        Refuse(stream.Lag is not null && stream.Mode != WriteMode.Incremental, "lag");
        Refuse(stream.Deletes is not null && stream.Key.IsEmpty, "deletes");
        if (stream.Lag is { } lag && !Duration.TryParse(lag, out _) && !(decimal.TryParse(lag, NumberStyles.None, CultureInfo.InvariantCulture, out _)))
            reader.Fault("lag", $"found {Faults.Words.Quote(lag)}, expected {Duration.Expected}, or a number for a cursor that is one");

        void Refuse(bool found, string key)
        {
            if (found) reader.Fault(key, $"found {key}, which mode: {word} does not use", key == "deletes" ? "Name a key, too." : "Leave it out, or use mode: merge or incremental.");
        }
    }
}
