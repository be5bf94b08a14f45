using System.Security.Cryptography;
using Millrace.Connectors.Files.Source;
using Millrace.Faults;

namespace Millrace.Connectors.Tests.Files.Source;

/// <summary>The pipe that DuckDB reads by the number of its end: it stops at once, and its number is nobody else's before it is disposed.</summary>
public sealed class TextPipeTests
{
    private const int LimitMilliseconds = 30_000;
    private static readonly byte[] s_text = RandomNumberGenerator.GetBytes(1_000_003);

    [Fact(Timeout = LimitMilliseconds)]
    public async Task All_bytes_pass()
    {
        await using var pipe = new TextPipe(new MemoryStream(s_text), "a.csv.gz");
        Assert.Equal(s_text, await ReadAsync(pipe));
        await pipe.CompleteAsync(CancellationToken.None);
        Assert.Equal(s_text.Length, pipe.Bytes);
        Assert.Null(pipe.Failure);
    }

    [Fact(Timeout = LimitMilliseconds)]
    public async Task A_short_text_is_there_after_its_writer_has_ended()
    {
        await using var pipe = new TextPipe(new MemoryStream(s_text[..100]), "a.csv.gz");
        await pipe.CompleteAsync(CancellationToken.None);
        Assert.Equal(s_text[..100], await ReadAsync(pipe));
    }

    [Fact(Timeout = LimitMilliseconds)]
    public async Task A_writer_that_nobody_reads_stops_and_its_stream_is_closed()
    {
        var endless = new Endless();
        var pipe = new TextPipe(endless, "a.csv.gz");
        await endless.Blocking;
        pipe.Stop();
        var fault = await Assert.ThrowsAsync<Fault>(() => pipe.CompleteAsync(CancellationToken.None));
        Assert.Equal((FaultKind.Cancelled, FaultSide.Source, "a.csv.gz"), (fault.Kind, fault.Side, fault.Where));
        Assert.True(endless.IsClosed);
        await pipe.DisposeAsync();
        Assert.Null(pipe.Failure);
    }

    [Fact(Timeout = LimitMilliseconds)]
    public async Task Disposing_stops_it_too()
    {
        var endless = new Endless();
        var pipe = new TextPipe(endless, "a.csv.gz");
        await endless.Blocking;
        await pipe.DisposeAsync();
        Assert.True(endless.IsClosed);
    }

    [Fact(Timeout = LimitMilliseconds)]
    public async Task A_reader_in_the_middle_comes_to_an_end()
    {
        await using var pipe = new TextPipe(new Endless(), "a.csv.gz");
        await using var reader = File.OpenRead(pipe.Path);
        await reader.ReadExactlyAsync(new byte[200_000], TestContext.Current.CancellationToken);
        pipe.Stop();
        await reader.CopyToAsync(Stream.Null, TestContext.Current.CancellationToken);
    }

    [Fact(Timeout = LimitMilliseconds)]
    public async Task Its_number_means_no_other_file_before_it_is_disposed()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "looks into /proc");
        var endless = new Endless();
        var pipe = new TextPipe(endless, "a.csv.gz");
        await endless.Blocking;
        var before = Meaning(pipe);
        Assert.Contains("pipe:", before, StringComparison.Ordinal);
        pipe.Stop();
        await Assert.ThrowsAsync<Fault>(() => pipe.CompleteAsync(CancellationToken.None));

        // The system gives the lowest free number to whoever opens next.
        var others = Enumerable.Range(0, 50).Select(_ => File.OpenRead("/dev/zero")).ToList();
        Assert.Equal(before, Meaning(pipe));
        // A reader that comes so late finds the end of this pipe.
        await using (var late = File.OpenRead(pipe.Path)) await late.CopyToAsync(Stream.Null, TestContext.Current.CancellationToken);
        others.ForEach(other => other.Dispose());
        await pipe.DisposeAsync();
        Assert.NotEqual(before, Meaning(pipe));
    }

    [Fact(Timeout = LimitMilliseconds)]
    public async Task A_text_that_breaks_is_a_fault_and_the_reader_gets_what_came_before()
    {
        await using var pipe = new TextPipe(new Endless { BreaksAfter = 300_000 }, "a.csv.gz");
        Assert.InRange((await ReadAsync(pipe)).Length, 300_000, 400_000);
        var fault = await Assert.ThrowsAsync<Fault>(() => pipe.CompleteAsync(CancellationToken.None));
        Assert.Same(fault, pipe.Failure);
        Assert.Contains("torn", fault.Message, StringComparison.Ordinal);
        Assert.Equal("a.csv.gz", fault.Where);
    }

    private static async Task<byte[]> ReadAsync(TextPipe pipe)
    {
        var all = new MemoryStream();
        await using (var reader = File.OpenRead(pipe.Path)) await reader.CopyToAsync(all, TestContext.Current.CancellationToken);
        return all.ToArray();
    }

    private static string? Meaning(TextPipe pipe) => new FileInfo("/proc/self/fd/" + Path.GetFileName(pipe.Path)).LinkTarget;

    /// <summary>A text without an end, or with one that breaks.</summary>
    private sealed class Endless : MemoryStream
    {
        private readonly TaskCompletionSource _blocking = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private long _given;

        public long BreaksAfter { get; init; } = long.MaxValue;

        /// <summary>When more was asked for than a pipe takes at once: the writer stands in it, or will.</summary>
        public Task Blocking => _blocking.Task;

        public bool IsClosed { get; private set; }

        public override int Read(Span<byte> buffer)
        {
            if (_given >= BreaksAfter) throw new InvalidDataException("it is torn");
            _given += buffer.Length;
            if (_given > 64 * 1024) _blocking.TrySetResult();
            buffer.Clear();
            return buffer.Length;
        }

        protected override void Dispose(bool disposing)
        {
            IsClosed = true;
            base.Dispose(disposing);
        }
    }
}
