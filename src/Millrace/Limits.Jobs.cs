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

    /// <summary>Rows that break a rule of <c>expect</c> which a unit's result, and a commit, keep.</summary>
    public const int RuleSamplesMax = 3;

    /// <summary>Characters of such a row that are kept.</summary>
    public const int RuleSampleCharsMax = 300;

    /// <summary>Broken rules of a stream that its fault names; the others are counted.</summary>
    public const int RulesNamedMax = 8;

    /// <summary>Characters of a rule that messages show.</summary>
    public const int RuleTextCharsMax = 200;
}
