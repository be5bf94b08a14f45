using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Millrace.DuckDb;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Verify;

/// <summary>What of a stream is compared, and by what its rows are known.</summary>
internal sealed record VerifyScope
{
    /// <summary>The unit that a picked row is of.</summary>
    public const string UnitColumn = "millrace_u";

    /// <summary>The hash of a picked row.</summary>
    public const string RowColumn = "millrace_r";

    /// <summary>The stream as its source is read now.</summary>
    public required StreamHeader Header { get; init; }

    /// <summary>The coordinator's half of the source.</summary>
    public required ISource Source { get; init; }

    /// <summary>The columns that are compared, in the stream's order; at least one.</summary>
    public required ImmutableArray<string> Compared { get; init; }

    /// <summary>The columns that a row is known by, among the compared ones; empty: none is known.</summary>
    public required ImmutableArray<string> Key { get; init; }

    /// <summary>Rows of both sides that are compared key by key.</summary>
    public required long RowsMax { get; init; }

    /// <summary>The clock.</summary>
    public required TimeProvider Clock { get; init; }

    /// <summary>The key, or the whole row.</summary>
    public ImmutableArray<string> KnownBy => Key.IsEmpty ? Compared : Key;

    /// <summary>The columns that are not compared.</summary>
    public ImmutableArray<string> LeftOut => [.. Header.Columns.Select(static column => column.Name).Except(Compared, StringComparer.Ordinal)];

    /// <summary>A picked row's part of the key, as text: every type has one, and equal values have equal ones.</summary>
    public static string KeyColumn(int i) => string.Create(CultureInfo.InvariantCulture, $"millrace_k{i}");

    /// <summary>The hash of one column of a picked row.</summary>
    public static string HashColumn(int i) => string.Create(CultureInfo.InvariantCulture, $"millrace_h{i}");

    /// <summary>A SELECT list: what of a row is kept to be compared. No value but the key's.</summary>
    /// <param name="unit">The unit that the rows are of.</param>
    /// <param name="hashOf">The expression of some columns' hash.</param>
    public string Picked(long unit, Func<IReadOnlyList<string>, string> hashOf)
    {
        var list = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"SELECT {unit}::BIGINT AS {UnitColumn}, {hashOf(Compared)} AS {RowColumn}"));
        if (Key.IsEmpty) return list.ToString();
        for (var i = 0; i < Key.Length; i++) list.Append(CultureInfo.InvariantCulture, $", CAST({SqlText.Name(Key[i])} AS VARCHAR) AS {KeyColumn(i)}");
        for (var i = 0; i < Compared.Length; i++) list.Append(CultureInfo.InvariantCulture, $", {hashOf([Compared[i]])} AS {HashColumn(i)}");
        return list.ToString();
    }

    /// <summary>The type of a part of the key.</summary>
    public string TypeOf(string column) => Header.Columns.First(one => one.Name == column).Type;

}
