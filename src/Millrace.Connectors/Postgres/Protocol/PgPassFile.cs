using System.Globalization;
using System.Text;

namespace Millrace.Connectors.Postgres.Protocol;

/// <summary>
/// The password file (PostgreSQL documentation, "The Password File"): lines of <c>host:port:database:user:password</c>, each of the
/// first four a literal or <c>*</c>; a backslash escapes a colon or a backslash; the first line that fits wins.
/// </summary>
internal sealed class PgPassFile
{
    private const UnixFileMode OpenToOthers =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    private readonly string _path;

    internal PgPassFile(string path) => _path = path;

    internal static string DefaultPath(PgEnvironment environment) => OperatingSystem.IsWindows()
        ? Path.Combine(environment.Value("APPDATA") ?? environment.Home, "postgresql", "pgpass.conf")
        : Path.Combine(environment.Home, ".pgpass");

    /// <summary>
    /// The password for these settings, or null. A file that others can read is not used, as in libpq; <paramref name="problem"/> then
    /// says so, for the advice of the fault that follows when the server wants a password.
    /// </summary>
    internal PgSecret? Find(PgSettings settings, bool isDefaultSocket, out string? problem)
    {
        problem = null;
        try
        {
            var file = new FileInfo(_path);
            if (!file.Exists)
                return null;
            if (!OperatingSystem.IsWindows() && (file.UnixFileMode & OpenToOthers) != UnixFileMode.None)
                problem = $"the password file {_path} was not used because others may read it: chmod 0600 it";
            else if (file.Length > Limits.PgPassFileBytesMax)
                problem = $"the password file {_path} was not used because it is larger than {Limits.PgPassFileBytesMax} bytes";
            else
                return Search(settings, isDefaultSocket);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = $"the password file {_path} can't be read: {e.Message}";
        }

        return null;
    }

    private PgSecret? Search(PgSettings settings, bool isDefaultSocket)
    {
        var port = settings.Port.ToString(CultureInfo.InvariantCulture);
        var alias = isDefaultSocket ? "localhost" : settings.Host;
        foreach (var line in File.ReadLines(_path))
        {
            if (line.StartsWith('#'))
                continue;
            var at = 0;
            if (Matches(line, ref at, settings.Host, alias)
                && Matches(line, ref at, port, port)
                && Matches(line, ref at, settings.Database, settings.Database)
                && Matches(line, ref at, settings.User, settings.User))
            {
                return new PgSecret(Field(line, ref at, last: true).Text);
            }
        }

        return null;
    }

    private static bool Matches(string line, ref int at, string wanted, string alias)
    {
        if (at > line.Length)
            return false;
        var (text, isStar) = Field(line, ref at, last: false);
        return at <= line.Length && (isStar || text == wanted || text == alias);
    }

    /// <summary>
    /// The field at <paramref name="at"/>, unescaped; moves behind its colon, or past the line's length + 1 when there is none.
    /// Everything up to the line's end is the password, except an unescaped colon, which libpq takes as its end too.
    /// </summary>
    private static (string Text, bool IsStar) Field(string line, ref int at, bool last)
    {
        var start = at;
        var text = new StringBuilder();
        while (at < line.Length && line[at] != ':')
        {
            if (line[at] == '\\' && at + 1 < line.Length)
                at++;
            text.Append(line[at++]);
        }

        var isStar = !last && at - start == 1 && line[start] == '*';
        at = at < line.Length ? at + 1 : line.Length + 1;
        return (text.ToString(), isStar);
    }
}
