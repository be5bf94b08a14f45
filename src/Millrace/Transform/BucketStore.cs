using Millrace.DuckDb;

namespace Millrace.Transform;

/// <summary>
/// The buckets of a run as a worker's databases see them: a copy function that writes them, a table function that reads them, and the hash by which a
/// bucket is read in parts. One for a worker process; thread safe.
/// </summary>
/// <param name="place">Where they lie.</param>
internal sealed class BucketStore(BucketPlace place)
{
    private readonly BucketWriters _writers = new("millrace_buckets");
    private readonly TableRegistry _tables = new("millrace_bucket_rows");

    /// <summary>Makes the functions known to a connection's database; once for each database.</summary>
    public void Attach(DuckDbConnection connection)
    {
        _writers.Attach(connection);
        _tables.Attach(connection);
    }

    /// <summary>Where they lie.</summary>
    public BucketPlace Place => place;

    /// <summary>Opens a writer for one attempt.</summary>
    public BucketWriter OpenWriter(BucketOutput output) => _writers.Open(new BucketSettings(output.Buckets, output.Keys.Length, output.BlockBytes, output.ByValue, output.ValueBlockBytes, Durable: !place.IsStore));

    /// <summary>Opens some buckets of a relation.</summary>
    /// <param name="relation">The relation.</param>
    /// <param name="first">The first bucket.</param>
    /// <param name="end">The bucket behind the last one.</param>
    /// <param name="rows">How many rows they have; null: the files' indexes are asked.</param>
    /// <param name="range">Which of them; null: all.</param>
    /// <param name="portion">How many rows each statement reads, the next one going on behind them; null: all.</param>
    /// <param name="inOrder">Whether its rows are put in the order of their source where that is known.</param>
    public OpenRelation Open(BucketRelation relation, int first, int end, long? rows = null, RowRange? range = null, long? portion = null, bool inOrder = true)
    {
        var columns = relation.Columns.Select(static column => new DuckDb.TableColumn(column.Name, DuckDbType.Parse(column.Type))).ToArray();
        var order = inOrder && relation.Merge is { } merge
            ? new MergeOrder(Array.FindIndex(columns, column => column.Name == merge.Column), merge.BytesMax, merge.By) : (MergeOrder?)null;
        var read = new BucketRows(columns, place.NamesOf(relation.Files), first, end, rows, range, order, portion, place.Files);
        var (token, call) = _tables.Add(read);
        return new OpenRelation(relation, read, call, () => _tables.Remove(token));
    }

    /// <summary>A condition that the rows of one part of a bucket meet.</summary>
    /// <param name="keys">SQL expressions: the key.</param>
    /// <param name="part">The part, from 0.</param>
    /// <param name="of">How many parts there are.</param>
    public string InPart(IEnumerable<string> keys, int part, int of) => $"{_writers.PartOf([.. keys])} % {of} = {part}";
}

/// <summary>A relation whose rows one unit reads. Disposed after the query.</summary>
internal sealed class OpenRelation(BucketRelation relation, BucketRows rows, string call, Action close) : IDisposable
{
    /// <summary>The relation.</summary>
    public BucketRelation Relation => relation;

    /// <summary>Its rows.</summary>
    public BucketRows Rows => rows;

    /// <summary>The relation as a part of a WITH clause.</summary>
    /// <param name="condition">Which of its rows; null: all.</param>
    public string AsCommonTable(string? condition) =>
        $"{SqlText.Name(relation.Name)} AS NOT MATERIALIZED (SELECT * FROM {call}{(condition is null ? "" : $" WHERE {condition}")})";

    /// <inheritdoc/>
    public void Dispose()
    {
        close();
        rows.Dispose();
    }
}
