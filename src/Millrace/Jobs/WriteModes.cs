using Millrace.Jobs.Reading;

namespace Millrace.Jobs;

/// <summary>The modes' words.</summary>
public static class WriteModes
{
    /// <summary>The word of the job file.</summary>
    public static string Of(WriteMode mode) => Choices.Mode.Words.First(one => one.Value == mode).Word;
}
