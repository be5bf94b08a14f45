namespace Millrace.Tests.Style;

/// <summary>The scanner that the style tests stand on.</summary>
public sealed class CodeTextTests
{
    [Theory]
    [InlineData("a(); // Thread.Sleep", "a();                ")]
    [InlineData("a(/* { */);", "a(       );")]
    [InlineData("x = \"{ \\\" }\" + y;", "x =          + y;")]
    [InlineData("x = @\"{\"\" \\\" + y;", "x =          + y;")]
    [InlineData("x = $\"{{ {F(\"}\")} }}\" + y;", "x =       F(   )      + y;")]
    [InlineData("x = \"\"\"{ \" }\"\"\" + y;", "x =             + y;")]
    [InlineData("x = $$\"\"\"{ {{y}} }\"\"\";", "x =          y       ;")]
    [InlineData("c == '\"' || c == '\\'' || d", "c ==     || c ==      || d")]
    [InlineData("#error it's { \nx", "              \nx")]
    public void Only_code_is_left(string text, string expected)
    {
        Assert.Equal(expected, CodeText.Of(text));
        Assert.Equal(text.Length, CodeText.Of(text).Length);
    }

    [Fact]
    public void Members_are_found_with_their_lengths()
    {
        const string Text = """
            namespace N;
            /// <summary>x</summary>
            public sealed class C<T> : I where T : class
            {
                private static readonly int[] _table =
                [
                    1,
                ];

                public int P { get; init; } = F(
                    1);

                [Theory]
                [InlineData(1)]
                public int Method<U>(int a = 3)
                    where U : struct
                {
                    var x = new { a };
                    return x.a;
                }

                public int Arrow() => 1 switch
                {
                    1 => 2,
                };

                private enum E { A, B }

                private struct S
                {
                    public S() { }
                }
            }
            """;
        Assert.Equal(["P 1", "Method 6", "Arrow 4", "S 1"], Member.In(Text).Select(member => $"{member.Name} {member.Lines}"));
    }
}
