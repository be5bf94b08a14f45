using Millrace.Connectors.Files.Target;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Testing;

namespace Millrace.Connectors.Tests.Files.Target;

/// <summary>What a table remembers of its columns, and that nothing is appended to columns that have changed while a run was on its way.</summary>
public sealed class TableColumnsTests : IDisposable
{
    private readonly TempFolder _folder = new();

    [Fact]
    public async Task A_table_tells_the_columns_and_the_run_of_its_last_commit()
    {
        using var load = new TargetLoad(_folder["lake"]);
        Assert.Null(await load.Target.FindAsync("events", default));
        await load.LoadAsync("SELECT 1::INTEGER AS id, 'x' AS name");
        load.Run = "r2";
        await load.LoadAsync("SELECT 1::BIGINT AS other");
        var table = await load.Target.FindAsync("events", default);
        Assert.Equal((_folder["lake/events"], "r2"), (table!.Identity, table.Run));
        Assert.Equal([new TableColumn("other", "BIGINT", Nullable: true)], table.Columns!.Value);
        Assert.Equal(table.Identity, load.Target.IdentityOf("events"));
    }

    [Fact]
    public async Task After_appends_it_has_all_columns_with_their_widest_types()
    {
        using var load = new TargetLoad(_folder["lake"]) { Mode = WriteMode.Append };
        await load.LoadAsync("SELECT 1::INTEGER AS id");
        load.Run = "r2";
        await load.LoadAsync("SELECT 'x' AS name, 1::BIGINT AS id");
        Assert.Equal(["name VARCHAR", "id BIGINT"], (await load.Target.FindAsync("events", default))!.Columns!.Value.Select(static column => $"{column.Name} {column.Type}"));
        Assert.Equal("1,x 1,", load.Ask($"SELECT string_agg(id || ',' || coalesce(name, ''), ' ' ORDER BY name NULLS LAST) FROM read_parquet('{_folder["lake/events"]}/*.parquet', union_by_name = true)"));
    }

    [Fact]
    public async Task A_table_that_changed_while_rows_were_on_their_way_is_not_appended_to()
    {
        using var load = new TargetLoad(_folder["lake"]) { Mode = WriteMode.Append };
        await load.LoadAsync("SELECT 1::INTEGER AS id");
        load.Run = "r2";
        await load.StageAsync("SELECT 1::INTEGER AS id");
        await load.WriteUnitAsync("SELECT 1::INTEGER AS id");

        using (var other = new TargetLoad(_folder["lake"]) { Run = "r3" }) await other.LoadAsync("SELECT 'x' AS id");
        var files = TargetLoad.FilesIn(_folder["lake"]);
        var fault = await Assert.ThrowsAsync<Fault>(async () => await load.CommitAsync());
        Assert.Contains($"run r3 has left in {_folder["lake/events"]}: 'id' was VARCHAR and is INTEGER", fault.Message, StringComparison.Ordinal);
        Assert.Equal(files, TargetLoad.FilesIn(_folder["lake"]));

        // When somebody has put it right, the same commit goes on.
        using (var other = new TargetLoad(_folder["lake"]) { Run = "r4" }) await other.LoadAsync("SELECT 2::INTEGER AS id");
        Assert.Equal(1, (await load.CommitAsync()).Rows);
        Assert.Equal("1 2", load.Ask($"SELECT string_agg(id, ' ' ORDER BY id) FROM '{_folder["lake/events"]}/*.parquet'"));
    }

    [Fact]
    public async Task A_table_of_an_older_version_tells_no_columns_and_takes_any()
    {
        using var load = new TargetLoad(_folder["lake"]) { Mode = WriteMode.Append };
        await load.LoadAsync("SELECT 1::INTEGER AS id");
        var marker = TableMarker.Read(_folder["lake/events"])!;
        (marker with { Columns = null }).Write(_folder["lake/events"]);
        Assert.DoesNotContain("columns", await File.ReadAllTextAsync(_folder["lake/events/_millrace.json"]), StringComparison.OrdinalIgnoreCase);
        Assert.Null(await load.Target.FindAsync("events", default));
        load.Run = "r2";
        await load.LoadAsync("SELECT 'x' AS id");
        Assert.Equal("VARCHAR", Assert.Single((await load.Target.FindAsync("events", default))!.Columns!.Value).Type);
    }

    [Fact]
    public async Task A_file_is_known_by_its_path_and_standard_output_by_nothing()
    {
        using var load = new TargetLoad(_folder["out.csv"], FileFormat.Csv);
        Assert.Null(await load.Target.FindAsync("events", default));
        await load.LoadAsync("SELECT 1 AS id");
        Assert.Equal(new PublishedTable(_folder["out.csv"]), await load.Target.FindAsync("events", default));
        Assert.Equal(_folder["out.csv"], load.Target.IdentityOf("events"));
        using var output = new TargetLoad("-", FileFormat.Csv);
        Assert.Null(await output.Target.FindAsync("events", default));
        Assert.Null(output.Target.IdentityOf("events"));
    }

    public void Dispose() => _folder.Dispose();
}
