using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Load;
using Millrace.Runs;

namespace Millrace.Transform;

/// <summary>Where a stage's units write the rows for the next one: a bucket file each. Thread safe.</summary>
/// <param name="store">The run's buckets.</param>
internal sealed class BucketUnitWriter(BucketStore store) : IUnitWriter
{
    /// <inheritdoc/>
    public IReadOnlyList<string> WritablePaths(StreamHeader header) => [store.Place.FolderOf(header.Stream, header.Stage!.Number)];

    /// <inheritdoc/>
    public void Attach(DuckDbConnection connection)
    {
        // The store attaches itself: sides need it as well.
    }

    /// <inheritdoc/>
    public ValueTask<IUnitOutput> OpenAsync(StreamHeader header, Unit unit, string attempt, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var folder = store.Place.FolderOf(header.Stream, header.Stage!.Number);

        // The random part keeps two workers apart that believe to be the same attempt: one of them was thought dead.
        var name = string.Create(CultureInfo.InvariantCulture, $"{unit.Number:D6}-{attempt}-{RandomNumberGenerator.GetHexString(8, lowercase: true)}.buckets");
        return ValueTask.FromResult<IUnitOutput>(new BucketUnitOutput(store, header.Stage.Output!, unit.Number, Path.Combine(folder, name)));
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

/// <summary>One attempt's bucket file.</summary>
internal sealed class BucketUnitOutput : IUnitOutput
{
    private readonly BucketStore _store;
    private readonly BucketOutput _output;
    private readonly long _unit;
    private readonly BucketWriter _writer;
    private readonly string _path;
    private bool _completed;

    /// <summary>An output; the file is made by the statement.</summary>
    /// <param name="store">The run's buckets.</param>
    /// <param name="output">How rows are spread.</param>
    /// <param name="unit">The unit's number.</param>
    /// <param name="path">The file.</param>
    public BucketUnitOutput(BucketStore store, BucketOutput output, long unit, string path)
    {
        _unit = unit;
        _store = store;
        _output = output;
        _path = path;
        _writer = store.OpenWriter(output);
    }

    /// <inheritdoc/>
    public ImmutableArray<string> ReadBackColumns => [];

    /// <inheritdoc/>
    public string CopyStatement(string select, int batchDivisor)
    {
        var keyed = new StringBuilder("SELECT *");
        if (_output.Place is { } place) keyed.Append(CultureInfo.InvariantCulture, $", {SourcePlace.Sql(_unit)} AS {SqlText.Name(place)}");
        for (var i = 0; i < _output.Keys.Length; i++) keyed.Append(CultureInfo.InvariantCulture, $", {_output.Keys[i]} AS millrace_key_{i}");
        return _writer.CopyStatement(keyed.Append(" FROM (").Append(select).Append(") AS ").Append(StageHeader.Input).ToString(), _path);
    }

    /// <inheritdoc/>
    public long Answered(DuckDbResult answer) => answer.RowsChanged;

    /// <inheritdoc/>
    public async ValueTask<WrittenOutput> CompleteAsync(CancellationToken cancel)
    {
        try
        {
            await _store.Place.KeepAsync(_path, cancel).ConfigureAwait(false);
        }
        catch (BucketFileException damaged)
        {
            throw BucketFaults.Damaged(damaged, damaged);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw FileFaults.From(error, _path, FaultSide.Run);
        }

        _completed = true;
        return new WrittenOutput(_writer.Rows, [new StagedFile(_store.Place.NameOf(_path), "", _writer.Bytes, _writer.Rows)]);
    }

    /// <inheritdoc/>
    public ValueTask<IWrittenRows> ReadBackAsync(CancellationToken cancel) => throw new InvalidOperationException("buckets have checksums of their own");

    /// <inheritdoc/>
    public Fault? Explain(DuckDbException error) => error.InnerException is IOException inner && FileFaults.IsDiskFull(inner)
        ? FileFaults.DiskFull(_path, FaultSide.Run, inner: inner)
        : BucketFaults.Explain(error);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _writer.Dispose();
        if (!_completed) _store.Place.Drop(_path);
        return ValueTask.CompletedTask;
    }
}
