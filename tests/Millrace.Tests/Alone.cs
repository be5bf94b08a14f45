namespace Millrace.Tests;

/// <summary>Tests that look at or change what the whole process shares.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
