using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Millrace.Testing;

namespace Millrace.Connectors.Tests.S3.Servers;

/// <summary>A real server of S3's protocol, versitygw, with one bucket. It dies with the test process.</summary>
internal sealed class S3Server : IAsyncDisposable
{
    /// <summary>Who may do everything there.</summary>
    public const string AccessKey = "AKIATESTKEY";

    /// <summary>Its secret: never to be seen anywhere.</summary>
    public const string SecretKey = "p@ss:w/rd+of=S3";

    /// <summary>The bucket.</summary>
    public const string Bucket = "bucket-1";

    // When our end of the shell's input closes, however we died, it stops the server.
    private const string Guard = """
        exec 2>/dev/null
        "$@" </dev/null >/dev/null 2>&1 & server=$!
        cat >/dev/null
        kill -KILL $server 2>/dev/null; wait $server
        """;

    private readonly TempFolder _folder;
    private readonly Process _guard;

    private S3Server(TempFolder folder, int port, Process guard)
    {
        _folder = folder;
        _guard = guard;
        Port = port;
        Client = new AmazonS3Client(new BasicAWSCredentials(AccessKey, SecretKey), new AmazonS3Config { ServiceURL = Endpoint, ForcePathStyle = true, AuthenticationRegion = "us-east-1" });
    }

    /// <summary>Where it listens on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>Its URL.</summary>
    public string Endpoint => $"http://127.0.0.1:{Port}";

    /// <summary>A client of the test's own.</summary>
    public AmazonS3Client Client { get; }

    /// <summary>What a program that uses it has in its environment.</summary>
    public static IReadOnlyDictionary<string, string?> Environment { get; } = new Dictionary<string, string?> { ["AWS_ACCESS_KEY_ID"] = AccessKey, ["AWS_SECRET_ACCESS_KEY"] = SecretKey, ["AWS_EC2_METADATA_DISABLED"] = "true" };

    /// <summary>The value of <c>shuffle</c> for it, or for what stands before it.</summary>
    public string Shuffle(string? endpoint = null) => $"s3://{Bucket}/some/prefix?endpoint={endpoint ?? Endpoint}";

    /// <summary>Starts one; skips the test where there is none.</summary>
    public static async Task<S3Server> StartAsync()
    {
        var program = Testbed.Part("bin/versitygw");
        foreach (var (name, value) in Environment) System.Environment.SetEnvironmentVariable(name, value);
        var folder = new TempFolder();
        Directory.CreateDirectory(folder[Bucket]);
        var port = FreePort();
        var start = new ProcessStartInfo("/bin/sh", ["-c", Guard, "sh", program, "--port", $"127.0.0.1:{port}", "posix", folder.Path]) { UseShellExecute = false, RedirectStandardInput = true };
        start.Environment["ROOT_ACCESS_KEY"] = AccessKey;
        start.Environment["ROOT_SECRET_KEY"] = SecretKey;
        var server = new S3Server(folder, port, Process.Start(start)!);
        for (var tries = 0; ; tries++)
        {
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, port);
                return server;
            }
            catch (SocketException) when (tries < 600)
            {
                await Task.Delay(50, TestContext.Current.CancellationToken);
            }
        }
    }

    /// <summary>A port that was free just now.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>The keys of all objects.</summary>
    public async Task<List<string>> KeysAsync()
    {
        var keys = new List<string>();
        var list = new ListObjectsV2Request { BucketName = Bucket };
        while (true)
        {
            var page = await Client.ListObjectsV2Async(list);
            keys.AddRange((page.S3Objects ?? []).Select(static one => one.Key));
            if (page.IsTruncated is not true) return keys;
            list.ContinuationToken = page.NextContinuationToken;
        }
    }

    /// <summary>The keys of all objects, as the files show them that the server keeps them in.</summary>
    public List<string> KeysNow() =>
        [.. Directory.EnumerateFiles(_folder[Bucket], "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(_folder[Bucket], path)).Where(static key => key[0] != '.').Order(StringComparer.Ordinal)];

    /// <summary>The file that the server keeps an object in.</summary>
    public string PathOf(string key) => Path.Combine(_folder[Bucket], key);

    /// <summary>The keys of all uploads that were begun and neither completed nor aborted.</summary>
    public async Task<List<string>> UploadsAsync() =>
        [.. ((await Client.ListMultipartUploadsAsync(new ListMultipartUploadsRequest { BucketName = Bucket })).MultipartUploads ?? []).Select(static one => one.Key)];

    /// <summary>Fails when anything is left there.</summary>
    public async Task AssertEmptyAsync()
    {
        Assert.Empty(await KeysAsync());
        Assert.Empty(await UploadsAsync());
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        _guard.StandardInput.Close();
        await _guard.WaitForExitAsync();
        _guard.Dispose();
        _folder.Dispose();
    }
}
