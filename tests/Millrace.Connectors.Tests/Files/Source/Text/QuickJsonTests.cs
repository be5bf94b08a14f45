using System.Text;
using System.Text.Json;
using Millrace.Connectors.Files.Source.Text;

namespace Millrace.Connectors.Tests.Files.Source.Text;

/// <summary>Whatever the quick walker takes is JSON, with the same members.</summary>
public sealed class QuickJsonTests
{
    private const int Lines = 200_000;
    private const string Breaks = "{}\":,0123456789.-eEtrufalsn \t\r\\[]x\u0001";

    private static readonly string[] s_lines =
    [
        """{"id": 1, "note": "text", "amount": 1.5, "flag": true, "none": null}""", """{"a":-0.25,"b":"","c":false}""", """{ "a" : 12 , "é" : "漢字" } """,
        """{"a":10,"b":"x\"y","c":{"d":1},"e":[1,2],"f":1e5}""", """{}""", """{"a":01}""", """{"a":.5}""", """{"a":1.}""", """{"a":"tab	"}""", """{"a":-}""",
    ];

    [Fact]
    public void What_is_taken_is_what_a_full_reader_reads()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var taken = 0;
        for (var i = 0; i < Lines; i++)
        {
            var line = Encoding.UTF8.GetBytes(s_lines[random.Next(s_lines.Length)]);
            // Half of them broken in one or two places.
            for (var n = random.Next(4) - 1; n > 0; n--)
            {
                // Whether text is UTF-8 is the column's to say.
                var at = random.Next(line.Length);
                if (line[at] < 128) line[at] = (byte)Breaks[random.Next(Breaks.Length)];
            }

            if (Walk(line) is not { } members) continue;
            taken++;
            string[] expected;
            try
            {
                using var document = JsonDocument.Parse(line);
                expected = [.. document.RootElement.EnumerateObject().Select(member => $"{member.Name}={(member.Value.ValueKind == JsonValueKind.String ? member.Value.GetString() : member.Value.GetRawText())}")];
            }
            catch (JsonException error)
            {
                throw new InvalidOperationException($"seed {seed}: took {Encoding.UTF8.GetString(line)}", error);
            }

            Assert.True(members.SequenceEqual(expected), $"seed {seed}: {Encoding.UTF8.GetString(line)}");
        }

        Assert.True(taken > Lines / 10, $"only {taken} were taken");
    }

    private static List<string>? Walk(byte[] line)
    {
        var members = new List<string>();
        var json = new QuickJson(line);
        if (!json.TryBegin()) return null;
        for (var isEnd = false; !isEnd;)
        {
            if (!json.TryKey(out var key) || !json.TryValue(out var kind, out var value)) return null;
            members.Add($"{Encoding.UTF8.GetString(key)}={Encoding.UTF8.GetString(value)}");
            Assert.True(kind != QuickJsonKind.Null || value.SequenceEqual("null"u8));
            if (!json.TryNext(out isEnd)) return null;
        }

        return members;
    }
}
