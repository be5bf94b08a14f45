using System.Text.Json;
using System.Xml.Linq;
using Millrace.DuckDb;

namespace Millrace.Tests.Style;

/// <summary>The layers are DuckDb, Millrace, Connectors, Cli; each references only the one before it. Usings: see the banned calls.</summary>
public sealed class LayerTests
{
    [Theory]
    [InlineData("Millrace.DuckDb", "")]
    [InlineData("Millrace", "Millrace.DuckDb")]
    [InlineData("Millrace.Connectors", "Millrace")]
    [InlineData("Millrace.Cli", "Millrace.Connectors")]
    public void A_project_references_only_the_layer_below(string project, string expected)
    {
        var references = Project(project).Descendants("ProjectReference")
            .Select(item => Path.GetFileNameWithoutExtension(item.Attribute("Include")!.Value));
        Assert.Equal(expected, string.Join(' ', references));
    }

    [Theory]
    [InlineData("Millrace.DuckDb", "")]
    [InlineData("Millrace", "YamlDotNet")]
    [InlineData("Millrace.Connectors", "AWSSDK.S3")]
    [InlineData("Millrace.Cli", "System.CommandLine")]
    public void A_project_has_only_the_packages_that_were_decided(string project, string expected)
    {
        var packages = Project(project).Descendants("PackageReference").Select(item => item.Attribute("Include")!.Value);
        Assert.Equal(expected, string.Join(' ', packages));
    }

    [Fact]
    public void Only_the_binding_may_use_pointers()
    {
        var projects = Repository.Files.Where(file => file.Path.EndsWith(".csproj", StringComparison.Ordinal) || file.Path == "Directory.Build.props");
        var unsafeOnes = projects.Where(file => file.Text.Contains("AllowUnsafeBlocks", StringComparison.Ordinal)).Select(file => file.Path);
        Assert.Equal(["src/Millrace.DuckDb/Millrace.DuckDb.csproj"], unsafeOnes);
    }

    [Fact]
    public void The_binding_and_the_lock_file_name_the_same_version_of_libduckdb()
    {
        using var pinned = JsonDocument.Parse(Repository.File("src/Millrace.DuckDb/libduckdb.lock.json").Text);
        Assert.Equal(DuckDbLibrary.PinnedVersion, pinned.RootElement.GetProperty("version").GetString());
    }

    private static XDocument Project(string name) =>
        XDocument.Parse(Repository.File($"src/{name}/{name}.csproj").Text);
}
