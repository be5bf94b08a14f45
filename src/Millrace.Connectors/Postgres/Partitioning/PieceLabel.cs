using System.Globalization;
using Millrace.Connectors.Postgres.Catalog;
using Millrace.Jobs;

namespace Millrace.Connectors.Postgres.Partitioning;

/// <summary>Says what a piece reads, for people.</summary>
/// <param name="stream">What a piece without a relation of its own reads from.</param>
internal sealed class PieceLabel(string stream)
{
    /// <summary>What a piece reads.</summary>
    /// <param name="piece">The piece.</param>
    /// <param name="innermost">What its last condition comes to, where that is known better than the condition says; null: it is not.</param>
    internal string Of(PgPiece piece, string? innermost = null)
    {
        var labels = new List<string>();
        if (piece is { From: not null, Tids: null }) labels.Add(NameOf(piece));
        if (piece.Key is not null) labels.Add(piece.Key.Label);
        if (piece.Hash is not null) labels.Add(piece.Hash.Label);
        if (piece.Tids is not null) labels.Add(PagesOf(piece, piece.Tids));
        if (labels.Count == 0) labels.Add("all rows");
        if (innermost is not null) labels[^1] = innermost;
        return string.Join(", ", labels);
    }

    /// <summary>What several pieces read.</summary>
    internal string Of(IReadOnlyList<PgPiece> pieces) =>
        pieces is [var only] ? Of(only) : string.Create(CultureInfo.InvariantCulture, $"{Of(pieces[0])}, and {pieces.Count - 1} more ranges");

    /// <summary>One row of a piece.</summary>
    internal string OfRow(PgPiece piece, PgTid tid) => string.Create(CultureInfo.InvariantCulture, $"page {tid.Page} of {NameOf(piece)}, row {tid.Row}");

    private string PagesOf(PgPiece piece, PgTidRange range)
    {
        var name = NameOf(piece);
        var first = range.First;
        if (range.To is null) return string.Create(CultureInfo.InvariantCulture, $"pages from {first.Page}{(first.Row > 1 ? $", row {first.Row}" : "")} of {name}");
        var end = PgTid.Parse(range.To);
        var last = end.Row > 1 ? end.Page : end.Page - 1;
        var isWhole = first.Row <= 1 && end.Row <= 1;
        return (first.Page == last, isWhole) switch
        {
            (true, true) => $"page {first.Page} of {name}",
            (true, false) => $"page {first.Page} of {name}, rows from {Math.Max(first.Row, 1)}{(end.Row > 1 ? $" to {end.Row - 1}" : "")}",
            (false, true) => $"pages {first.Page}-{last} of {name}",
            _ => $"page {first.Page}, row {Math.Max(first.Row, 1)} to page {last}{(end.Row > 1 ? $", row {end.Row - 1}" : "")} of {name}",
        };
    }

    private string NameOf(PgPiece piece)
    {
        if (piece.From is null) return stream;
        var name = PgName.Parse(PgPiece.NameOf(piece.From), new Mark(stream));
        return PgName.Written(name.Schema!, name.Table);
    }
}
