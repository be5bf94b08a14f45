using System.Text;
using System.Text.Json;
using Millrace.Connectors.Files.Source;

namespace Millrace.Connectors.Tests.Files.Source;

public sealed class JsonValueLinesTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData(" \n", "")]
    [InlineData("[]", "")]
    [InlineData(" [ ] \n", "")]
    [InlineData("\uFEFF[{\"a\":1}]", "{\"a\":1}")]
    [InlineData("[{\"a\":1},{\"a\":2}]", "{\"a\":1}\n{\"a\":2}")]
    [InlineData(" [\r\n {\"a\":\n[1,\t2]} ,\n{} ]\n", "{\"a\": [1, 2]}\n{}")]
    [InlineData("{\"a\":1}{\"a\":2}\n\n{\"a\":3}", "{\"a\":1}\n{\"a\":2}\n{\"a\":3}")]
    [InlineData("[\"],[\\\"\\\\\",\"\"]", "\"],[\\\"\\\\\"\n\"\"")]
    [InlineData("[1, true ,null]", "1\ntrue \nnull")]
    [InlineData("1 2", "1 \n2")]
    [InlineData("[{\"a\":\"x\ny\"}]", "{\"a\":\"x\ny\"}")]
    public void Values_become_lines(string json, string lines)
    {
        foreach (var piece in new[] { 1, 2, 3, 7, 100_000 })
            Assert.Equal(lines, Lines(Encoding.UTF8.GetBytes(json), piece));
    }

    [Theory]
    [InlineData("[", "expected the array's end")]
    [InlineData("[{\"a\":1}", "ends behind element 1")]
    [InlineData("[{\"a\":1},", "ends behind element 1")]
    [InlineData("[{\"a\":1", "ends inside of value 1")]
    [InlineData("{\"a\":\"x", "ends inside of value 1")]
    [InlineData("[12", "ends inside of value 1")]
    [InlineData("[{} {}]", "found '{' behind element 1")]
    [InlineData("[{},]", "found ']' behind value 1")]
    [InlineData("[,{}]", "found ',' behind the beginning")]
    [InlineData("[{}] {}", "found '{' behind the end")]
    [InlineData("[{}]]", "found ']' behind the end")]
    [InlineData("{},{}", "found ',' behind value 1")]
    [InlineData("]", "found ']' behind the beginning")]
    public void What_is_no_list_of_values_is_refused(string json, string message)
    {
        foreach (var piece in new[] { 1, 3, 100_000 })
            Assert.Contains(message, Assert.Throws<InvalidDataException>(() => Lines(Encoding.UTF8.GetBytes(json), piece)).Message);
    }

    [Fact]
    public void Any_array_gives_its_elements_however_it_is_spelled_and_read()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var round = 0; round < 300; round++)
        {
            var values = Enumerable.Range(0, random.Next(6)).Select(_ => Value(random, 3)).ToList();
            var array = random.Next(3) > 0;
            var json = array ? $"[{Space(random)}{string.Join($"{Space(random)},{Space(random)}", values)}{Space(random)}]" : string.Join(random.Next(2) == 0 ? "" : " \n", values.Select(value => "{\"v\":" + value + "}"));
            var lines = Lines(Encoding.UTF8.GetBytes(json), 1 + random.Next(9)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            var expected = values.Select(value => Plain(array ? value : "{\"v\":" + value + "}")).ToList();
            Assert.True(expected.SequenceEqual(lines.Select(Plain)), $"seed {seed}, round {round}: {json} gave {string.Join(" | ", lines)}");
        }
    }

    private static string Plain(string json)
    {
        using var document = JsonDocument.Parse(json);
        return JsonSerializer.Serialize(document.RootElement);
    }

    private static string Value(Random random, int depth) => random.Next(depth > 0 ? 7 : 4) switch
    {
        0 => random.Next(-50, 50).ToString(),
        1 => "null",
        2 or 3 => JsonSerializer.Serialize(string.Concat(Enumerable.Range(0, random.Next(5)).Select(_ => "ab\"\\[]{},\n é"[random.Next(12)]))),
        4 or 5 => "{" + Space(random) + string.Join(",", Enumerable.Range(0, random.Next(4)).Select(i => $"\"k{i}\"{Space(random)}:{Space(random)}{Value(random, depth - 1)}")) + "}",
        _ => "[" + string.Join("," + Space(random), Enumerable.Range(0, random.Next(4)).Select(_ => Value(random, depth - 1))) + Space(random) + "]",
    };

    private static string Space(Random random) => new[] { "", "", " ", "\n", "\r\n", "\t" }[random.Next(6)];

    private static string Lines(byte[] json, int piece)
    {
        using var stream = new JsonValueLines(new MemoryStream(json));
        var lines = new MemoryStream();
        var buffer = new byte[piece];
        int got;
        while ((got = stream.Read(buffer)) > 0) lines.Write(buffer, 0, got);
        return Encoding.UTF8.GetString(lines.ToArray());
    }
}
