namespace Millrace.SystemTests.Chaos.Lake;

/// <summary>A folder of files.</summary>
internal sealed class LakeTarget(LakePlan plan, ChaosWorld world, ChaosGround ground) : ChaosTarget
{
    /// <inheritdoc/>
    public override string JobLines => $"target: {Path.Combine(world.Home, "lake")}\nformat: {(plan.ToCsv ? "csv" : "parquet")}";

    private IEnumerable<string> Tables => plan.Rows.Select((_, table) => Path.Combine(world.Home, "lake", ChaosTables.Name(table)));

    /// <inheritdoc/>
    public override string StreamOf(int table) => $"to: {ChaosTables.Name(table)}, mode: {(plan.IsAppend ? "append" : "overwrite")}{(plan.HasStages ? Stages(table) : "")}";

    /// <inheritdoc/>
    public override async Task<IReadOnlyList<ChaosDigest>> PrepareAsync(IReadOnlyList<ChaosDigest> source)
    {
        var old = await ground.OldAsync(plan);
        foreach (var table in Tables)
        {
            Directory.CreateDirectory(table);
            File.Copy(old, Path.Combine(table, "old" + Path.GetExtension(old)));
        }

        return plan.IsAppend ? [.. source.Select(table => table + LakeRows.Before(plan))] : source;
    }

    /// <inheritdoc/>
    public override Task<IReadOnlyList<ChaosDigest>> ReadAsync() => LakeRows.ReadAsync(Tables);

    /// <inheritdoc/>
    public override Task<IReadOnlyList<string>> LitterAsync()
    {
        var litter = Directory.EnumerateFileSystemEntries(Path.Combine(world.Home, "lake")).Except(Tables).ToList();
        foreach (var path in Tables.SelectMany(static table => Directory.EnumerateFileSystemEntries(table, "*", ChaosCheck.Everything)))
        {
            var name = Path.GetFileName(path);
            if (plan.HasStages && Directory.Exists(path) && name.StartsWith("part=", StringComparison.Ordinal)) continue;
            if (name != "_millrace.json" && (name[0] is '.' or '_' || Path.GetExtension(name) is not (".parquet" or ".csv"))) litter.Add(path);
        }

        return Task.FromResult<IReadOnlyList<string>>(litter);
    }

    /// <summary>All files of the tables with size and time.</summary>
    public override Task<IReadOnlyList<string>> PublishedAsync() => Task.FromResult<IReadOnlyList<string>>(
    [
        .. Tables.SelectMany(static table => new DirectoryInfo(table).EnumerateFiles("*", SearchOption.AllDirectories))
            .Select(static file => $"{file.FullName} {file.Length} {file.LastWriteTimeUtc:O}").Order(StringComparer.Ordinal),
    ]);

    /// <inheritdoc/>
    public override void LoseLocks()
    {
        var staging = Path.Combine(world.Home, ".lake.millrace");
        if (!Directory.Exists(staging)) return;
        foreach (var file in Directory.EnumerateFiles(staging, ".lock-*")) File.Delete(file);
    }

    // Steps that give the rows that they get, so that each row can be looked for. Both sides of a full join go through buckets. The order within files puts the rows of a folder together in a last stage.
    private string Stages(int table)
    {
        var join = plan.IsServer ? "" : $"{{map: 'select id, v, note from input'}}, {{join: {{with: '{Path.Combine(world.Folder, "in", ChaosTables.Name(table) + ".csv")}', on: [id], columns: [id], how: full}}}}, ";
        var columns = plan.IsServer ? "id, v, note, amount" : "id, v, note";
        return $", transform: [{join}{{nest: {{by: [v], as: rows}}}}, {{unnest: rows}}, {{map: 'select {columns} from input'}}, {{dedupe: {{by: [id]}}}}], "
            + "write: {partition_by: {part: 'id % 3'}, cluster_by: [id], max_rows_per_file: 200}";
    }

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
