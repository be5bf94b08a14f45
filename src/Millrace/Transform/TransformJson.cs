using System.Text.Json.Serialization;

namespace Millrace.Transform;

/// <summary>JSON of what stages say to their units, no reflection at run time.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(BucketSlice))]
[JsonSerializable(typeof(BucketOutput))]
[JsonSerializable(typeof(StageHeader))]
internal sealed partial class TransformJson : JsonSerializerContext;
