using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Millrace.Connectors.Tests.Postgres.Protocol;

/// <summary>A listener that plays a server as a script says; after the script it stops sending and drains, so that no reset hides what was sent.</summary>
internal sealed class FakePgServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly Task _serving;

    internal FakePgServer(Func<NetworkStream, CancellationToken, Task> script)
    {
        _listener.Start();
        _serving = ServeAsync(script);
    }

    internal FakePgServer(byte[] answer)
        : this((stream, end) => stream.WriteAsync(answer, end).AsTask())
    {
    }

    internal string Url(string query = "sslmode=disable") => $"postgres://u:secret@127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/d?connect_timeout=2&{query}";

    /// <summary>What a server says to a login with 'trust' and to the session's settings.</summary>
    internal static byte[] Login => [.. Authentication(0), .. Message('S', "server_version\015.3\0"u8), .. Message('K', [0, 0, 0, 1, 0, 0, 0, 2]), .. Ready, .. Message('C', "SET\0"u8), .. Ready];

    internal static byte[] Ready => Message('Z', "I"u8);

    /// <summary>A COPY of three rows with one int column.</summary>
    internal static byte[] Copy =>
    [
        .. Message('H', [1, 0, 1, 0, 1]), .. Message('d', [.. "PGCOPY\n"u8, 0xFF, .. "\r\n\0"u8, 0, 0, 0, 0, 0, 0, 0, 0, .. Row(1)]),
        .. Message('d', Row(2)), .. Message('d', Row(3)), .. Message('d', [0xFF, 0xFF]), .. Message('c', []), .. Message('C', "COPY 3\0"u8), .. Ready,
    ];

    internal static byte[] Row(byte value) => [0, 1, 0, 0, 0, 4, 0, 0, 0, value];

    internal static byte[] Authentication(int request, string data = "")
    {
        var payload = new byte[4 + data.Length];
        BinaryPrimitives.WriteInt32BigEndian(payload, request);
        Encoding.ASCII.GetBytes(data, payload.AsSpan(4));
        return Message('R', payload);
    }

    internal static byte[] Message(char type, ReadOnlySpan<byte> payload) => Message(type, payload, payload.Length + 4);

    /// <summary>A message that may lie about its length.</summary>
    internal static byte[] Message(char type, ReadOnlySpan<byte> payload, int length)
    {
        var message = new byte[5 + payload.Length];
        message[0] = (byte)type;
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(1), length);
        payload.CopyTo(message.AsSpan(5));
        return message;
    }

    /// <summary>Reads one message of the client: with a type, or without one at the start.</summary>
    internal static async Task<byte[]> ReadAsync(NetworkStream stream, bool typed, CancellationToken end)
    {
        var header = new byte[typed ? 5 : 4];
        await stream.ReadExactlyAsync(header, end);
        var payload = new byte[BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(typed ? 1 : 0)) - 4];
        await stream.ReadExactlyAsync(payload, end);
        return payload;
    }

    /// <summary>Several at once: a cancel request comes on a connection of its own.</summary>
    private async Task ServeAsync(Func<NetworkStream, CancellationToken, Task> script)
    {
        var clients = new List<Task>();
        try
        {
            while (true)
                clients.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_end.Token), script));
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(clients);
        }
    }

    private async Task ServeAsync(TcpClient client, Func<NetworkStream, CancellationToken, Task> script)
    {
        using var closing = client;
        try
        {
            var stream = client.GetStream();
            await script(stream, _end.Token);
            client.Client.Shutdown(SocketShutdown.Send);
            var rest = new byte[1024];
            while (await stream.ReadAsync(rest, _end.Token) > 0)
            {
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The client hung up, as it should on nonsense, or the script did, or the test is over.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _serving;
        _listener.Stop();
        _end.Dispose();
    }
}
