using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Jobs.Secrets;

namespace Millrace.Tests.Jobs;

public sealed class SecretTests
{
    private static readonly Mark Here = new("source", "job.yaml", 3);

    private static SecretResolver Resolver(params (string Name, string Value)[] variables) =>
        new(new Redactor(), Path.GetTempPath(), name => variables.FirstOrDefault(one => one.Name == name).Value);

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("${A}", "one")]
    [InlineData("x${A}y${B}z", "xoneytwoz")]
    [InlineData("${NONE:-default}", "default")]
    [InlineData("${EMPTY:-default}", "default")]
    [InlineData("${EMPTY}", "")]
    [InlineData("${NONE:-}", "")]
    [InlineData("$${A}", "${A}")]
    [InlineData("$A $ $$ $${", "$A $ $$ ${")]
    public void References_are_resolved(string text, string resolved) =>
        Assert.Equal(resolved, Resolver(("A", "one"), ("B", "two"), ("EMPTY", "")).Resolve(text, Here).Reveal());

    [Fact]
    public void A_secret_file_is_read_without_its_line_end_and_read_again_each_time()
    {
        var file = Path.GetTempFileName();
        try
        {
            var resolver = Resolver();
            File.WriteAllText(file, "first\r\n");
            Assert.Equal("<first>", resolver.Resolve($"<${{file:{file}}}>", Here).Reveal());
            File.WriteAllText(file, "second");
            Assert.Equal("second", resolver.Resolve($"${{file:{Path.GetFileName(file)}}}", Here).Reveal());
            Assert.Equal("*** then ***", resolver.Redactor.Scrub("first then second"));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void What_can_t_be_resolved_names_the_variable_or_file_and_the_line()
    {
        Assert.StartsWith("job.yaml:3: source: found ${PG_URL}, but the environment variable PG_URL is not set", Describe("${PG_URL}"), StringComparison.Ordinal);
        Assert.Contains("the file does not exist", Describe("${file:/no/such/file}"), StringComparison.Ordinal);
        Assert.Contains("is a folder", Describe("${file:/}"), StringComparison.Ordinal);
        Assert.Contains("a '${' without its '}'", Describe("${A"), StringComparison.Ordinal);
        Assert.Contains("names no variable", Describe("${a b}"), StringComparison.Ordinal);
        Assert.Contains("names no variable", Describe("${file:}"), StringComparison.Ordinal);

        static string Describe(string text) => Assert.Throws<Fault>(() => Resolver().Resolve(text, Here)).Describe();
    }

    [Fact]
    public void A_resolved_text_prints_only_what_was_written()
    {
        var resolved = Resolver(("PW", "hunter2")).Resolve(new Endpoint("postgres://u:${PW}@h/d?sslpassword=literal", Here));

        Assert.Equal("postgres://u:hunter2@h/d?sslpassword=literal", resolved.Reveal());
        Assert.Equal("postgres://u:${PW}@h/d", $"{resolved}");
    }

    [Fact]
    public void The_redactor_knows_every_form_of_a_secret()
    {
        var resolver = Resolver(("URL", "postgres://bob:p%40ss%2Fword@db/x"), ("SHORT", "ab"), ("JSON", "qu\"ote"));
        resolver.Resolve("${URL}", Here);
        resolver.Resolve("${SHORT} ${JSON}", Here);
        resolver.Resolve("postgres://u:literal-one@h/d", Here);

        Assert.Equal("can't reach ***", resolver.Redactor.Scrub("can't reach postgres://bob:p%40ss%2Fword@db/x"));
        Assert.Equal("password *** or ***", resolver.Redactor.Scrub("password p@ss/word or p%40ss%2Fword"));
        Assert.Equal("about ***, not cab", resolver.Redactor.Scrub("about ab, not cab"));
        Assert.Equal("{\"x\":\"***\"}", resolver.Redactor.Scrub(System.Text.Json.JsonSerializer.Serialize(new { x = "qu\"ote" })));
        Assert.Equal("***", resolver.Redactor.Scrub("literal-one"));
    }

    [Fact]
    public void A_url_without_a_password_stays_readable()
    {
        var resolver = Resolver(("URL", "postgres://bob@db/x"));
        resolver.Resolve("${URL}", Here);

        Assert.Equal("postgres://bob@db/x can't be reached", resolver.Redactor.Scrub("postgres://bob@db/x can't be reached"));
    }

    [Fact]
    public void A_default_is_no_secret()
    {
        var resolver = Resolver();
        resolver.Resolve("${HOST:-localhost}", Here);

        Assert.Equal("localhost", resolver.Redactor.Scrub("localhost"));
    }

    [Fact]
    public void No_random_secret_survives_in_a_message()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        const string Letters = "abcABC019:/?#@&=%+ $\"'\\{}é";
        for (var i = 0; i < 2_000; i++)
        {
            var secret = new string([.. Enumerable.Range(0, random.Next(4, 12)).Select(_ => Letters[random.Next(Letters.Length)])]);
            // Such a text is a URL, and one without a password is no secret.
            if (secret.Contains("://", StringComparison.Ordinal)) continue;
            var resolver = Resolver(("S", secret));
            resolver.Resolve("postgres://u:${S}@h/d", Here);
            var message = $"x {secret} y {Uri.EscapeDataString(secret)} {System.Text.Json.JsonSerializer.Serialize(secret)}";

            Assert.False(resolver.Redactor.Scrub(message).Contains(secret, StringComparison.Ordinal), $"seed {seed}: {secret}");
        }
    }

    [Theory]
    [InlineData("postgres://u:p@h:5432/d", "postgres://u@h:5432/d")]
    [InlineData("postgres://u:p@ss@h/d", "postgres://u@h/d")]
    [InlineData("postgres://u:p/a?s#s@h/d", "postgres://u@h/d")]
    [InlineData("postgres://u:a:b@h/d", "postgres://u@h/d")]
    [InlineData("postgres://:p@h/d", "postgres://@h/d")]
    [InlineData("postgres://u@h/d?password=x&sslmode=require", "postgres://u@h/d?sslmode=require")]
    [InlineData("postgres://u@h/d?sslmode=require&password=x", "postgres://u@h/d?sslmode=require")]
    [InlineData("postgres://u@h/d?sslpassword=x&password=y", "postgres://u@h/d")]
    [InlineData("postgres://u:${PW}@h/d", "postgres://u:${PW}@h/d")]
    [InlineData("postgres://u:${file:/run/s@x}@h/d", "postgres://u:${file:/run/s@x}@h/d")]
    [InlineData("postgres://u:x${PW}@h/d", "postgres://u@h/d")]
    [InlineData("postgres://u@[::1]:5432/d", "postgres://u@[::1]:5432/d")]
    [InlineData("postgres://h:5432/d", "postgres://h:5432/d")]
    [InlineData("postgres://h:5432/d?application_name=a@b", "postgres://h:5432/d?application_name=a@b")]
    [InlineData("./path:with@colon", "./path:with@colon")]
    [InlineData("-", "-")]
    [InlineData("", "")]
    [InlineData("postgres://", "postgres://")]
    public void A_literal_password_is_taken_out_of_a_url(string url, string stripped)
    {
        Assert.Equal(stripped, UrlPassword.Strip(url));
        Assert.Equal(url != stripped, UrlPassword.IsLiteral(url));
        Assert.False(UrlPassword.IsLiteral(stripped));
    }
}
