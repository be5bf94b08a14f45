using System.Net;

namespace Millrace.Connectors.Tests.S3.Servers;

/// <summary>Stands before a server and answers in its place, or breaks its answers off, as it is told.</summary>
internal sealed class S3Proxy : IAsyncDisposable
{
    private readonly HttpListener _listener = new();
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false });
    private readonly Func<S3Call, S3Answer> _decide;
    private readonly int _to;
    private readonly Task _serving;
    private int _calls;

    /// <summary>A proxy before a server.</summary>
    public S3Proxy(S3Server server, Func<S3Call, S3Answer> decide)
    {
        _decide = decide;
        _to = server.Port;
        Endpoint = $"http://127.0.0.1:{S3Server.FreePort()}";
        _listener.Prefixes.Add(Endpoint + "/");
        _listener.Start();
        _serving = ServeAsync();
    }

    /// <summary>Its URL.</summary>
    public string Endpoint { get; }

    /// <summary>How many requests have come.</summary>
    public int Calls => _calls;

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _serving;
        _listener.Close();
        _client.Dispose();
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception error) when (error is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            _ = Task.Run(() => AnswerAsync(context));
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        var request = context.Request;
        var call = new S3Call(request.HttpMethod, request.RawUrl!, Interlocked.Increment(ref _calls));
        try
        {
            using var body = new MemoryStream();
            await request.InputStream.CopyToAsync(body);
            var answer = _decide(call);
            if (answer.Status is { } status)
            {
                context.Response.StatusCode = status;
                var error = System.Text.Encoding.UTF8.GetBytes($"<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{answer.Code}</Code><Message>no</Message></Error>");
                context.Response.ContentLength64 = error.Length;
                await context.Response.OutputStream.WriteAsync(error);
                context.Response.Close();
                return;
            }

            await PassAsync(context, body.ToArray(), answer.Cut);
        }
        catch (Exception error) when (error is HttpListenerException or HttpRequestException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            context.Response.Abort();
        }
    }

    private async Task PassAsync(HttpListenerContext context, byte[] body, bool cut)
    {
        var from = context.Request;
        using var request = new HttpRequestMessage(
            new HttpMethod(from.HttpMethod), new Uri($"http://127.0.0.1:{_to}{from.RawUrl}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
        request.Content = new ByteArrayContent(body);
        foreach (var name in from.Headers.AllKeys)
        {
            if (name is null or "Content-Length" or "Transfer-Encoding" or "Expect" or "Connection") continue;
            if (!request.Headers.TryAddWithoutValidation(name, from.Headers[name])) request.Content.Headers.TryAddWithoutValidation(name, from.Headers[name]);
        }

        using var answer = await _client.SendAsync(request);
        var bytes = await answer.Content.ReadAsByteArrayAsync();
        context.Response.StatusCode = (int)answer.StatusCode;
        foreach (var (name, values) in answer.Headers.Concat(answer.Content.Headers))
        {
            if (name is not ("Content-Length" or "Transfer-Encoding" or "Connection" or "Date" or "Server")) context.Response.Headers[name] = string.Join(',', values);
        }

        if (from.HttpMethod != "HEAD") context.Response.ContentLength64 = bytes.Length;
        await context.Response.OutputStream.WriteAsync(bytes.AsMemory(0, cut ? bytes.Length / 2 : bytes.Length));
        if (cut) context.Response.Abort();
        else context.Response.Close();
    }
}

/// <summary>A request.</summary>
/// <param name="Method">GET, PUT, POST, DELETE.</param>
/// <param name="Url">Path and query.</param>
/// <param name="Number">Which one it is, from 1.</param>
internal readonly record struct S3Call(string Method, string Url, int Number);

/// <summary>What becomes of it.</summary>
/// <param name="Status">The answer that it gets in the server's place; null: the server's.</param>
/// <param name="Code">The code in such an answer.</param>
/// <param name="Cut">Whether half of the server's answer is left out, and the connection closed.</param>
internal readonly record struct S3Answer(int? Status, string Code = "SlowDown", bool Cut = false)
{
    /// <summary>The server's own answer.</summary>
    public static S3Answer Pass => new(null);
}
