namespace Millrace.Connectors.Postgres.Protocol;

/// <summary>What <see cref="PgSettings"/> takes from its surroundings: variables, the home folder, the user's name. Tests give their own.</summary>
public sealed record PgEnvironment
{
    /// <summary>This process's environment.</summary>
    public static PgEnvironment Process { get; } = new()
    {
        Variable = Environment.GetEnvironmentVariable,
        Home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile),
        UserName = Environment.UserName,
    };

    /// <summary>The value of an environment variable, null when it is not set.</summary>
    public required Func<string, string?> Variable { get; init; }

    /// <summary>The folder in which <c>.pgpass</c> and <c>.postgresql/</c> are looked for.</summary>
    public required string Home { get; init; }

    /// <summary>The user of the operating system: the database user when nothing names one.</summary>
    public required string UserName { get; init; }

    /// <summary>Folders in which a server's socket is looked for when no host is named, in this order.</summary>
    public IReadOnlyList<string> SocketDirectories { get; init; } = OperatingSystem.IsWindows() ? [] : ["/var/run/postgresql", "/tmp"];

    /// <summary>The variable's value, null also when it is empty, as in libpq.</summary>
    internal string? Value(string name) => Variable(name) is { Length: > 0 } value ? value : null;
}
