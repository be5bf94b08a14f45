using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Millrace.Connectors.Postgres.Types;

namespace Millrace.Connectors.Postgres.Writing;

/// <summary>What the writer needs for every unit of a stream. No secrets in it.</summary>
/// <param name="Stage">The table that rows go to, quoted and with its schema.</param>
/// <param name="Attempts">
/// The table that complete attempts are noted in, quoted and with its schema; its columns are <c>attempt text</c>, <c>unit bigint</c>,
/// <c>xid bigint</c> (txid_current(): the epoch above a row's xmin) and <c>rows bigint</c>.
/// </param>
/// <param name="Columns">The stage's columns, those of the stream's header in its order.</param>
internal sealed record PgWriting(string Stage, string Attempts, ImmutableArray<PgWrittenColumn> Columns)
{
    /// <summary>Whether rows pass as the source sends them, and nobody encodes them.</summary>
    public bool IsPassed { get; init; }

    /// <summary>The COPY of a unit.</summary>
    internal string CopySql => $"COPY {Stage} ({string.Join(", ", Columns.Select(static column => column.Name))}) FROM STDIN (FORMAT binary)";

    /// <summary>The JSON of a stream's writer settings.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, PgWritingJson.Default.PgWriting);

    /// <summary>Reads it back.</summary>
    public static PgWriting Parse(string json) => JsonSerializer.Deserialize(json, PgWritingJson.Default.PgWriting)!;
}

/// <summary>A column of a stage.</summary>
/// <param name="Name">Its name, quoted.</param>
/// <param name="Encoding">How its values go to the server.</param>
internal sealed record PgWrittenColumn(string Name, PgEncoding Encoding);

/// <summary>The JSON of writer settings.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(PgWriting))]
internal sealed partial class PgWritingJson : JsonSerializerContext;
