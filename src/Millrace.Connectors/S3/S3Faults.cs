using System.Globalization;
using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using Millrace.Faults;
using Millrace.Jobs;

namespace Millrace.Connectors.S3;

/// <summary>What goes wrong with a bucket, as faults that name it and the object. The client's own texts are not shown: they may hold what was sent.</summary>
/// <param name="address">The bucket.</param>
internal sealed class S3Faults(StoreAddress address)
{
    /// <summary>The code of a bucket that is not there.</summary>
    public const string NoSuchBucket = "NoSuchBucket";

    private const string Rights = "The credentials need s3:ListBucket and s3:ListBucketMultipartUploads on the bucket, and s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload below the prefix.";

    /// <summary>Whether an answer broke off: the same request can succeed.</summary>
    public static bool IsCut(Exception error, CancellationToken cancel) =>
        !cancel.IsCancellationRequested && error is IOException or HttpRequestException or OperationCanceledException or TimeoutException;

    /// <summary>The length in <c>bytes 0-9/100</c>.</summary>
    public static long LengthIn(string contentRange) => long.Parse(contentRange.AsSpan(contentRange.LastIndexOf('/') + 1), NumberStyles.None, CultureInfo.InvariantCulture);

    /// <summary>Waits for a removal; what is gone already is fine.</summary>
    public static async Task UnlessGoneAsync(Task removal)
    {
        try
        {
            await removal.ConfigureAwait(false);
        }
        catch (AmazonS3Exception error) when (error.StatusCode == HttpStatusCode.NotFound && error.ErrorCode != NoSuchBucket)
        {
            // Another one has done it.
        }
    }

    /// <summary>Waits for something, and makes its errors faults.</summary>
    /// <param name="name">The object.</param>
    /// <param name="action">What is waited for.</param>
    /// <param name="cancel">Stops it.</param>
    /// <param name="isOther">Whether an error is none of the store's; null: all are.</param>
    /// <exception cref="Fault">It failed.</exception>
    public async Task ExplainAsync(string name, Task action, CancellationToken cancel, Func<Exception, bool>? isOther = null)
    {
        try
        {
            await action.ConfigureAwait(false);
        }
        catch (Exception error) when (error is not Fault && isOther?.Invoke(error) is not true)
        {
            throw Of(name, error, cancel);
        }
    }

    /// <summary>An object with fewer bytes than were written.</summary>
    public Fault Shorter(string name, long length) => new(FaultKind.Data, $"{Named(name)} has only {length} bytes: it is not as it was written")
    {
        Where = Named(name), Advice = "Somebody has changed it. Begin a new run.",
    };

    /// <summary>The fault behind an error.</summary>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public Fault Of(string name, Exception error, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        return error is AmazonS3Exception answer && (int)answer.StatusCode > 0 ? Of(name, answer) : Unanswered(name, error);
    }

    private Fault Of(string name, AmazonS3Exception error)
    {
        var code = string.IsNullOrEmpty(error.ErrorCode) ? ((int)error.StatusCode).ToString(CultureInfo.InvariantCulture) : error.ErrorCode;
        return error.StatusCode switch
        {
            HttpStatusCode.NotFound when code == NoSuchBucket => Refused($"there is no bucket {address.Bucket}{At}", code, error, "Make it, or name another one in shuffle."),
            _ when code is "InvalidAccessKeyId" or "SignatureDoesNotMatch" or "ExpiredToken" or "InvalidToken" => Refused($"{address.Shown}: the credentials are refused ({code})", code, error, "Look at AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, at AWS_PROFILE, or at the machine's role."),
            HttpStatusCode.NotFound when code is "NoSuchKey" or "NotFound" or "404" => Refused($"{Named(name)} is gone", code, error, "Somebody has removed it, or a rule of the bucket: rows between stages must stay until the run has ended. Begin a new run.", name),
            HttpStatusCode.RequestedRangeNotSatisfiable => Shorter(name, 0),
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => Refused($"access to {Named(name)} is denied", code, error, Rights, name),
            _ when error.StatusCode is HttpStatusCode.MovedPermanently or HttpStatusCode.TemporaryRedirect || code == "AuthorizationHeaderMalformed" => Refused($"the bucket {address.Bucket} is in another region", code, error, "Name its region: AWS_REGION, or ?region=… behind the URL."),
            _ when error.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout or >= HttpStatusCode.InternalServerError
                || code is "NoSuchUpload" or "OperationAborted" or "RequestTimeout" or "InternalError" or "SlowDown" => Passing($"{Named(name)}: the store answers {(int)error.StatusCode} ({code})", code, error),
            _ => Refused($"{Named(name)}: the store refuses it with {(int)error.StatusCode} ({code})", code, error, advice: null, name),
        };
    }

    private Fault Unanswered(string name, Exception error)
    {
        if (error is AmazonClientException)
        {
            return Refused(
                $"{address.Shown}: no credentials or no region were found", code: null, error,
                "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, and AWS_REGION; a server other than AWS is named by AWS_ENDPOINT_URL or ?endpoint=… behind the URL.");
        }

        if (error is UriFormatException) return Refused($"{address.Shown}: the server's address is no URL", code: null, error, "Look at AWS_ENDPOINT_URL_S3 and AWS_ENDPOINT_URL.");
        return Passing($"{Named(name)}: the store{At} does not answer: {Innermost(error)}", code: null, error);
    }

    private string At => address.Endpoint is { } endpoint ? $" at {endpoint.GetLeftPart(UriPartial.Authority)}" : "";

    private string Named(string name) => $"{address.Scheme}://{address.Bucket}/{address.Prefix}{name}";

    private static string Innermost(Exception error) => error.GetBaseException() is OperationCanceledException or TimeoutException ? "it takes too long" : error.GetBaseException().Message;

    private static Fault Refused(string message, string? code, Exception error, string? advice, string? name = null) =>
        new(FaultKind.Refused, message, Stripped(error)) { Where = name is null ? "shuffle" : null, Code = code, Advice = advice };

    private static Fault Passing(string message, string? code, Exception error) => new(FaultKind.Unreachable, message, Stripped(error))
    {
        Code = code, Retryable = true, Advice = "It was tried several times. `millrace resume` goes on when the store answers again.",
    };

    // Requests and answers hang at the client's exceptions.
    private static InvalidOperationException Stripped(Exception error) => new(error.GetType().Name);
}
