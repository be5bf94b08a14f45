using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Millrace.Faults;
using Millrace.Jobs.Secrets;

namespace Millrace.Jobs;

/// <summary>
/// A job as JSON, for the run directory. <c>${NAME}</c> stays unresolved. A password that stands in an endpoint itself is left out, its
/// user stays: a later <c>resume</c> takes the password from where the connector looks for it, or from <c>--from</c> and <c>--to</c>.
/// </summary>
public static class JobJson
{
    /// <summary>Writes a job as indented UTF-8 JSON.</summary>
    public static byte[] Write(Job job) => JsonSerializer.SerializeToUtf8Bytes(WithoutPasswords(job), JobJsonContext.Default.Job);

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <param name="json">UTF-8 JSON.</param>
    /// <param name="name">What the JSON is called in errors.</param>
    /// <exception cref="Fault">The JSON is not a job.</exception>
    public static Job Read(ReadOnlySpan<byte> json, string name)
    {
        try
        {
            var job = JsonSerializer.Deserialize(json, JobJsonContext.Default.Job);
            if (job is not null && !job.Streams.IsDefault)
            {
                return job;
            }
        }
        catch (JsonException broken)
        {
            throw NoJob(name, $"found JSON that is no job in line {broken.LineNumber + 1}", broken);
        }

        throw NoJob(name, "found JSON without a job", inner: null);
    }

    /// <summary>The job without the passwords that stand in its endpoints.</summary>
    public static Job WithoutPasswords(Job job) => job with
    {
        Source = job.Source with { Text = UrlPassword.Strip(job.Source.Text) },
        Target = job.Target with { Text = UrlPassword.Strip(job.Target.Text) },
        State = UrlPassword.Strip(job.State),
        Shuffle = job.Shuffle is { } shuffle ? shuffle with { Text = UrlPassword.Strip(shuffle.Text) } : null,
        Streams = [.. job.Streams.Select(stream => stream with { Transform = [.. stream.Transform.Select(WithoutPassword)] })],
    };

    private static TransformStep WithoutPassword(TransformStep step) => step switch
    {
        JoinStep { With.Source: { } source } join => join with { With = join.With with { Source = source with { Text = UrlPassword.Strip(source.Text) } } },
        LookupStep lookup => lookup with { In = lookup.In with { Text = UrlPassword.Strip(lookup.In.Text) } },
        _ => step,
    };

    private static Fault NoJob(string name, string message, Exception? inner) =>
        new(FaultKind.Internal, message, inner) { Where = name, Advice = "The run directory is damaged: start a new run." };
}

/// <summary>The generated reader and writer of a job's JSON.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    UseStringEnumConverter = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(Job))]
internal sealed partial class JobJsonContext : JsonSerializerContext;
