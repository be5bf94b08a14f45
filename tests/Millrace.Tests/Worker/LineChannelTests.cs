using System.Text;
using Millrace.Faults;
using Millrace.Runs;
using Millrace.Worker;

namespace Millrace.Tests.Worker;

public sealed class LineChannelTests
{
    [Fact]
    public async Task Messages_arrive_whole_however_the_pipe_cuts_them()
    {
        using var written = new MemoryStream();
        using (var writer = new LineChannel(Stream.Null, written))
        {
            for (var id = 0; id < 200; id++)
                await writer.WriteAsync(new WorkerOutput { Order = id, Fault = new Fault(FaultKind.Data, new string('x', id * 37)) }, WorkerJson.Default.WorkerOutput, default);
        }

        foreach (var cut in (int[])[1, 7, 4096, 100_000])
        {
            using var reader = new LineChannel(new Drip(written.ToArray(), cut), Stream.Null);
            for (var id = 0; id < 200; id++)
                Assert.Equal(id, (await reader.ReadAsync(WorkerJson.Default.WorkerOutput, default))!.Order);
            Assert.Null(await reader.ReadAsync(WorkerJson.Default.WorkerOutput, default));
        }
    }

    [Theory]
    [InlineData("{\"order\":\n")]
    [InlineData("null\n")]
    [InlineData("\u0000\u0001\n")]
    public async Task Damage_is_a_fault(string line)
    {
        using var reader = new LineChannel(new MemoryStream(Encoding.UTF8.GetBytes(line)), Stream.Null);
        await Assert.ThrowsAsync<Fault>(async () => await reader.ReadAsync(WorkerJson.Default.WorkerOutput, default));
    }

    [Fact]
    public async Task A_line_without_end_stops_at_the_limit()
    {
        using var reader = new LineChannel(new Endless(), Stream.Null);
        var fault = await Assert.ThrowsAsync<Fault>(async () => await reader.ReadAsync(WorkerJson.Default.WorkerOutput, default));
        Assert.Equal(FaultKind.Limit, fault.Kind);
    }

    private sealed class Drip(byte[] bytes, int cut) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(cut, buffer.Length)], cancellationToken);
    }

    private sealed class Endless : MemoryStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            buffer.Span.Fill((byte)'x');
            return ValueTask.FromResult(buffer.Length);
        }
    }
}
