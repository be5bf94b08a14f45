using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>An INTERVAL as it lies in a vector. Months, days and microseconds are independent: a month is no number of days.</summary>
/// <param name="Months">Months.</param>
/// <param name="Days">Days.</param>
/// <param name="Micros">Microseconds.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct DuckDbInterval(int Months, int Days, long Micros);
