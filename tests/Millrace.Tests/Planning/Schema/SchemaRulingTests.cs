using System.Collections.Immutable;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;

namespace Millrace.Tests.Planning.Schema;

/// <summary>Columns as texts: <c>name type</c>, with <c>!</c> at the end where they are never NULL.</summary>
public sealed class SchemaRulingTests
{
    [Theory]
    [InlineData("id BIGINT!, v TEXT", "id BIGINT!, v TEXT", "")]
    [InlineData("id BIGINT", "id BIGINT, note VARCHAR", "'note' VARCHAR is new")]
    [InlineData("id INTEGER!", "id BIGINT!", "'id' was INTEGER and is BIGINT")]
    [InlineData("id INTEGER!", "id BIGINT", "'id' was INTEGER and is BIGINT; 'id' may be NULL now")]
    [InlineData("id BIGINT", "id BIGINT!", "'id' is never NULL now")]
    [InlineData("a DATE, b DATE", "b DATE, c DATE, a DATE", "'c' DATE is new; the columns stand in another order")]
    [InlineData("a DATE, b DATE", "c DATE, a DATE, b DATE", "'c' DATE is new")]
    public void What_evolves_goes_on_and_is_said(string before, string now, string said)
    {
        Assert.Equal(said, string.Join("; ", Admit(SchemaRule.Evolve, before, now)));
        Assert.Equal(said, string.Join("; ", Admit(SchemaRule.Replace, before, now)));
        if (said.Length == 0) Assert.Empty(Admit(SchemaRule.Freeze, before, now));
        else Assert.Contains($": {said}\n", Stopped(SchemaRule.Freeze, before, now), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("id BIGINT, v DATE", "id BIGINT", "'v' DATE is gone")]
    [InlineData("id BIGINT", "Id BIGINT", "'Id' BIGINT is new; 'id' BIGINT is gone", "'id' BIGINT is gone. What else has changed may: 'Id' BIGINT is new")]
    [InlineData("id BIGINT", "id INTEGER", "'id' was BIGINT and is INTEGER")]
    [InlineData("id BIGINT", "id VARCHAR!", "'id' was BIGINT and is VARCHAR; 'id' is never NULL now", "'id' was BIGINT and is VARCHAR. What else has changed may: 'id' is never NULL now")]
    [InlineData("id BIGINT", "id BIGINT, v DATE!", "'v' DATE NOT NULL is new")]
    [InlineData("id BIGINT, v INTEGER", "id BIGINT, v BIGINT, w DATE!", "'v' was INTEGER and is BIGINT; 'w' DATE NOT NULL is new", "'w' DATE NOT NULL is new. What else has changed may: 'v' was INTEGER and is BIGINT")]
    public void All_else_stops_with_every_difference_unless_the_table_is_to_be_replaced(string before, string now, string said, string? stops = null)
    {
        Assert.Contains($"run r7 has left in /lake/t: {stops ?? said}\n", Stopped(SchemaRule.Evolve, before, now), StringComparison.Ordinal);
        Assert.Contains($": {said}\n", Stopped(SchemaRule.Freeze, before, now), StringComparison.Ordinal);
        Assert.Equal(said, string.Join("; ", Admit(SchemaRule.Replace, before, now)));
    }

    [Fact]
    public void The_advice_fits_the_difference()
    {
        Assert.Contains("Let such changes through with schema: evolve;", Stopped(SchemaRule.Freeze, "a DATE", "a DATE, b DATE"), StringComparison.Ordinal);
        Assert.Contains("columns: [\"*\", \"-source_b\"]", Stopped(SchemaRule.Freeze, "a DATE", "a DATE, b DATE"), StringComparison.Ordinal);
        Assert.Contains("types: {source_a: \"DATE\"}", Stopped(SchemaRule.Evolve, "a DATE", "a TIME"), StringComparison.Ordinal);
        Assert.Contains("rename: {NEW: OLD}", Stopped(SchemaRule.Evolve, "a DATE, b DATE", "a DATE"), StringComparison.Ordinal);
        Assert.EndsWith("run once with --schema replace.", Stopped(SchemaRule.Evolve, "a DATE", "b DATE"), StringComparison.Ordinal);
        Assert.EndsWith("with mode: overwrite and schema: replace.", Stopped(SchemaRule.Evolve, "a DATE", "b DATE", WriteMode.Append), StringComparison.Ordinal);
    }

    [Fact]
    public void A_thousand_differences_are_counted_and_some_named()
    {
        var before = string.Join(", ", Enumerable.Range(0, 1000).Select(static i => $"c{i} DATE"));
        var message = Stopped(SchemaRule.Evolve, before, before.Replace("DATE", "TIME", StringComparison.Ordinal));
        Assert.Contains($"'c{Limits.SchemaDifferencesNamedMax - 1}' was DATE and is TIME; and {1000 - Limits.SchemaDifferencesNamedMax} more\n", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("id INTEGER!, v DATE", "v DATE!, id BIGINT!, w TIME", "v DATE, id BIGINT!, w TIME")]
    [InlineData("id INTEGER", "id BIGINT!", "id BIGINT")]
    public void After_an_append_a_table_has_all_columns_with_their_widest_types(string before, string now, string after) =>
        Assert.Equal(Table(after), SchemaComparison.Appended(Table(before), Table(now)));

    [Fact]
    public void Rows_of_both_kinds_fit_into_what_an_append_leaves()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var types = new RandomTypes(random);
        for (var i = 0; i < 300; i++)
        {
            ImmutableArray<TableColumn> Columns(int most) =>
                [.. Enumerable.Range(0, most).Where(_ => random.Next(3) > 0).Select(n => new TableColumn($"c{n}", types.Next(1).ToSql(), random.Next(2) == 0))];
            var (before, now) = (Columns(5), Columns(5));
            if (SchemaComparison.Compare(before, now).Any(static difference => !difference.Evolves)) continue;
            var after = SchemaComparison.Appended(before, now);
            Assert.True(SchemaComparison.Compare(before, after).All(static difference => difference.Evolves), $"seed {seed}, {i}");
            Assert.True(SchemaComparison.Compare(now, after).All(static difference => difference.Change == SchemaChange.MayBeNull), $"seed {seed}, {i}");
            Assert.Empty(SchemaComparison.Compare(after, SchemaComparison.Appended(after, after)));
        }
    }

    private static ImmutableArray<string> Admit(SchemaRule rule, string before, string now, WriteMode mode = WriteMode.Overwrite) =>
        new SchemaRuling(rule, mode, "job.yaml:3").Admit(
            new PublishedTable("/lake/t", Table(before), "r7"),
            [.. Table(now).Select(static column => new Column { Name = column.Name, SourceName = "source_" + column.Name, SourceType = "?", Type = column.Type, Nullable = column.Nullable })]);

    private static string Stopped(SchemaRule rule, string before, string now, WriteMode mode = WriteMode.Overwrite)
    {
        var fault = Assert.Throws<Fault>(() => Admit(rule, before, now, mode));
        Assert.Equal((4, FaultSide.Source, "job.yaml:3"), (fault.ExitCode, fault.Side, fault.Where));
        return fault.Describe();
    }

    private static ImmutableArray<TableColumn> Table(string columns) => [.. columns.Split(", ").Select(static column =>
        new TableColumn(column.Split(' ')[0], column.Split(' ')[1].TrimEnd('!'), !column.EndsWith('!')))];
}
