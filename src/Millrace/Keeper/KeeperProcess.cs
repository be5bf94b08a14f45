using System.ComponentModel;
using System.Diagnostics;
using Millrace.Engines;
using Millrace.Faults;
using Millrace.Worker;

namespace Millrace.Keeper;

/// <summary>Starts a run's keeper.</summary>
internal static class KeeperProcess
{
    /// <summary>
    /// Starts a process that holds the moment from now on, and gives the moment's text under which units are read.
    /// </summary>
    /// <exception cref="Fault">It can't be started, or it can't hold the moment. The run can go on without it.</exception>
    public static async Task<(string Moment, int Pid)> StartAsync(WorkerCommand command, KeeperSettings settings, CancellationToken cancel)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(TimeSpan.FromSeconds(Limits.KeeperStartSecondsMax));
        using var process = Start(command);
        try
        {
            // Its own pipes, and nothing of ours: whoever reads our output must not wait for it.
            using var channel = new LineChannel(process.StandardOutput.BaseStream, process.StandardInput.BaseStream);
            await channel.WriteAsync(settings, KeeperJson.Default.KeeperSettings, deadline.Token).ConfigureAwait(false);
            var answer = await channel.ReadAsync(KeeperJson.Default.KeeperAnswer, deadline.Token).ConfigureAwait(false);
            if (answer?.Moment is { } moment) return (moment, process.Id);
            throw Failed(answer?.Refusal ?? "it ended without an answer", null);
        }
        catch (Exception error) when (error is IOException || (error is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            process.Kill();
            throw Failed(error is IOException ? error.Message : $"it has not answered for {Limits.KeeperStartSecondsMax} s", error);
        }
    }

    private static Process Start(WorkerCommand command)
    {
        try
        {
            return command.Start();
        }
        catch (Exception error) when (error is Win32Exception or IOException)
        {
            throw Failed(error.Message, error);
        }
    }

    private static Fault Failed(string why, Exception? inner) =>
        new(FaultKind.Died, $"the run's moment is kept by the coordinator alone, and lost with it: a keeper can't be started: {why}", inner);
}
