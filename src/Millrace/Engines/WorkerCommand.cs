using System.Collections.Immutable;
using System.ComponentModel;
using System.Diagnostics;

namespace Millrace.Engines;

/// <summary>The command that starts a worker process, or a keeper. No secrets in it: those go over its standard input.</summary>
/// <param name="FileName">The program.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="Environment">Variables beside the inherited ones.</param>
public sealed record WorkerCommand(string FileName, ImmutableArray<string> Arguments, ImmutableDictionary<string, string> Environment)
{
    /// <summary>
    /// The same for a process with little memory. What libduckdb's own allocator and the C library's keep of what was freed is memory that DuckDB does not count,
    /// and a sort frees much: it soon goes back to the system. The C library's thresholds stay as they are: lower ones give back what is asked for again at once,
    /// which nearly doubled the time of a join.
    /// </summary>
    internal WorkerCommand ForLittleMemory() => this with
    {
        Environment = Environment.SetItem("DUCKDB_JE_MALLOC_CONF", "dirty_decay_ms:100,muzzy_decay_ms:0")
            .SetItem("MALLOC_ARENA_MAX", "2"),
    };

    /// <summary>Starts it with pipes of its own for input, output and errors.</summary>
    /// <exception cref="Win32Exception">It can't be started.</exception>
    internal Process Start()
    {
        var start = new ProcessStartInfo(FileName)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var argument in Arguments) start.ArgumentList.Add(argument);
        foreach (var (name, value) in Environment) start.Environment[name] = value;
        return Process.Start(start) ?? throw new Win32Exception("no process");
    }
}
