using System.Collections.Immutable;
using Millrace.Faults;
using Millrace.Jobs.Secrets;

namespace Millrace.Jobs.Reading;

/// <summary>Reads <c>params</c>: values by name, each typed by how it is written.</summary>
internal static class ParamReading
{
    /// <summary>The parameters; mistakes are noted.</summary>
    public static ImmutableSortedDictionary<string, JobParam> Read(MapReader reader)
    {
        var read = ImmutableSortedDictionary.CreateBuilder<string, JobParam>(StringComparer.Ordinal);
        if (reader.OpenMap("params", "a text, a number, true or false") is not { } map) return read.ToImmutable();
        if (map.Names.Count() > Limits.ParamsMax)
        {
            reader.Fault("params", $"found {map.Names.Count()} parameters, expected at most {Limits.ParamsMax}", "Keep long lists in a table and join it.");
            return read.ToImmutable();
        }

        foreach (var name in map.Names)
        {
            if (name.Length > Limits.ParamNameCharsMax || !IsName(name))
            {
                map.Fault(name, $"found the parameter {Words.Quote(name)}, expected a name of at most {Limits.ParamNameCharsMax} letters, digits and '_', no digit first", "SQL names it with a '$' before it.");
            }
            else if (Value(map, name) is { } value)
            {
                read[name] = value;
            }
        }

        return read.ToImmutable();
    }

    /// <summary>The type of a value by how it is written; null: none.</summary>
    public static JobParamKind? KindOf(ScalarNode value) =>
        value.IsNull || value.IsEmpty ? null
        : !value.IsPlain ? JobParamKind.Text
        : value.Text is "true" or "True" or "TRUE" or "false" or "False" or "FALSE" ? JobParamKind.Truth
        : Number(value.Text) is not null ? JobParamKind.Number
        : JobParamKind.Text;

    /// <summary>A type in the words of an error message.</summary>
    public static string Word(JobParamKind kind) => kind switch
    {
        JobParamKind.Number => "a number",
        JobParamKind.Truth => "true or false",
        _ => "text",
    };

    /// <summary>What the command line gives: a text where the file has one, else as it would be in a file without quotes.</summary>
    public static ScalarNode Typed(string text, ScalarNode? before, Origin origin) =>
        new(text, plain: before is null || KindOf(before) != JobParamKind.Text, origin);

    private static JobParam? Value(MapReader map, string name)
    {
        if (map.Node(name) is null or ScalarNode { IsEmpty: true })
        {
            map.Fault(name, "found nothing, expected a value", $"Give one here, or with --set params.{name}=...");
            return null;
        }

        if (map.Text(name, mayBeEmpty: true) is not { } text || map.Node(name) is not ScalarNode scalar) return null;
        if (text.Length > Limits.ParamValueCharsMax)
        {
            map.Fault(name, $"found a text of {text.Length} characters, expected at most {Limits.ParamValueCharsMax}", "Keep long lists in a table and join it.");
            return null;
        }

        if (TextTemplate.HasReference(text))
        {
            // Parameters are written to the plan, which must hold no secret.
            map.Fault(name, "found '${', which is resolved in source, target, state, shuffle, with and in only", $"Give the value with --set params.{name}=..., or write $${{ for a plain ${{.");
            return null;
        }

        var kind = KindOf(scalar) ?? JobParamKind.Text;
        var value = kind switch
        {
            JobParamKind.Number => Number(text)!,
            JobParamKind.Truth => text.ToLowerInvariant(),
            _ => text.Replace("$${", "${", StringComparison.Ordinal),
        };
        if (kind == JobParamKind.Number && value.TrimStart('-') is ['0', >= '0' and <= '9', ..])
        {
            // A number would lose the zero in silence: it is more likely a code.
            map.Fault(name, $"found {Words.Quote(text)}, which is a number that begins with 0", "Put it in quotes when it is a text such as a postal code; else leave the 0 out.");
            return null;
        }

        return new JobParam(kind, value);
    }

    private static bool IsName(string name) =>
        name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');

    /// <summary>A number as SQL writes it; null: the text is none.</summary>
    private static string? Number(string text)
    {
        var number = text.Replace("_", "", StringComparison.Ordinal).TrimStart('+');
        var at = number.StartsWith('-') ? 1 : 0;
        var whole = Digits(number, at);
        var end = whole;
        if (end < number.Length && number[end] == '.') end = Digits(number, end + 1);
        var isNumber = whole > at || end > whole + 1;
        if (end < number.Length && number[end] is 'e' or 'E')
        {
            var exponent = end + 1 < number.Length && number[end + 1] is '+' or '-' ? end + 2 : end + 1;
            end = Digits(number, exponent);
            isNumber &= end > exponent;
        }

        return isNumber && end == number.Length && text[0] != '_' && text[^1] != '_' ? number : null;
    }

    private static int Digits(string text, int at)
    {
        while (at < text.Length && char.IsAsciiDigit(text[at])) at++;
        return at;
    }
}
