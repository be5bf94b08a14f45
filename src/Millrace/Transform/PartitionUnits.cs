using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Millrace.DuckDb;
using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Transform;

/// <summary>
/// Makes units of rows that lie together by the values of <c>partition_by</c>. A partition with more rows than a unit may have is cut into stretches of its
/// rows, each a multiple of what a file may have; small partitions share a unit. The same files give the same units.
/// </summary>
internal sealed class PartitionUnits
{
    private readonly BucketSize[] _partitions;
    private readonly string _content;
    private readonly long? _fileRows;
    private readonly bool _isOrdered;

    private PartitionUnits(BucketSize[] partitions, string content, WriteOptions write)
    {
        _partitions = partitions;
        _content = content;
        _fileRows = write.MaxRowsPerFile;
        _isOrdered = !write.ClusterBy.IsEmpty;
    }

    /// <summary>Looks at what the stage before has written.</summary>
    /// <param name="place">Where it lies.</param>
    /// <param name="relation">Its files.</param>
    /// <param name="write">How many rows a file may have, and whether they are in an order: then each unit is one file.</param>
    public static PartitionUnits Of(BucketPlace place, BucketRelation relation, WriteOptions write)
    {
        var sizes = new BucketSizes();
        BucketPlanning.Reading(place.NamesOf(relation.Files), files => sizes.Add(files, place.Files));
        var content = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', relation.Files))).AsSpan(0, 8));
        return new PartitionUnits(sizes.Sorted(), content, write);
    }

    /// <summary>All rows.</summary>
    public long Rows => _partitions.Sum(static partition => partition.Rows);

    /// <summary>All bytes.</summary>
    public long Bytes => _partitions.Sum(static partition => partition.Bytes);

    /// <summary>How many rows a partition has, on average.</summary>
    public long RowsOfPartition => Rows / Math.Max(1, _partitions.Length);

    /// <summary>The units; at least one, so that a table without rows is a table.</summary>
    /// <param name="unitBytes">About how many bytes of rows each has.</param>
    /// <param name="wholeBytes">How many bytes a partition has at most whose rows stay in one unit.</param>
    public IEnumerable<PlannedUnit> Units(long unitBytes, long wholeBytes)
    {
        var first = 0;
        long together = 0;
        for (var i = 0; i < _partitions.Length; i++)
        {
            var isLarge = _isOrdered || _partitions[i].Bytes > unitBytes;
            if (first < i && (isLarge || together + _partitions[i].Bytes > unitBytes))
            {
                yield return Together(first, i);
                (first, together) = (i, 0);
            }

            together += _partitions[i].Bytes;
            if (!isLarge) continue;
            foreach (var part in PartsOf(_partitions[i], Math.Max(unitBytes, wholeBytes))) yield return part;
            (first, together) = (i + 1, 0);
        }

        if (first < _partitions.Length || _partitions.Length == 0) yield return Together(first, _partitions.Length);
    }

    /// <summary>Cuts a unit in two; empty when it has one row.</summary>
    public ImmutableArray<PlannedUnit> Split(BucketSlice slice)
    {
        var first = Array.FindIndex(_partitions, partition => partition.Bucket == slice.First);
        var end = Array.FindLastIndex(_partitions, partition => partition.Bucket == slice.End - 1) + 1;
        if (first < 0 || end <= first) return [];
        if (end - first > 1)
        {
            var middle = first + ((end - first) / 2);
            return [Together(first, middle), Together(middle, end)];
        }

        var (from, rows) = (slice.From ?? 0, slice.Rows[0]);
        if (rows < 2) return [];
        var half = _fileRows is { } most && rows > most ? (rows + most) / 2 / most * most : rows / 2;
        return [Stretch(slice.First, slice.IsShared, from, half), Stretch(slice.First, slice.IsShared, from + half, rows - half)];
    }

    private IEnumerable<PlannedUnit> PartsOf(BucketSize partition, long unitBytes)
    {
        var parts = Math.Max(1, (partition.Bytes + unitBytes - 1) / unitBytes);
        var rows = (partition.Rows + parts - 1) / parts;
        if (_fileRows is { } most && (_isOrdered || parts > 1)) rows = _isOrdered ? Math.Min(rows, most) : Math.Max(1, rows / most) * most;
        for (var from = 0L; from < partition.Rows; from += rows) yield return Stretch(partition.Bucket, partition.IsShared, from, Math.Min(rows, partition.Rows - from));
    }

    private PlannedUnit Together(int first, int end)
    {
        if (end == 0) return UnitOf(SliceOf(0, 1, 0), 0);
        var (rows, isShared) = (0L, false);
        for (var i = first; i < end; i++) (rows, isShared) = (rows + _partitions[i].Rows, isShared || _partitions[i].IsShared);
        return UnitOf(SliceOf(_partitions[first].Bucket, _partitions[end - 1].Bucket + 1, rows) with { IsShared = isShared }, rows, end - first);
    }

    private PlannedUnit Stretch(int bucket, bool isShared, long from, long rows) => UnitOf(SliceOf(bucket, bucket + 1, rows) with { From = from, IsShared = isShared }, rows);

    private BucketSlice SliceOf(int first, int end, long rows) => new(first, end, 0, 1, [rows], _content);

    private PlannedUnit UnitOf(BucketSlice slice, long rows, int partitions = 1)
    {
        var label = partitions > 1 ? string.Create(CultureInfo.InvariantCulture, $"{partitions} partitions from {slice.First:x8}") : string.Create(CultureInfo.InvariantCulture, $"partition {slice.First:x8}");
        if (slice.From is { } from) label += string.Create(CultureInfo.InvariantCulture, $", rows {from}-{from + rows - 1}");
        var all = Math.Max(1, Rows);
        return new PlannedUnit(JsonSerializer.Serialize(slice, TransformJson.Default.BucketSlice), label, rows, (long)((double)Bytes / all * rows));
    }
}
