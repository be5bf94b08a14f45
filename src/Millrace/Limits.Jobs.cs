namespace Millrace;

/// <summary>The bounds of a job's steps, rules and parameters.</summary>
public static partial class Limits
{
    /// <summary>Steps in one stream's <c>transform</c>.</summary>
    public const int StepsMax = 64;

    /// <summary>Rules in one stream's <c>expect</c>.</summary>
    public const int ExpectRulesMax = 256;

    /// <summary>Parameters of one job.</summary>
    public const int ParamsMax = 256;

    /// <summary>Characters in a parameter's name.</summary>
    public const int ParamNameCharsMax = 64;

    /// <summary>Characters in a parameter's value.</summary>
    public const int ParamValueCharsMax = 10_000;

    /// <summary>Characters that all parameters together put into a job's SQL: a short file must not grow without end.</summary>
    public const int ParamFilledCharsMax = 4 * 1024 * 1024;
}
