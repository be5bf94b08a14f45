using Millrace.Verify;

namespace Millrace.Telemetry;

/// <summary>A verification begins.</summary>
/// <param name="Run">The run.</param>
/// <param name="Directory">Its run directory.</param>
public sealed record VerifyStarted(string Run, string Directory) : RunEvent;

/// <summary>A stream was compared.</summary>
/// <param name="Verdict">What was found.</param>
public sealed record StreamVerified(StreamVerdict Verdict) : RunEvent;

/// <summary>The verification is over. The last event.</summary>
/// <param name="Summary">What it came to.</param>
public sealed record VerifyFinished(VerifySummary Summary) : RunEvent;
