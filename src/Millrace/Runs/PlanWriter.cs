using System.Runtime.CompilerServices;

namespace Millrace.Runs;

/// <summary>
/// Writes a plan line by line while somebody already reads it: the first unit runs long before the last is planned, and neither
/// side holds more than some lines in memory. A plan without <see cref="EndAsync"/> counts as cut off.
/// </summary>
public sealed class PlanWriter : IAsyncDisposable
{
    private readonly FileStream _file;
    private readonly string _path;
    private readonly SemaphoreSlim _more = new(0);
    private long _units;
    private long _readable;
    private volatile bool _ended;
    private volatile Exception? _broken;

    internal PlanWriter(string path)
    {
        _path = path;
        _file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.ReadWrite, bufferSize: 64 * 1024);
    }

    /// <summary>Units so far.</summary>
    public long Units => Interlocked.Read(ref _units);

    /// <summary>True when every unit is planned.</summary>
    public bool Ended => _ended;

    /// <summary>Adds a unit; its number must be the next.</summary>
    public async ValueTask AddAsync(Unit unit, CancellationToken cancel)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(unit.Number, _units);
        await _file.WriteAsync(RunJson.Line(unit, RunJson.Default.Unit), cancel).ConfigureAwait(false);
        _file.WriteByte((byte)'\n');
        Interlocked.Increment(ref _units);

        // The first units are wanted at once; later ones in batches.
        if (unit.Number < Limits.PlanUnitsFlushedAtOnce || unit.Number % Limits.PlanUnitsFlushedAtOnce == 0)
            await PublishAsync(cancel).ConfigureAwait(false);
    }

    /// <summary>Writes the end line and makes the plan durable.</summary>
    public async ValueTask EndAsync(CancellationToken cancel)
    {
        await _file.WriteAsync(RunJson.Line(new PlanEnd { Units = _units }, RunJson.Default.PlanEnd), cancel).ConfigureAwait(false);
        _file.WriteByte((byte)'\n');
        await _file.FlushAsync(cancel).ConfigureAwait(false);
        _file.Flush(flushToDisk: true);
        DurableFiles.SyncFolder(Path.GetDirectoryName(_path)!);
        Interlocked.Exchange(ref _readable, _units);
        _ended = true;
        _more.Release();
    }

    /// <summary>Tells the reader that planning has failed.</summary>
    public void Break(Exception error)
    {
        _broken = error;
        _more.Release();
    }

    /// <summary>The units from the first on, as they are written. For one reader. Throws what <see cref="Break"/> was given.</summary>
    public async IAsyncEnumerable<Unit> FollowAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        using var lines = new StreamReader(new FileStream(_path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 64 * 1024));
        long read = 0;
        while (true)
        {
            while (read >= Interlocked.Read(ref _readable))
            {
                if (_broken is { } error) throw error;
                if (_ended && read >= Interlocked.Read(ref _readable)) yield break;
                await _more.WaitAsync(cancel).ConfigureAwait(false);
            }

            var line = await lines.ReadLineAsync(cancel).ConfigureAwait(false);
            read++;
            yield return RunJson.Read(System.Text.Encoding.UTF8.GetBytes(line!), RunJson.Default.Unit, _path);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _file.DisposeAsync().ConfigureAwait(false);
        _more.Dispose();
    }

    private async ValueTask PublishAsync(CancellationToken cancel)
    {
        await _file.FlushAsync(cancel).ConfigureAwait(false);
        Interlocked.Exchange(ref _readable, _units);
        _more.Release();
    }
}
