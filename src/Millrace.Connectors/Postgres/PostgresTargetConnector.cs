using Millrace.Connectors.Postgres.Target;
using Millrace.Load;

namespace Millrace.Connectors.Postgres;

/// <summary>PostgreSQL 12 and later as a target: <c>postgres://user@host/database</c>. Stateless.</summary>
public sealed class PostgresTargetConnector : ITargetConnector
{
    /// <inheritdoc/>
    public string Name => PostgresConnector.ConnectorName;

    /// <inheritdoc/>
    public bool Claims(string address) => PostgresConnector.IsPostgres(address);

    /// <inheritdoc/>
    public ITarget Open(TargetContext context) => new PostgresTarget(context);

    /// <inheritdoc/>
    public IUnitWriter OpenWriter(TargetContext context) => new PostgresUnitWriter(PostgresConnector.SettingsOf(context.Address, context.Mark), context);
}
