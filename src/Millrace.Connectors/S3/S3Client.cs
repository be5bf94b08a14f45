using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Millrace.Jobs;

namespace Millrace.Connectors.S3;

/// <summary>Makes clients. Credentials come from AWS's own chain: environment, profile, the role of container or machine.</summary>
internal static class S3Client
{
    private const string AnyRegion = "us-east-1";

    /// <summary>A client for an address.</summary>
    public static AmazonS3Client Of(StoreAddress address)
    {
        var config = new AmazonS3Config
        {
            RetryMode = RequestRetryMode.Standard,
            MaxErrorRetry = Limits.ShuffleRetriesMax,
            Timeout = TimeSpan.FromSeconds(Limits.ShuffleAnswerSecondsMax),
            ConnectTimeout = TimeSpan.FromSeconds(Limits.ShuffleConnectSecondsMax),

            // Blocks have checksums of their own, and not every server knows S3's later ones.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        var region = address.Region ?? Variable("AWS_REGION") ?? Variable("AWS_DEFAULT_REGION");
        if ((address.Endpoint?.ToString() ?? Variable("AWS_ENDPOINT_URL_S3") ?? Variable("AWS_ENDPOINT_URL")) is { } endpoint)
        {
            config.ServiceURL = endpoint;
            config.ForcePathStyle = true;
            config.AuthenticationRegion = region ?? AnyRegion;
        }
        else if (region is not null)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        }

        return new AmazonS3Client(config);
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
