using System.Globalization;
using Millrace.Testing;

namespace Millrace.SystemTests.Chaos;

/// <summary>
/// The time of day that chosen processes see, by libfaketime (a Debian package). The monotonic clock stays what it is, as it does when
/// somebody sets a machine's clock.
/// </summary>
internal sealed class FakeClock : IDisposable
{
    private readonly TempFolder _folder = new();
    private int _back;

    /// <summary>A clock that shows the right time.</summary>
    public FakeClock() => SetBack(0);

    private static string? Library { get; } =
        Directory.Exists("/usr/lib") ? Directory.GetDirectories("/usr/lib", "*-linux-gnu").Select(static folder => Path.Combine(folder, "faketime", "libfaketimeMT.so.1")).FirstOrDefault(File.Exists) : null;

    /// <summary>Whether this machine has the library.</summary>
    public static bool IsHere => Library is not null;

    /// <summary>How long it takes until every process has seen a change: the library looks again with each new second.</summary>
    public static TimeSpan Lag { get; } = TimeSpan.FromMilliseconds(1100);

    /// <summary>The variables of a process that is to see this clock.</summary>
    public IEnumerable<KeyValuePair<string, string?>> Environment =>
    [
        new("LD_PRELOAD", Library), new("FAKETIME_TIMESTAMP_FILE", _folder["offset"]), new("FAKETIME_CACHE_DURATION", "0"),
        // A clock that is set changes no file's time: it would look written anew.
        new("DONT_FAKE_MONOTONIC", "1"), new("NO_FAKE_STAT", "1"),
    ];

    /// <summary>Sets it back by so many seconds more.</summary>
    public void SetBack(int seconds)
    {
        _back += seconds;
        // Whole or not at all: the library reads it at any time.
        File.WriteAllText(_folder["offset.new"], string.Create(CultureInfo.InvariantCulture, $"-{_back}\n"));
        File.Move(_folder["offset.new"], _folder["offset"], overwrite: true);
    }

    /// <summary>Removes what the library leaves behind in processes that were killed.</summary>
    public void Dispose()
    {
        foreach (var file in Directory.GetFiles("/dev/shm", "*faketime_*"))
        {
            if (!Directory.Exists($"/proc/{file[(file.LastIndexOf('_') + 1)..]}")) File.Delete(file);
        }

        _folder.Dispose();
    }
}
