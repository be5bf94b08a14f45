using Millrace.Cli;

namespace Millrace.SystemTests.Cli;

/// <summary>A shell whose streams are texts and whose clock stands still until it is told to go on.</summary>
internal sealed class TestShell : IDisposable
{
    private readonly StringWriter output = new() { NewLine = "\n" };
    private readonly StringWriter error = new() { NewLine = "\n" };

    public TestShell(bool terminal = false, bool colour = false, int width = 80, params (string Name, string Value)[] variables) => Shell = new Shell
    {
        Out = output,
        Error = error,
        IsTerminal = terminal,
        HasColour = colour,
        Directory = Folder.FullName,
        Variable = name => variables.FirstOrDefault(one => one.Name == name).Value,
        Width = () => width,
        Clock = Clock,
    };

    public Shell Shell { get; }

    public HandClock Clock { get; } = new();

    public DirectoryInfo Folder { get; } = Directory.CreateTempSubdirectory("millrace-cli-");

    public string Out => output.ToString();

    public string Error => error.ToString();

    public Task<int> RunAsync(params string[] args) => CommandLine.RunAsync(args, Shell, TestContext.Current.CancellationToken);

    public void Dispose()
    {
        Folder.Delete(recursive: true);
        output.Dispose();
        error.Dispose();
    }

    /// <summary>A clock that is moved by hand.</summary>
    internal sealed class HandClock : TimeProvider
    {
        private long ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => ticks;

        public void Advance(TimeSpan time) => ticks += time.Ticks;
    }
}
