using Millrace.Faults;
using Millrace.Jobs;

namespace Millrace.Connectors.Files.Source;

/// <summary>The faults of this source: whose, where, what to do.</summary>
internal static class SourceFaults
{
    /// <summary>A file's content is not what it should be.</summary>
    public static Fault Data(string path, string message, string? advice = null, Exception? inner = null) =>
        new(FaultKind.Data, message, inner) { Side = FaultSide.Source, Where = path, Advice = advice };

    /// <summary>A column's name has a zero character, which no SQL text can hold.</summary>
    public static Fault ZeroInName(string path, string name) =>
        Data(path, $"has a zero character in the name of the column {Words.Quote(name)}, which no name can have", "Give it another name in the file.");

    /// <summary>A file or folder can't be read.</summary>
    public static Fault Refused(string path, string message, string? advice = null, Exception? inner = null) =>
        new(FaultKind.Refused, message, inner) { Side = FaultSide.Source, Where = path, Advice = advice };

    /// <summary>The job file asks for something that can't be done.</summary>
    public static Fault Job(Mark mark, string message, string? advice = null, Exception? inner = null) =>
        new(FaultKind.JobFile, message, inner) { Side = FaultSide.Job, Where = mark.ToString(), Advice = advice };

    /// <summary>What the operating system said about a file.</summary>
    public static Fault From(string path, Exception error) => error switch
    {
        Fault fault => fault,
        FileNotFoundException or DirectoryNotFoundException => Refused(path, "is not there any more", "Check that nobody removes the files while they are read.", error),
        UnauthorizedAccessException => Refused(path, "can't be opened for reading: no right to", "Check the file's rights.", error),
        InvalidDataException => Data(path, error.Message, "The file is damaged: get it again from where it came from.", error),
        System.Text.DecoderFallbackException => Data(path, $"is not in the encoding that was expected: {error.Message}", "Say the right one in `read.encoding`.", error),
        _ => Refused(path, error.Message, inner: error),
    };
}
