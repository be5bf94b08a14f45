using System.Net;
using Amazon.S3;
using Amazon.S3.Model;
using Millrace.Connectors.S3;
using Millrace.Connectors.Tests.S3.Servers;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Transform;

namespace Millrace.Connectors.Tests.S3;

/// <summary>The store against a real server, and against one that fails.</summary>
public sealed class S3StoreTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Files_of_any_size_come_back_piece_by_piece_and_go()
    {
        await using var server = await S3Server.StartAsync();
        await using var store = Open(server.Shuffle());
        foreach (var length in (int[])[1, 1000, Limits.ShufflePartBytes, Limits.ShufflePartBytes + 1, (3 * Limits.ShufflePartBytes) - 7])
        {
            var bytes = Bytes(length);
            await WriteAsync(store, $"run/a/{length}", bytes);
            var read = new byte[length];
            await store.ReadAsync($"run/a/{length}", 0, read, Cancel);
            Assert.True(bytes.AsSpan().SequenceEqual(read), $"{length} bytes");
            var end = new byte[700];
            Assert.Equal(length, await store.ReadEndAsync($"run/a/{length}", end, Cancel));
            Assert.True(bytes.AsSpan(Math.Max(0, length - 700)).SequenceEqual(end.AsSpan(0, Math.Min(length, 700))));
            if (length < 1000) continue;
            await store.ReadAsync($"run/a/{length}", 333, read.AsMemory(0, 100), Cancel);
            Assert.True(bytes.AsSpan(333, 100).SequenceEqual(read.AsSpan(0, 100)));
        }

        await WriteAsync(store, "run/ab", Bytes(3));
        await store.RemoveAsync("run/a/", static () => { }, Cancel);
        Assert.Equal(["some/prefix/run/ab"], await server.KeysAsync());
        await store.RemoveAsync("run/", static () => { }, Cancel);
        await server.AssertEmptyAsync();
    }

    [Fact]
    public async Task Unfinished_uploads_go_with_what_is_removed_and_others_stay()
    {
        await using var server = await S3Server.StartAsync();
        await using var store = Open(server.Shuffle());
        foreach (var key in (string[])["some/prefix/run/x", "some/prefix/run/y", "some/prefix/other"])
            await server.Client.InitiateMultipartUploadAsync(new InitiateMultipartUploadRequest { BucketName = S3Server.Bucket, Key = key }, Cancel);
        await store.RemoveAsync("run/", static () => { }, Cancel);
        Assert.Equal(["some/prefix/other"], await server.UploadsAsync());
    }

    [Fact]
    public async Task What_can_pass_is_tried_again_and_what_can_not_is_refused()
    {
        var faults = new S3Faults(StoreAddress.TryParse("s3://bucket/prefix", out _)!);
        Exception[] passing = [new TimeoutException(), new TaskCanceledException("", new TimeoutException()), new HttpRequestException(), new IOException(), Answer(404, "NoSuchUpload"), Answer(400, "RequestTimeout"), Answer(409, "OperationAborted"), Answer(503, "SlowDown")];
        Exception[] refused = [Answer(404, "NoSuchBucket"), Answer(404, "NoSuchKey"), Answer(403, "AccessDenied"), Answer(301, "PermanentRedirect"), Answer(400, "AuthorizationHeaderMalformed"), new UriFormatException()];
        foreach (var error in passing)
        {
            var fault = await Assert.ThrowsAsync<Fault>(() => faults.ExplainAsync("run/a", Task.FromException(error), Cancel));
            Assert.True(fault is { Kind: FaultKind.Unreachable, Retryable: true }, error.ToString());
        }

        foreach (var error in refused)
        {
            var fault = await Assert.ThrowsAsync<Fault>(() => faults.ExplainAsync("run/a", Task.FromException(error), Cancel));
            Assert.True(fault is { Kind: FaultKind.Refused, Retryable: false }, error.ToString());
        }

        static AmazonS3Exception Answer(int status, string code) => new("", Amazon.Runtime.ErrorType.Unknown, code, "", (HttpStatusCode)status);
    }

    [Fact]
    public async Task Who_must_not_go_on_removes_nothing()
    {
        await using var server = await S3Server.StartAsync();
        await using var store = Open(server.Shuffle());
        await WriteAsync(store, "run/a", Bytes(10));
        await Assert.ThrowsAsync<Fault>(() => store.RemoveAsync("run/", static () => throw new Fault(FaultKind.Refused, "another coordinator has the run"), Cancel));
        Assert.Single(await server.KeysAsync());
    }

    [Theory]
    [InlineData(10)]
    [InlineData(3 * Limits.ShufflePartBytes)]
    public async Task A_file_that_can_not_be_made_is_not_there_and_leaves_nothing(int length)
    {
        await using var server = await S3Server.StartAsync();
        await using var store = Open(server.Shuffle());
        var parts = 0;
        await Assert.ThrowsAsync<InvalidOperationException>(() => store.WriteAsync(
            "run/a", length, bytes => ++parts * bytes.Length >= Math.Min(length, 2 * Limits.ShufflePartBytes) ? throw new InvalidOperationException("no more") : bytes.Length, Cancel));
        await server.AssertEmptyAsync();
    }

    [Theory]
    [InlineData(503, "SlowDown")]
    [InlineData(500, "InternalError")]
    public async Task What_passes_is_tried_again(int status, string code)
    {
        await using var server = await S3Server.StartAsync();
        await using var proxy = new S3Proxy(server, call => call.Number % 2 == 1 ? new S3Answer(status, code) : S3Answer.Pass);
        await using var store = Open(server.Shuffle(proxy.Endpoint));
        var (bytes, read) = (Bytes((2 * Limits.ShufflePartBytes) + 1), new byte[1000]);
        await WriteAsync(store, "run/a", bytes);
        await store.ReadAsync("run/a", 77, read, Cancel);
        Assert.True(bytes.AsSpan(77, 1000).SequenceEqual(read));
        await store.RemoveAsync("run/", static () => { }, Cancel);
        await server.AssertEmptyAsync();
    }

    [Fact]
    public async Task An_answer_that_breaks_off_is_asked_for_again()
    {
        await using var server = await S3Server.StartAsync();
        var cuts = 0;
        await using var proxy = new S3Proxy(server, call => call.Method == "GET" && ++cuts <= 2 ? new S3Answer(null, Cut: true) : S3Answer.Pass);
        await using var store = Open(server.Shuffle(proxy.Endpoint));
        var (bytes, read) = (Bytes(300_000), new byte[300_000]);
        await WriteAsync(store, "run/a", bytes);
        await store.ReadAsync("run/a", 0, read, Cancel);
        Assert.True(bytes.AsSpan().SequenceEqual(read));
        Assert.Equal(3, cuts);
    }

    [Fact]
    public async Task A_store_that_never_gets_well_ends_with_a_fault()
    {
        await using var server = await S3Server.StartAsync();
        await using var proxy = new S3Proxy(server, static _ => new S3Answer(503));
        await using var store = Open(server.Shuffle(proxy.Endpoint));
        var fault = await Assert.ThrowsAsync<Fault>(() => store.ReadAsync("run/a", 0, new byte[10], Cancel));
        Assert.Equal((FaultKind.Unreachable, true, "SlowDown"), (fault.Kind, fault.Retryable, fault.Code));
        Assert.Contains($"s3://{S3Server.Bucket}/some/prefix/run/a", fault.Message, StringComparison.Ordinal);
        Assert.InRange(proxy.Calls, 2, 1 + Limits.ShuffleRetriesMax);
    }

    [Fact]
    public async Task A_store_that_breaks_every_answer_off_ends_with_a_fault()
    {
        await using var server = await S3Server.StartAsync();
        await using var proxy = new S3Proxy(server, static call => call.Method == "GET" ? new S3Answer(null, Cut: true) : S3Answer.Pass);
        await using var store = Open(server.Shuffle(proxy.Endpoint));
        await WriteAsync(store, "run/a", Bytes(1000));
        var fault = await Assert.ThrowsAsync<Fault>(() => store.ReadAsync("run/a", 0, new byte[1000], Cancel));
        Assert.Equal((FaultKind.Unreachable, true), (fault.Kind, fault.Retryable));
    }

    [Fact]
    public async Task Nobody_who_listens_is_said()
    {
        S3Server.Environment.ToList().ForEach(static set => Environment.SetEnvironmentVariable(set.Key, set.Value));
        await using var store = Open($"s3://b/p?endpoint=http://127.0.0.1:{S3Server.FreePort()}");
        var fault = await Assert.ThrowsAsync<Fault>(() => WriteAsync(store, "run/a", Bytes(10)));
        Assert.Equal((FaultKind.Unreachable, true), (fault.Kind, fault.Retryable));
        Assert.Contains("127.0.0.1", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bucket_that_is_not_there_is_named()
    {
        await using var server = await S3Server.StartAsync();
        await using var store = Open($"s3://no-such-bucket/p?endpoint={server.Endpoint}");
        var fault = await Assert.ThrowsAsync<Fault>(() => WriteAsync(store, "run/a", Bytes(10)));
        Assert.Equal(FaultKind.Refused, fault.Kind);
        Assert.Contains("no-such-bucket", fault.Message, StringComparison.Ordinal);
        await store.RemoveAsync("run/", static () => { }, Cancel);
    }

    [Theory]
    [InlineData(403, "AccessDenied", "access to s3://bucket-1/some/prefix/run/a is denied", "s3:GetObject")]
    [InlineData(403, "SignatureDoesNotMatch", "credentials are refused", "AWS_SECRET_ACCESS_KEY")]
    [InlineData(301, "PermanentRedirect", "another region", "AWS_REGION")]
    [InlineData(409, "SomeConflict", "SomeConflict", null)]
    public async Task What_is_refused_is_refused_at_once(int status, string code, string message, string? advice)
    {
        await using var server = await S3Server.StartAsync();
        await using var proxy = new S3Proxy(server, _ => new S3Answer(status, code));
        await using var store = Open(server.Shuffle(proxy.Endpoint));
        var fault = await Assert.ThrowsAsync<Fault>(() => store.ReadAsync("run/a", 0, new byte[10], Cancel));
        Assert.Equal((FaultKind.Refused, false), (fault.Kind, fault.Retryable));
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
        Assert.Contains(advice ?? "", fault.Advice ?? "", StringComparison.Ordinal);
        Assert.Equal(1, proxy.Calls);
    }

    [Fact]
    public async Task An_object_that_is_gone_or_shorter_is_named()
    {
        await using var server = await S3Server.StartAsync();
        await using var store = Open(server.Shuffle());
        var gone = await Assert.ThrowsAsync<Fault>(() => store.ReadAsync("run/a", 0, new byte[10], Cancel));
        Assert.Equal(FaultKind.Refused, gone.Kind);
        Assert.Contains("s3://bucket-1/some/prefix/run/a is gone", gone.Message, StringComparison.Ordinal);
        await WriteAsync(store, "run/a", Bytes(15));
        foreach (var offset in (int[])[10, 100])
        {
            var shorter = await Assert.ThrowsAsync<Fault>(() => store.ReadAsync("run/a", offset, new byte[10], Cancel));
            Assert.Equal((FaultKind.Data, false), (shorter.Kind, shorter.Retryable));
        }
    }

    [Fact]
    public async Task Whoever_waits_for_a_store_can_be_stopped()
    {
        await using var server = await S3Server.StartAsync();
        using var stop = new CancellationTokenSource();
        await using var proxy = new S3Proxy(server, _ =>
        {
            stop.Cancel();
            return new S3Answer(503);
        });
        await using var store = Open(server.Shuffle(proxy.Endpoint));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.ReadAsync("run/a", 0, new byte[10], stop.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.WriteAsync("run/a", 10, static bytes => bytes.Length, stop.Token));
    }

    private static IShuffleStore Open(string address) => new S3Connector().Open(new ShuffleContext(address, new Mark("shuffle")));

    private static byte[] Bytes(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }

    private static async Task WriteAsync(IShuffleStore store, string name, byte[] bytes)
    {
        var at = 0;
        await store.WriteAsync(
            name,
            bytes.Length,
            to =>
            {
                var count = Math.Min(to.Length, bytes.Length - at);
                bytes.AsMemory(at, count).CopyTo(to);
                at += count;
                return count;
            },
            Cancel);
        Assert.Equal(bytes.Length, at);
    }
}
