using Millrace.Connectors.Files.Target;

namespace Millrace.Connectors.Tests.Files.Target;

public sealed class RowGroupsTests
{
    [Theory]
    [InlineData(null, 20_480)]
    [InlineData(0L, 20_480)]
    [InlineData(20_480L, 20_480)]
    [InlineData(25_000L, 25_782)]
    [InlineData(50_000L, 25_782)]
    [InlineData(60_000L, 20_626)]
    [InlineData(10_000_000L, 20_480)]
    public void A_small_file_is_cut_into_equal_groups(long? rows, int expected) => Assert.Equal(expected, RowGroups.For(rows));

    [Fact]
    public void No_estimate_gives_groups_of_more_than_its_bound_or_a_small_rest()
    {
        for (var rows = 1L; rows <= Limits.RowGroupRowsDefault * Limits.RowGroupsEvenedMax; rows += 97)
        {
            var size = RowGroups.For(rows);
            Assert.InRange(size, Limits.RowGroupRowsMin, Limits.RowGroupRowsDefault * 8 / 5);
            var rest = rows % size;
            if (rows > Limits.RowGroupRowsDefault) Assert.True(rest == 0 || rest >= size / 2, $"{rows} rows in groups of {size} leave {rest}");
        }
    }

    [Fact]
    public async Task Files_have_the_groups()
    {
        using var folder = new Millrace.Testing.TempFolder();
        using var load = new TargetLoad(folder["lake"]) { EstimatedRows = 50_000 };
        await load.LoadAsync("SELECT range AS id FROM range(50100)");
        Assert.Equal("2", load.Ask($"SELECT count(DISTINCT row_group_id) FROM parquet_metadata('{folder["lake/events"]}/*.parquet')"));
    }
}
