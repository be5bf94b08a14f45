using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Planning;

namespace Millrace.Transform;

/// <summary>
/// Makes units of buckets whose rows and bytes are known: neighbours together up to what a unit may have, a bucket that has more in parts by another
/// hash of its key. The same files give the same units.
/// </summary>
internal sealed class BucketPlanning
{
    private readonly long[][] _rows;
    private readonly long[] _bytes;
    private readonly string _content;
    private readonly long _unitBytes;
    private readonly long _bucketBytesMax;

    private BucketPlanning(long[][] rows, long[] bytes, string content, long unitBytes, bool growsWithRows)
    {
        // Keys spread evenly: a bucket far beyond the usual one has no more keys, but keys of more rows.
        _bucketBytesMax = growsWithRows ? long.MaxValue : bytes.Order().ElementAt(bytes.Length / 2) * Limits.UsualBucketTimesMax;
        _rows = rows;
        _bytes = bytes;
        _content = content;
        _unitBytes = unitBytes;
    }

    /// <summary>Looks at what the stages before have written.</summary>
    /// <param name="place">Where they lie.</param>
    /// <param name="relations">Their files.</param>
    /// <param name="unitBytes">How many bytes of rows a unit may have.</param>
    /// <param name="growsWithRows">
    /// Whether a key takes more memory the more rows it has. Where it does not, a bucket with more rows than others is not read in more parts: each part
    /// reads all of it.
    /// </param>
    /// <exception cref="Fault">A file is damaged or gone.</exception>
    public static BucketPlanning Of(BucketPlace place, ImmutableArray<BucketRelation> relations, long unitBytes, bool growsWithRows = true)
    {
        var buckets = relations[0].Buckets;
        var rows = relations.Select(_ => new long[buckets]).ToArray();
        var bytes = new long[buckets];
        var names = new StringBuilder();
        for (var i = 0; i < relations.Length; i++)
        {
            foreach (var file in relations[i].Files) names.Append(file).Append('\n');
            var ofRelation = rows[i];
            Reading(place.NamesOf(relations[i].Files), files =>
            {
                foreach (var index in BucketIndex.ReadAll(files, place.Files))
                {
                    if (index.Buckets != buckets) throw new BucketFileException(index.Shown, 0, $"the file has {index.Buckets} buckets, expected {buckets}");
                    for (var bucket = 0; bucket < buckets; bucket++)
                    {
                        ofRelation[bucket] += index.RowsOf(bucket);
                        bytes[bucket] += index.BytesOf(bucket);
                    }
                }
            });
        }

        var content = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(names.ToString())).AsSpan(0, 8));
        return new BucketPlanning(rows, bytes, content, unitBytes, growsWithRows);
    }

    /// <summary>All rows of the first relation.</summary>
    public long Rows => _rows[0].Sum();

    /// <summary>All bytes.</summary>
    public long Bytes => _bytes.Sum();

    /// <summary>The units, in the order of the buckets; at least one, so that a table without rows is a table.</summary>
    /// <param name="byElement">Whether they are written element by element.</param>
    public IEnumerable<PlannedUnit> Units(bool byElement) => byElement ? Units().Select(static unit => ElementStream.Again(unit)!) : Units();

    private IEnumerable<PlannedUnit> Units()
    {
        var first = 0;
        long together = 0;
        for (var bucket = 0; bucket < _bytes.Length; bucket++)
        {
            if (_bytes[bucket] > _unitBytes)
            {
                if (together > 0) yield return UnitOf(Whole(first, bucket));
                var parts = (int)Math.Clamp((Math.Min(_bytes[bucket], _bucketBytesMax) + _unitBytes - 1) / _unitBytes, 1, Limits.BucketPartsPlannedMax);
                for (var part = 0; part < parts; part++) yield return UnitOf(Whole(bucket, bucket + 1) with { Part = part, Of = parts });
                (first, together) = (bucket + 1, 0);
                continue;
            }

            if (together > 0 && together + _bytes[bucket] > _unitBytes)
            {
                yield return UnitOf(Whole(first, bucket));
                (first, together) = (bucket, 0);
            }

            together += _bytes[bucket];
        }

        if (together > 0 || Bytes == 0) yield return UnitOf(Whole(first, _bytes.Length));
    }

    /// <summary>Cuts a unit in two; empty when it is one key's hash, or written element by element: it can't be cut.</summary>
    public ImmutableArray<PlannedUnit> Split(BucketSlice slice)
    {
        if (slice.ByElement) return [];
        if (slice.End - slice.First > 1)
        {
            var middle = slice.First + ((slice.End - slice.First) / 2);
            return [UnitOf(Whole(slice.First, middle)), UnitOf(Whole(middle, slice.End))];
        }

        if (slice.Of * 2 > Limits.BucketPartsMax) return [];
        return [UnitOf(slice with { Of = slice.Of * 2 }), UnitOf(slice with { Part = slice.Part + slice.Of, Of = slice.Of * 2 })];
    }

    private BucketSlice Whole(int first, int end) => new(first, end, 0, 1, [.. _rows.Select(rows => rows.AsSpan(first..end).ToArray().Sum())], _content);

    private PlannedUnit UnitOf(BucketSlice slice)
    {
        var label = slice.End - slice.First == 1 ? string.Create(CultureInfo.InvariantCulture, $"bucket {slice.First}")
            : string.Create(CultureInfo.InvariantCulture, $"buckets {slice.First}-{slice.End - 1}");
        if (slice.Of > 1) label += string.Create(CultureInfo.InvariantCulture, $", part {slice.Part + 1} of {slice.Of}");
        var bytes = _bytes.AsSpan(slice.First..slice.End).ToArray().Sum() / slice.Of;
        return new PlannedUnit(JsonSerializer.Serialize(slice, TransformJson.Default.BucketSlice), label, slice.Rows[0] / slice.Of, bytes);
    }

    /// <summary>Reads indexes.</summary>
    /// <exception cref="Fault">One is damaged or gone.</exception>
    internal static void Reading(string[] files, Action<string[]> read)
    {
        try
        {
            read(files);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new Fault(FaultKind.Refused, $"what an earlier stage has written can't be read: {error.Message}", error)
            {
                Side = FaultSide.Run, Where = (error as FileNotFoundException)?.FileName ?? (error as BucketFileException)?.Path, Advice = "Begin a new run; `millrace cancel RUN` removes what this one has staged.",
            };
        }
    }
}
