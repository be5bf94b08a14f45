using System.Text.Json.Serialization;
using Millrace.Planning;

namespace Millrace.Keeper;

/// <summary>What a keeper is started with, over its standard input: the address has its secrets in it.</summary>
/// <param name="Sign">The file in which coordinators give signs.</param>
/// <param name="Source">The source's address, secrets resolved.</param>
/// <param name="BaseDirectory">Where relative paths start.</param>
/// <param name="Moment">What to hold.</param>
/// <param name="HoldSeconds">How long to hold it without a sign of a coordinator.</param>
public sealed record KeeperSettings(string Sign, string Source, string BaseDirectory, HeldMoment Moment, int HoldSeconds);

/// <summary>A keeper's one answer.</summary>
public sealed record KeeperAnswer
{
    /// <summary>The moment under all its names, held from now on.</summary>
    public string? Moment { get; init; }

    /// <summary>Why it can't hold the moment.</summary>
    public string? Refusal { get; init; }
}

/// <summary>JSON of the two.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(KeeperSettings))]
[JsonSerializable(typeof(KeeperAnswer))]
public sealed partial class KeeperJson : JsonSerializerContext;
