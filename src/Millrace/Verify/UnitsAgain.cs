using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Serialization.Metadata;
using Millrace.Runs;

namespace Millrace.Verify;

/// <summary>Units that are read a second time, kept in files: there may be as many as the plan has. Any thread may add.</summary>
internal sealed class UnitsAgain(VerifyFolder folder) : IAsyncDisposable
{
    private readonly SemaphoreSlim _writing = new(1);
    private readonly FileStream _source = new(folder.SourceUnits, FileMode.Create, FileAccess.Write);
    private readonly FileStream _target = new(folder.TargetUnits, FileMode.Create, FileAccess.Write);

    /// <summary>Adds a unit of the source, or what the target has of one, or both.</summary>
    public async Task AddAsync(Unit? source, UnitResult? target, CancellationToken cancel)
    {
        if (source is not null) await WriteAsync(_source, RunJson.Line(source, RunJson.Default.Unit), cancel).ConfigureAwait(false);
        if (target is not null) await WriteAsync(_target, RunJson.Line(target, RunJson.Default.UnitResult), cancel).ConfigureAwait(false);
    }

    /// <summary>Adds a part of the target's table.</summary>
    public Task AddPartAsync(Unit part, CancellationToken cancel) => WriteAsync(_target, RunJson.Line(part, RunJson.Default.Unit), cancel);

    /// <summary>The units of the source, after the list was disposed.</summary>
    public static IAsyncEnumerable<Unit> SourceAsync(VerifyFolder folder, CancellationToken cancel) => ReadAsync(folder.SourceUnits, RunJson.Default.Unit, cancel);

    /// <summary>The results of the target's units, after the list was disposed.</summary>
    public static IAsyncEnumerable<UnitResult> TargetAsync(VerifyFolder folder, CancellationToken cancel) => ReadAsync(folder.TargetUnits, RunJson.Default.UnitResult, cancel);

    /// <summary>The parts of the target's table, after the list was disposed.</summary>
    public static IAsyncEnumerable<Unit> PartsAsync(VerifyFolder folder, CancellationToken cancel) => ReadAsync(folder.TargetUnits, RunJson.Default.Unit, cancel);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _source.DisposeAsync().ConfigureAwait(false);
        await _target.DisposeAsync().ConfigureAwait(false);
        _writing.Dispose();
    }

    private async Task WriteAsync(FileStream file, byte[] line, CancellationToken cancel)
    {
        await _writing.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            await file.WriteAsync(line, cancel).ConfigureAwait(false);
            file.WriteByte((byte)'\n');
        }
        finally
        {
            _writing.Release();
        }
    }

    private static async IAsyncEnumerable<T> ReadAsync<T>(string path, JsonTypeInfo<T> type, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var line in File.ReadLinesAsync(path, cancel).ConfigureAwait(false))
            yield return RunJson.Read(Encoding.UTF8.GetBytes(line), type, path);
    }
}
