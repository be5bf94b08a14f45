using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Millrace.Connectors.Postgres.Protocol;
using Millrace.Faults;

namespace Millrace.Connectors.Tests.Postgres.Protocol;

/// <summary>Whatever answers on the port: never a hang, never a wild allocation, never anything but a fault.</summary>
public sealed class PgHostileServerTests(ITestOutputHelper output)
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task The_script_without_lies_works()
    {
        await using var server = new FakePgServer([.. FakePgServer.Login, .. FakePgServer.Copy]);
        Assert.Equal(3, await ReadAllAsync(server.Url()));
    }

    [Fact]
    public async Task Every_truncation_is_a_fault()
    {
        byte[] script = [.. FakePgServer.Login, .. FakePgServer.Copy];
        for (var length = 0; length < script.Length; length++)
        {
            await using var server = new FakePgServer(script[..length]);
            var fault = await Assert.ThrowsAsync<Fault>(() => ReadAllAsync(server.Url()).WaitAsync(s_soon));
            Assert.Equal((FaultKind.Unreachable, FaultSide.Source, true), (fault.Kind, fault.Side, fault.Retryable));
        }
    }

    [Fact]
    public async Task A_reset_in_the_middle_of_the_handshake_is_a_fault_that_can_pass()
    {
        await using var server = new FakePgServer(async (stream, end) =>
        {
            var request = new byte[8];
            await stream.ReadExactlyAsync(request, end);
            await stream.WriteAsync("S"u8.ToArray(), end);
            await stream.ReadExactlyAsync(request, end);
            stream.Socket.LingerState = new LingerOption(enable: true, seconds: 0);
            stream.Socket.Close();
        });
        var fault = await Assert.ThrowsAsync<Fault>(() => ReadAllAsync(server.Url("sslmode=require")).WaitAsync(s_soon));
        Assert.Equal(("TLS", FaultSide.Source, true), (fault.Code, fault.Side, fault.Retryable));
    }

    [Fact]
    public async Task Random_damage_is_a_fault_or_harmless()
    {
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        byte[] script = [.. FakePgServer.Login, .. FakePgServer.Copy];
        for (var round = 0; round < 400; round++)
        {
            var damaged = Damage(script, random);
            await using var server = new FakePgServer(damaged);
            try
            {
                await ReadAllAsync(server.Url()).WaitAsync(s_soon);
            }
            catch (Fault fault)
            {
                Assert.Equal(FaultSide.Source, fault.Side);
            }
            catch (Exception e)
            {
                Assert.Fail($"round {round}, {Convert.ToHexString(damaged)}: {e}");
            }
        }
    }

    private static byte[] Damage(byte[] script, Random random)
    {
        var bytes = script.ToList();
        for (var i = random.Next(1, 4); i > 0; i--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(4))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes.Insert(at, (byte)random.Next(256));
                    break;
                case 2:
                    bytes.RemoveAt(at);
                    break;
                default:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
            }
        }

        return [.. bytes];
    }

    [Theory]
    [InlineData('d', int.MaxValue, FaultKind.Limit)]
    [InlineData('d', Limits.PgRowBytesMax, FaultKind.Unreachable)]
    [InlineData('E', Limits.PgControlBytesMax + 5, FaultKind.Unreachable)]
    [InlineData('E', 3, FaultKind.Unreachable)]
    [InlineData('d', -1, FaultKind.Unreachable)]
    public async Task A_lying_length_allocates_nothing(char type, int length, FaultKind kind)
    {
        await using var server = new FakePgServer([.. FakePgServer.Login, .. FakePgServer.Message('H', [1, 0, 1, 0, 1]), .. FakePgServer.Message(type, new byte[Limits.PgReceiveBufferBytes * 2], length)]);
        var before = GC.GetTotalAllocatedBytes();
        var fault = await Assert.ThrowsAsync<Fault>(() => ReadAllAsync(server.Url()).WaitAsync(s_soon));
        Assert.Equal(kind, fault.Kind);
        // The lie is 1 GB; other tests allocate at the same time.
        Assert.True(GC.GetTotalAllocatedBytes() - before < 600_000_000);
    }

    [Fact]
    public async Task A_count_that_does_not_fit_the_rows_is_a_fault()
    {
        var copy = Encoding.Latin1.GetString(FakePgServer.Copy).Replace("COPY 3", "COPY 4", StringComparison.Ordinal);
        await using var server = new FakePgServer([.. FakePgServer.Login, .. Encoding.Latin1.GetBytes(copy)]);
        Assert.Contains("COPY 4", (await Assert.ThrowsAsync<Fault>(() => ReadAllAsync(server.Url()))).Message);
    }

    public static TheoryData<string, byte[], string> Lies
    {
        get
        {
            byte[] announced = FakePgServer.Message('H', [1, 0, 1, 0, 1]);
            byte[] signature = [.. "PGCOPY\n"u8, 0xFF, .. "\r\n\0"u8];
            byte[] begun = [.. announced, .. FakePgServer.Message('d', [.. signature, 0, 0, 0, 0, 0, 0, 0, 0, .. FakePgServer.Row(1)])];
            byte[] trailer = FakePgServer.Message('d', [0xFF, 0xFF]);
            byte[] counted = FakePgServer.Message('C', "COPY 1\0"u8);
            byte[] end = [.. trailer, .. FakePgServer.Message('c', []), .. counted, .. FakePgServer.Ready];
            return new()
            {
                { "another signature", [.. announced, .. FakePgServer.Message('d', [.. "PGCOPX"u8, .. signature[6..], 0, 0, 0, 0, 0, 0, 0, 0, .. FakePgServer.Row(1)]), .. end], "signature" },
                { "a critical flag", [.. announced, .. FakePgServer.Message('d', [.. signature, 0, 1, 0, 0, 0, 0, 0, 0, .. FakePgServer.Row(1)]), .. end], "critical flag" },
                { "an extension longer than the message", [.. announced, .. FakePgServer.Message('d', [.. signature, 0, 0, 0, 0, 0, 0, 9, 9]), .. end], "longer than its message" },
                { "text format", [.. FakePgServer.Message('H', [0, 0, 1, 0, 0]), .. begun[announced.Length..], .. end], "not in binary format" },
                { "a second announcement", [.. begun, .. announced, .. end], "unexpected message 'H'" },
                { "rows without an announcement", [.. begun[announced.Length..], .. end], "unexpected message 'd'" },
                { "a message that is no row", [.. begun, .. FakePgServer.Message('d', [0xFF]), .. end], "no row" },
                { "a negative number of fields", [.. begun, .. FakePgServer.Message('d', [0xFF, 0xFE]), .. end], "no row" },
                { "a row behind the trailer", [.. begun, .. trailer, .. FakePgServer.Message('d', FakePgServer.Row(2)), .. end[trailer.Length..]], "unexpected message 'd'" },
                { "a count without the trailer", [.. begun, .. counted, .. FakePgServer.Ready], "unexpected message 'C'" },
                { "an end without the trailer", [.. begun, .. FakePgServer.Message('c', []), .. counted, .. FakePgServer.Ready], "unexpected message 'c'" },
                { "an end without a count", [.. begun, .. trailer, .. FakePgServer.Message('c', []), .. FakePgServer.Ready], "before its end" },
            };
        }
    }

    [Theory]
    [MemberData(nameof(Lies))]
    public async Task A_copy_that_breaks_the_protocol_is_a_fault_and_ends_the_session(string lie, byte[] copy, string expected)
    {
        await using var server = new FakePgServer([.. FakePgServer.Login, .. copy, .. FakePgServer.Ready]);
        await using var connection = await PgConnection.OpenAsync(PgSettings.Parse(server.Url()), CancellationToken.None);
        var fault = await Assert.ThrowsAsync<Fault>(() => Task.Run(() => ReadAll(connection)).WaitAsync(s_soon));
        Assert.Equal((FaultKind.Unreachable, FaultSide.Source), (fault.Kind, fault.Side));
        Assert.Contains(expected, fault.Message, StringComparison.Ordinal);
        // Where the server was ready again the session itself is sound.
        Assert.Equal(lie == "an end without a count", connection.IsUsable);
    }

    [Fact]
    public async Task An_extension_of_the_header_is_passed_over()
    {
        byte[] copy =
        [
            .. FakePgServer.Message('H', [1, 0, 1, 0, 1]), .. FakePgServer.Message('d', [.. "PGCOPY\n"u8, 0xFF, .. "\r\n\0"u8, 0, 0, 0, 0, 0, 0, 0, 2, 7, 7, .. FakePgServer.Row(1)]),
            .. FakePgServer.Message('d', [0xFF, 0xFF]), .. FakePgServer.Message('c', []), .. FakePgServer.Message('C', "COPY 1\0"u8), .. FakePgServer.Ready,
        ];
        await using var server = new FakePgServer([.. FakePgServer.Login, .. copy]);
        await using var connection = await PgConnection.OpenAsync(PgSettings.Parse(server.Url()), CancellationToken.None);
        using var reader = connection.CopyOut("COPY t TO STDOUT (FORMAT binary)");
        Assert.True(reader.Next(out var row));
        Assert.Equal(FakePgServer.Row(1), row);
        Assert.False(reader.Next(out _));
        Assert.True(connection.IsUsable);
    }

    [Theory]
    [InlineData("", "sslmode=disable")]
    [InlineData("", "sslmode=require")]
    [InlineData("", "sslmode=prefer")]
    [InlineData("S", "sslmode=require")]
    public async Task Silence_ends_at_the_connect_timeout(string first, string query)
    {
        await using var server = new FakePgServer(async (stream, end) =>
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(first), end);
            await Task.Delay(Timeout.Infinite, end);
        });
        var watch = Stopwatch.StartNew();
        var fault = await Assert.ThrowsAsync<Fault>(() => ReadAllAsync(server.Url(query)).WaitAsync(s_soon));
        Assert.Equal((FaultKind.Unreachable, true), (fault.Kind, fault.Retryable));
        Assert.Contains("2 s", fault.Message);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(8), $"{watch.Elapsed}");
    }

    [Fact]
    public async Task A_token_ends_the_connecting_at_once()
    {
        await using var server = new FakePgServer((_, end) => Task.Delay(Timeout.Infinite, end));
        using var source = new CancellationTokenSource();
        var opening = PgConnection.OpenAsync(PgSettings.Parse(server.Url()), source.Token);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => opening.WaitAsync(s_soon));
    }

    [Fact]
    public async Task A_cancel_request_that_had_no_effect_is_repeated()
    {
        var requests = 0;
        var second = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = new FakePgServer(async (stream, end) =>
        {
            var start = await FakePgServer.ReadAsync(stream, typed: false, end);
            if (start.Length == 12)
            {
                // A cancel request: the first comes too early for a statement, as if it had overtaken it.
                if (Interlocked.Increment(ref requests) == 2)
                    second.SetResult();
                return;
            }

            await stream.WriteAsync(FakePgServer.Login, end);
            await second.Task.WaitAsync(end);
            await stream.WriteAsync((byte[])[.. FakePgServer.Message('E', "SERROR\0C57014\0Mcancelled\0\0"u8), .. FakePgServer.Ready], end);
        });
        await using var connection = await PgConnection.OpenAsync(PgSettings.Parse(server.Url()), CancellationToken.None);
        using var reader = connection.CopyOut("COPY t TO STDOUT (FORMAT binary)");
        connection.Cancel();
        var fault = await Assert.ThrowsAsync<Fault>(() => Task.Run(() => reader.Next(out _)).WaitAsync(s_soon));
        Assert.Equal(FaultKind.Cancelled, fault.Kind);
        Assert.True(requests >= 2, $"{requests} requests");
    }

    [Theory]
    [InlineData("N", "no TLS")]
    [InlineData("E", "protocol")]
    [InlineData("HTTP/1.1 400 Bad Request\r\n\r\n", "protocol")]
    [InlineData("Sgarbage that is no handshake", "TLS failed")]
    public async Task An_odd_answer_to_the_request_for_tls_is_a_fault(string answer, string expected)
    {
        await using var server = new FakePgServer(Encoding.ASCII.GetBytes(answer));
        var fault = await Assert.ThrowsAsync<Fault>(() => ReadAllAsync(server.Url("sslmode=require")).WaitAsync(s_soon));
        Assert.Contains(expected, fault.Message);
    }

    [Theory]
    [InlineData("right-nonce,s=c2FsdA==,i=4096", "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "signature is wrong")]
    [InlineData("right-nonce,s=c2FsdA==,i=4096", "v=", "signature is wrong")]
    [InlineData("right-nonce,s=c2FsdA==,i=4096", "", "signature is wrong")]
    [InlineData("right-nonce,s=c2FsdA==,i=4096", null, "without proving")]
    [InlineData("wrong-nonce,s=c2FsdA==,i=4096", "v=", "nonce")]
    [InlineData("right-nonce,s=c2FsdA==,i=2000000000", "v=", "rounds")]
    [InlineData("right-nonce,s=c2FsdA==,i=0", "v=", "rounds")]
    [InlineData("right-nonce,s=,i=4096", "v=", "salt")]
    [InlineData("right-nonce,s=!!,i=4096", "v=", "salt")]
    [InlineData("right-nonce", "v=", "can't be read")]
    public async Task A_server_that_does_not_know_the_password_is_refused(string challenge, string? final, string expected)
    {
        await using var server = new FakePgServer(async (stream, end) =>
        {
            await FakePgServer.ReadAsync(stream, typed: false, end);
            await stream.WriteAsync(FakePgServer.Authentication(10, "SCRAM-SHA-256\0\0"), end);
            var first = Encoding.ASCII.GetString(await FakePgServer.ReadAsync(stream, typed: true, end));
            var nonce = first[(first.IndexOf("r=", StringComparison.Ordinal) + 2)..];
            var answer = challenge.Replace("right-nonce", $"r={nonce}server", StringComparison.Ordinal).Replace("wrong-nonce", "r=another", StringComparison.Ordinal);
            await stream.WriteAsync(FakePgServer.Authentication(11, answer), end);
            await FakePgServer.ReadAsync(stream, typed: true, end);
            await stream.WriteAsync((byte[])[.. final is null ? [] : FakePgServer.Authentication(12, final), .. FakePgServer.Login], end);
        });
        var fault = await Assert.ThrowsAsync<Fault>(() => ReadAllAsync(server.Url()).WaitAsync(s_soon));
        Assert.Equal((FaultKind.Refused, false), (fault.Kind, fault.Retryable));
        Assert.Contains(expected, fault.Message);
    }

    [Theory]
    [InlineData(7, "GSSAPI")]
    [InlineData(2, "Kerberos")]
    [InlineData(99, "99")]
    public async Task A_method_that_is_not_supported_is_named(int request, string expected)
    {
        await using var server = new FakePgServer(FakePgServer.Authentication(request));
        Assert.Contains(expected, (await Assert.ThrowsAsync<Fault>(() => ReadAllAsync(server.Url()))).Message);
    }

    private static async Task<long> ReadAllAsync(string url)
    {
        await using var connection = await PgConnection.OpenAsync(PgSettings.Parse(url), CancellationToken.None);
        return await Task.Run(() => ReadAll(connection));
    }

    private static long ReadAll(PgConnection connection)
    {
        using var reader = connection.CopyOut("COPY t TO STDOUT (FORMAT binary)");
        while (reader.Next(out _))
        {
        }

        return reader.Rows;
    }
}
