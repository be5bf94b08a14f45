using System.IO.Pipelines;
using System.Text;
using Millrace.Connectors.Files.Source;
using Millrace.Faults;
using Millrace.Jobs;

namespace Millrace.Connectors.Tests.Files.Source;

public sealed class StandardInputTests : IDisposable
{
    private readonly FilesRun _run = new();

    [Fact]
    public async Task It_is_copied_whole_and_the_copy_goes_with_it()
    {
        var text = "id,name\n" + string.Concat(Enumerable.Range(0, 60_000).Select(i => $"{i},name {i}\n"));
        using (var input = await SpoolAsync(new MemoryStream(Encoding.UTF8.GetBytes(text)), bytesMax: text.Length))
        {
            Assert.Equal(("stdin.csv", text.Length), (input.Name, input.Bytes));
            Assert.Equal(text, await File.ReadAllTextAsync(Path.Combine(input.Folder, input.Name), TestContext.Current.CancellationToken));
            Assert.Equal(_run.Folder, Path.GetDirectoryName(input.Folder));

            // Another run that starts now leaves it alone.
            StandardInput.Sweep(_run.Folder);
            Assert.True(File.Exists(Path.Combine(input.Folder, input.Name)));
        }

        Assert.Empty(Left());
    }

    [Fact]
    public async Task More_than_the_disk_limit_is_refused_and_nothing_stays()
    {
        var fault = await Assert.ThrowsAsync<Fault>(() => SpoolAsync(new MemoryStream(new byte[3_000_000]), bytesMax: 2_999_999));
        Assert.Equal((FaultKind.Limit, 5, "limits.disk"), (fault.Kind, fault.ExitCode, fault.Where));
        Assert.NotNull(fault.Advice);
        Assert.Empty(Left());
    }

    [Fact(Timeout = 30_000)]
    public async Task A_cancellation_ends_it_although_the_input_is_silent_and_nothing_stays()
    {
        using var cancel = new CancellationTokenSource();
        using var silent = new Silent();
        var spooling = SpoolAsync(silent, null, cancel.Token);
        await silent.Asked.Task;
        Assert.NotEmpty(Left());
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => spooling);
        Assert.Empty(Left());
    }

    [Fact]
    public async Task An_input_that_breaks_is_a_fault_and_nothing_stays()
    {
        var pipe = new Pipe();
        await pipe.Writer.WriteAsync("id\n1\n"u8.ToArray(), TestContext.Current.CancellationToken);
        await pipe.Writer.CompleteAsync(new IOException("the other end broke"));
        var fault = await Assert.ThrowsAsync<Fault>(() => SpoolAsync(pipe.Reader.AsStream(), null));
        Assert.Contains("the other end broke", fault.Message);
        Assert.Empty(Left());
    }

    [Fact]
    public async Task What_a_killed_process_left_is_removed_by_the_next_start()
    {
        // Nobody holds the lock of a dead process; the second died before it had one.
        _run.File("stdin-1/stdin.csv", "id\n1\n").File("stdin-1/lock", "").File("stdin-1/lock.holder", "process 1");
        Directory.CreateDirectory(Path.Combine(_run.Folder, "stdin-2"));
        _run.File("runs/r/run.json", "{}");
        await using var source = new FilesSourceConnector().Open(new Planning.SourceContext
        {
            Address = "-", Mark = new Mark("source"), BaseDirectory = _run.Folder, Connections = 1, ScratchFolder = _run.Folder,
        });
        await source.HoldAsync([FilesRun.Stream("stdin")], TestContext.Current.CancellationToken);
        Assert.Empty(Left());
        Assert.True(File.Exists(Path.Combine(_run.Folder, "runs/r/run.json")));
    }

    public void Dispose() => _run.Dispose();

    private IEnumerable<string> Left() => Directory.EnumerateFileSystemEntries(_run.Folder).Where(path => !path.EndsWith("runs", StringComparison.Ordinal));

    private Task<StandardInput> SpoolAsync(Stream input, long? bytesMax, CancellationToken cancel = default) =>
        StandardInput.SpoolAsync(input, _run.Folder, bytesMax, FilesRun.Stream("stdin"), cancel);

    /// <summary>A terminal at which nobody types: a read hears of nothing.</summary>
    private sealed class Silent : MemoryStream
    {
        public TaskCompletionSource Asked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Asked.TrySetResult();
            return new ValueTask<int>(new TaskCompletionSource<int>().Task);
        }
    }
}
