using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Load;
using Millrace.Runs;

namespace Millrace.Connectors.Files.Target;

/// <summary>The worker's half: gives each attempt a file or folder of its own below the stream's staging folder. Any number of lanes.</summary>
internal sealed class FileUnitWriter(StagingPlace place) : IUnitWriter
{
    private readonly ConditionalWeakTable<StreamHeader, WriteSettings> _settings = [];
    private readonly TableRegistry _written = new("millrace_written");

    /// <inheritdoc/>
    public IReadOnlyList<string> WritablePaths(StreamHeader header)
    {
        var units = Path.Combine(place.Stream(header.Run, header.To), StagingPlace.Units);
        // Packed text is read back through pipes.
        return header.Proof == Proof.Readback ? [units, "/dev/fd"] : [units];
    }

    /// <summary>Bounds the rows that a partitioned write collects before it writes them: DuckDB's own default takes 100 MB of wide rows.</summary>
    public void Attach(DuckDbConnection connection)
    {
        _written.Attach(connection);
        connection.Execute(string.Create(CultureInfo.InvariantCulture, $"SET GLOBAL partitioned_write_flush_threshold = {Limits.PartitionedWriteRowsMax}"));
    }

    /// <summary>As few of these rows as a stream's folders need.</summary>
    public void Attach(DuckDbConnection connection, StreamHeader header)
    {
        Attach(connection);
        var settings = SettingsOf(header);
        if (settings.FlushRows < Limits.PartitionedWriteRowsMax)
            connection.Execute(string.Create(CultureInfo.InvariantCulture, $"SET GLOBAL partitioned_write_flush_threshold = {settings.FlushRows}"));
    }

    /// <inheritdoc/>
    public bool Sorts(StreamHeader header) => SettingsOf(header).Sorts;

    /// <inheritdoc/>
    public ValueTask<IUnitOutput> OpenAsync(StreamHeader header, Unit unit, string attempt, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var stream = place.Stream(header.Run, header.To);
        // The random part keeps two workers apart that believe to be the same attempt: one of them was thought dead.
        var name = string.Create(CultureInfo.InvariantCulture, $"{unit.Number:D6}-{FolderName.Of(attempt)}-{RandomNumberGenerator.GetHexString(8, lowercase: true)}");
        var units = Path.Combine(stream, StagingPlace.Units);
        try
        {
            Directory.CreateDirectory(units);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw FileFaults.From(error, units, FaultSide.Target);
        }

        var settings = SettingsOf(header);
        var stem = string.Create(CultureInfo.InvariantCulture, $"{FolderName.Of(header.To)}-{FolderName.Of(header.Run)}-{unit.Number:D6}-{FolderName.Of(attempt)}");
        return ValueTask.FromResult<IUnitOutput>(new FileUnitOutput(settings, header.Columns, unit, units, name, stem, _written, oneFolder: header.Stage?.PortionOf(unit) is not null));
    }

    private WriteSettings SettingsOf(StreamHeader header) => _settings.GetValue(header, static header => WriteSettings.FromJson(header.WriterJson));

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
