namespace Millrace.Jobs.Reading;

/// <summary>What the keys of a stream may refer to, and where mistakes and warnings go.</summary>
/// <param name="Params">The job's parameters.</param>
/// <param name="Streams">The job's streams.</param>
/// <param name="Faults">Takes every mistake.</param>
/// <param name="Warnings">Takes every warning.</param>
internal sealed record JobScope(SqlParams Params, StreamIndex Streams, FaultList Faults, List<JobWarning> Warnings);
