using System.Collections.Immutable;

namespace Millrace.Engines;

/// <summary>The command that starts a worker process. No secrets in it: those go over its standard input.</summary>
/// <param name="FileName">The program.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="Environment">Variables beside the inherited ones.</param>
public sealed record WorkerCommand(string FileName, ImmutableArray<string> Arguments, ImmutableDictionary<string, string> Environment);
