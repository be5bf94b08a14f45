namespace Millrace;

/// <summary>The bounds of users' SQL.</summary>
public static partial class Limits
{
    /// <summary>Characters in one SQL of a job; DuckDB's tree of it has up to some hundred times as many.</summary>
    public const int SqlCharsMax = 256 * 1024;

    /// <summary>Levels of DuckDB's tree of an SQL, two to four for each of an expression: so many calls fit on a thread's stack.</summary>
    public const int SqlTreeDepthMax = 2_048;

    /// <summary>How much memory the coordinator's DuckDB may use to check SQL, in bytes.</summary>
    public const long SqlCheckBytesMax = 64 * Mega;

    /// <summary>Objections to one SQL that are shown.</summary>
    public const int SqlFindingsMax = 5;
}
