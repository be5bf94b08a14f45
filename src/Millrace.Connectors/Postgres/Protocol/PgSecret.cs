namespace Millrace.Connectors.Postgres.Protocol;

/// <summary>A password or key phrase that no log, message or debugger prints by accident. Immutable.</summary>
public sealed class PgSecret : IEquatable<PgSecret>
{
    private readonly string _value;

    /// <summary>Wraps <paramref name="value"/>.</summary>
    public PgSecret(string value) => _value = value;

    /// <summary>The secret itself, for the authentication exchange only.</summary>
    public string Reveal() => _value;

    /// <inheritdoc/>
    public bool Equals(PgSecret? other) => other is not null && _value == other._value;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as PgSecret);

    /// <inheritdoc/>
    public override int GetHashCode() => _value.GetHashCode(StringComparison.Ordinal);

    /// <summary>Always <c>***</c>.</summary>
    public override string ToString() => "***";
}
