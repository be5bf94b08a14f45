namespace Millrace.Connectors.Files.Target;

/// <summary>The process's standard output as bytes: the one place where data, not words, goes there.</summary>
internal static class StandardOutput
{
    /// <summary>Opens it; disposing it flushes and leaves the process's own handle open.</summary>
    public static Stream Open() => Console.OpenStandardOutput();
}
