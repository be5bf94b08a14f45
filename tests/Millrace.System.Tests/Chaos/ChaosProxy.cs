using System.Net;
using System.Net.Sockets;

namespace Millrace.SystemTests.Chaos;

/// <summary>
/// Stands between the program and a server and looks at what passes. Once, when a trigger strikes, it keeps back what it has just received
/// until it is told what to do.
/// </summary>
internal sealed class ChaosProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly Lock _lock = new();
    private readonly Task _accepting;
    private volatile int _serverPort;
    private Hold? _hold;

    /// <summary>A proxy for a server on this machine.</summary>
    public ChaosProxy(int serverPort)
    {
        _serverPort = serverPort;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    private sealed record Hold(IProxyTrigger Trigger, TaskCompletionSource Reached, TaskCompletionSource<HeldAnswer> Answer);

    /// <summary>What happens to the connection that is kept back.</summary>
    private enum HeldAnswer
    {
        GoOn,
        Reset,
        HalfAndClose,
    }

    /// <summary>Its port.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Leads connections that are made from now on to another server.</summary>
    public void LeadTo(int serverPort) => _serverPort = serverPort;

    /// <summary>Looks for what the trigger strikes at; then somebody waits and the task ends.</summary>
    public Task HoldAt(IProxyTrigger trigger)
    {
        lock (_lock)
        {
            _hold = new Hold(trigger, Source(), new TaskCompletionSource<HeldAnswer>(TaskCreationOptions.RunContinuationsAsynchronously));
            return _hold.Reached.Task;
        }
    }

    /// <summary>The connection goes on; nobody is kept back any more.</summary>
    public void Release() => Answer(HeldAnswer.GoOn);

    /// <summary>The connection is reset.</summary>
    public void Reset() => Answer(HeldAnswer.Reset);

    /// <summary>Half of what was kept back is delivered, and the connection closed.</summary>
    public void DeliverHalf() => Answer(HeldAnswer.HalfAndClose);

    /// <summary>Ends it and every connection.</summary>
    public async ValueTask DisposeAsync()
    {
        Release();
        await _end.CancelAsync();
        _listener.Stop();
        await _accepting;
        _end.Dispose();
    }

    private static TaskCompletionSource Source() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Answer(HeldAnswer answer)
    {
        lock (_lock)
        {
            _hold?.Answer.TrySetResult(answer);
            _hold = null;
        }
    }

    private async Task AcceptAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true) connections.Add(ServeAsync(await _listener.AcceptSocketAsync(_end.Token)));
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException)
        {
            // The test is over.
        }

        await Task.WhenAll(connections);
    }

    private async Task ServeAsync(Socket client)
    {
        using var near = client;
        using var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        near.NoDelay = true;
        try
        {
            await far.ConnectAsync(IPAddress.Loopback, _serverPort, _end.Token);
            await Task.WhenAny(PassAsync(near, far, bytes => Look(far, bytes, isFromServer: false)), PassAsync(far, near, bytes => Look(far, bytes, isFromServer: true)));
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException)
        {
            // Nobody listens there just now: the client sees its connection end.
        }
    }

    /// <summary>Passes bytes in one direction until either end closes; closing the sockets ends the other direction.</summary>
    private async Task PassAsync(Socket from, Socket to, Func<ReadOnlyMemory<byte>, Hold?> look)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            int length;
            while ((length = await from.ReceiveAsync(buffer, _end.Token)) > 0)
            {
                if (look(buffer.AsMemory(0, length)) is { } hold)
                {
                    hold.Reached.TrySetResult();
                    var answer = await hold.Answer.Task;
                    if (answer == HeldAnswer.HalfAndClose) await SendAsync(to, buffer.AsMemory(0, length / 2));
                    if (answer == HeldAnswer.Reset) to.LingerState = new LingerOption(enable: true, seconds: 0);
                    if (answer != HeldAnswer.GoOn) return;
                }

                await SendAsync(to, buffer.AsMemory(0, length));
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // One of the two is gone.
        }
    }

    private async Task SendAsync(Socket to, ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty) bytes = bytes[await to.SendAsync(bytes, _end.Token)..];
    }

    private Hold? Look(object connection, ReadOnlyMemory<byte> chunk, bool isFromServer)
    {
        lock (_lock)
        {
            if (_hold is not { } hold || hold.Reached.Task.IsCompleted || !hold.Trigger.Strikes(connection, chunk.Span, isFromServer)) return null;
            hold.Reached.TrySetResult();
            return hold;
        }
    }
}

/// <summary>What somebody looks for in what passes between a program and a server. Asked by one at a time.</summary>
internal interface IProxyTrigger
{
    /// <summary>Whether what has just come is kept back; asked no more when it was.</summary>
    /// <param name="connection">Which connection.</param>
    /// <param name="chunk">The bytes.</param>
    /// <param name="isFromServer">Whether the server has sent them.</param>
    bool Strikes(object connection, ReadOnlySpan<byte> chunk, bool isFromServer);
}
