using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Millrace.Testing;

namespace Millrace.SystemTests;

/// <summary>
/// The real program as a process of its own, in a process group of its own: its output is captured, its time is limited, and it and
/// its workers can be killed as power loss or a container's limit would (SIGKILL). Disposing kills what is left of the group.
/// </summary>
internal sealed class MillraceProcess : IAsyncDisposable
{
    private const int SigKill = 9;
    private const int SigStop = 19;
    private const int SigContinue = 18;
    private readonly Process _process;
    private readonly StringBuilder _stdout = new();
    private readonly StringBuilder _stderr = new();
    private readonly ConcurrentQueue<(string Text, TaskCompletionSource<string> Seen)> _awaited = new();
    private readonly CancellationTokenSource _deadline;
    private readonly string _commandLine;

    private MillraceProcess(Process process, string commandLine, TimeSpan limit)
    {
        _process = process;
        _commandLine = commandLine;
        _deadline = new CancellationTokenSource(limit);
    }

    /// <summary>The program: <c>MILLRACE_BIN</c>, or what the last build left in <c>artifacts/</c>.</summary>
    public static string Program { get; } = FindProgram();

    /// <summary><c>./millrace</c>, which sets what the program runs with and becomes what the last build left, whatever <c>MILLRACE_BIN</c> says.</summary>
    public static string Launcher { get; } = Path.Combine(Testbed.Repository, "millrace");

    /// <summary>The process's id, which is also its group's.</summary>
    public int Id => _process.Id;

    /// <summary>Runs the program to its end. A program that takes longer than the limit (60 s) is killed and fails the test with its output.</summary>
    public static async Task<MillraceExit> RunAsync(IEnumerable<string> arguments, MillraceStart? start = null)
    {
        await using var process = Start(arguments, start);
        return await process.WaitAsync();
    }

    /// <summary>Starts the program.</summary>
    public static MillraceProcess Start(IEnumerable<string> arguments, MillraceStart? start = null)
    {
        start ??= new MillraceStart();
        // setsid makes the program the head of a group without changing its id: .NET's children are never heads themselves.
        var info = new ProcessStartInfo("setsid", [.. start.Through, start.Program, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = start.Folder ?? Testbed.Repository,
        };
        foreach (var (name, value) in start.Environment)
        {
            info.Environment[name] = value;
        }

        var process = new MillraceProcess(new Process { StartInfo = info }, string.Join(' ', arguments), start.Limit);
        process._process.OutputDataReceived += (_, line) => process.Take(process._stdout, line.Data);
        process._process.ErrorDataReceived += (_, line) => process.Take(process._stderr, line.Data);
        process._process.Start();
        process._process.BeginOutputReadLine();
        process._process.BeginErrorReadLine();
        if (start.Input is not null)
        {
            process._process.StandardInput.Write(start.Input);
        }

        process._process.StandardInput.Close();
        return process;
    }

    /// <summary>Waits for the end, also of the output.</summary>
    public async Task<MillraceExit> WaitAsync()
    {
        try
        {
            await _process.WaitForExitAsync(_deadline.Token);
        }
        catch (OperationCanceledException)
        {
            KillGroup();
            Assert.Fail($"millrace {_commandLine} did not end in time; it said:\n{Output()}");
        }

        return new MillraceExit(_process.ExitCode, Text(_stdout), Text(_stderr));
    }

    /// <summary>Waits until a line of the output or of the errors holds the text, and returns that line.</summary>
    public async Task<string> LineAsync(string text)
    {
        var seen = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        _awaited.Enqueue((text, seen));
        // The line may have come before anybody waited for it.
        foreach (var line in Output().Split('\n').Where(line => line.Contains(text, StringComparison.Ordinal)))
        {
            seen.TrySetResult(line);
        }

        var first = await Task.WhenAny(seen.Task, _process.WaitForExitAsync(_deadline.Token));
        if (first != seen.Task && !seen.Task.IsCompleted)
        {
            Assert.Fail($"millrace {_commandLine} never said \"{text}\"; it said:\n{Output()}");
        }

        return await seen.Task;
    }

    /// <summary>SIGKILL to the program and every worker, at the same moment.</summary>
    public void KillGroup()
    {
        _ = Kill(-Id, SigKill);
        // In its first instant the program is not yet the head of a group.
        _ = Kill(Id, SigKill);
    }

    /// <summary>SIGKILL to the program alone; its workers live on and have to notice.</summary>
    public void KillCoordinator() => _ = Kill(Id, SigKill);

    /// <summary>SIGKILL to one process of the group.</summary>
    public static void KillWorker(int id) => _ = Kill(id, SigKill);

    /// <summary>SIGSTOP to one process of the group: it is there and does nothing.</summary>
    public static void PauseWorker(int id) => _ = Kill(id, SigStop);

    /// <summary>SIGCONT to one process: it goes on where it was paused.</summary>
    public static void ContinueWorker(int id) => _ = Kill(id, SigContinue);

    /// <summary>Any signal to the program alone: 2 is an interrupt from the keyboard, 15 a request to end.</summary>
    public void Signal(int signal) => _ = Kill(Id, signal);

    /// <summary>Any signal to the program and every worker, as a terminal sends an interrupt.</summary>
    public void SignalGroup(int signal) => _ = Kill(-Id, signal);

    /// <summary>The ids of the other processes of the group that are alive, by <c>/proc</c>.</summary>
    public IReadOnlyList<int> Workers() => ProcessGroup.Members(Id);

    public async ValueTask DisposeAsync()
    {
        KillGroup();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _deadline.Dispose();
    }

    private static string FindProgram()
    {
        if (Environment.GetEnvironmentVariable("MILLRACE_BIN") is { Length: > 0 } named)
        {
            return named;
        }

        var built = Path.Combine(Testbed.Repository, "artifacts", "built");
        Assert.True(File.Exists(built), "there is no program to test: run ./millrace once, or set MILLRACE_BIN");
        return Path.Combine(Testbed.Repository, "artifacts", File.ReadLines(built).First(), "Millrace.Cli");
    }

    private void Take(StringBuilder to, string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (to)
        {
            to.Append(line).Append('\n');
        }

        foreach (var (_, seen) in _awaited.Where(awaited => line.Contains(awaited.Text, StringComparison.Ordinal)))
        {
            seen.TrySetResult(line);
        }
    }

    private string Output() => Text(_stdout) + Text(_stderr);

    private static string Text(StringBuilder from)
    {
        lock (from)
        {
            return from.ToString();
        }
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int process, int signal);
}

/// <summary>How to start the program. Everything has a default.</summary>
internal sealed record MillraceStart
{
    /// <summary>What to start: the program, or <see cref="MillraceProcess.Launcher"/>.</summary>
    public string Program { get; init; } = MillraceProcess.Program;

    /// <summary>The folder to run in; the repository's root when null.</summary>
    public string? Folder { get; init; }

    /// <summary>Variables to set; a null value removes one.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();

    /// <summary>What standard input holds; empty when null.</summary>
    public string? Input { get; init; }

    /// <summary>A command that becomes the program, with its arguments, such as <c>setpriv</c> with the rights to take away; none when empty.</summary>
    public IReadOnlyList<string> Through { get; init; } = [];

    /// <summary>How long it may take in all before it is killed and the test fails.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromSeconds(60);
}

/// <summary>How the program ended and what it said. An exit code of 128 and more is a signal's number and 128.</summary>
internal sealed record MillraceExit(int ExitCode, string Stdout, string Stderr)
{
    /// <summary>The last line of standard output as JSON: the <c>finished</c> event with <c>--json</c>.</summary>
    public JsonElement LastJson() => JsonDocument.Parse(Stdout.TrimEnd().Split('\n')[^1]).RootElement.Clone();

    /// <summary>Fails the test with all that was said unless the exit code is the expected one.</summary>
    public MillraceExit Expect(int exitCode)
    {
        Assert.True(ExitCode == exitCode, $"exit code {ExitCode} instead of {exitCode}; stdout:\n{Stdout}\nstderr:\n{Stderr}");
        return this;
    }
}
