using System.Collections.Immutable;
using Millrace.Faults;

namespace Millrace.Jobs;

/// <summary>What came of reading a job: the job, or every mistake in it.</summary>
/// <param name="Job">The job; null when there is a mistake.</param>
/// <param name="Faults">Every mistake, in the order of the file; empty when <paramref name="Job"/> is there.</param>
/// <param name="Warnings">What is allowed and unwise.</param>
public sealed record JobReading(Job? Job, ImmutableArray<Fault> Faults, ImmutableArray<JobWarning> Warnings);

/// <summary>Something in a job that works, and that the user should know about.</summary>
/// <param name="Mark">Where it stands.</param>
/// <param name="Message">What was found, and why it is unwise.</param>
/// <param name="Advice">What to do instead.</param>
public sealed record JobWarning(Mark Mark, string Message, string Advice)
{
    /// <summary>The warning about a password that stands in a URL on the command line.</summary>
    public static JobWarning PasswordOnCommandLine(Mark mark) => new(
        mark,
        "the URL holds a password, and every user of this machine can read command lines",
        "Put the URL into an environment variable and give '${NAME}' in single quotes; or use PGPASSWORD or ~/.pgpass.");

    /// <summary>As the console prints it.</summary>
    public string Describe() => $"{Mark}: {Message}\n  {Advice}";
}
