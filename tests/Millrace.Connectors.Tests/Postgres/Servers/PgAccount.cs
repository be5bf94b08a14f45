namespace Millrace.Connectors.Tests.Postgres.Servers;

/// <summary>
/// The system user that runs a server: PostgreSQL refuses root, so that root becomes <c>postgres</c> or <c>nobody</c>.
/// </summary>
internal sealed record PgAccount(int UserId, int GroupId)
{
    /// <summary>Null when this process's own user will do.</summary>
    internal static PgAccount? Find()
    {
        if (!Environment.IsPrivilegedProcess)
            return null;
        var users = File.ReadAllLines("/etc/passwd").Select(static line => line.Split(':')).Where(static f => f.Length > 3).ToList();
        var user = users.Find(static f => f[0] == "postgres") ?? users.First(static f => f[0] == "nobody");
        return new PgAccount(int.Parse(user[2]), int.Parse(user[3]));
    }

    /// <summary>The command line that runs a program as this user.</summary>
    internal string[] Prefix => ["setpriv", $"--reuid={UserId}", $"--regid={GroupId}", "--clear-groups", "--"];

    internal Task OwnAsync(string path) => PgBinaries.RunAsync("chown", "/", "-R", $"{UserId}:{GroupId}", path);
}
