using System.Runtime.InteropServices;

namespace Millrace.Cli;

/// <summary>
/// The first Ctrl-C, SIGTERM or SIGHUP asks to stop: units are withdrawn, the run directory is left so that <c>resume</c> goes on. The
/// second one ends the process the way the system does. A worker leaves Ctrl-C, which the terminal sends to every process, to its
/// coordinator.
/// </summary>
internal sealed class Interrupts : IDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly PosixSignalRegistration[] registrations;

    /// <summary>Begins to listen.</summary>
    /// <param name="isWorker">True in a worker process.</param>
    public Interrupts(bool isWorker) => registrations = isWorker
        ? [PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => signal.Cancel = true), PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal => signal.Cancel = true)]
        :
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle),
            PosixSignalRegistration.Create(PosixSignal.SIGHUP, Handle),
        ];

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => stop.Token;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var registration in registrations)
        {
            registration.Dispose();
        }

        stop.Dispose();
    }

    private void Handle(PosixSignalContext signal)
    {
        if (!stop.IsCancellationRequested)
        {
            signal.Cancel = true;
            stop.Cancel();
        }
    }
}
