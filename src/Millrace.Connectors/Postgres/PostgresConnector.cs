using Millrace.Connectors.Postgres.Protocol;
using Millrace.Extract;
using Millrace.Faults;
using Millrace.Planning;

namespace Millrace.Connectors.Postgres;

/// <summary>PostgreSQL 12 and later as a source: <c>postgres://user@host/database</c>. Stateless.</summary>
public sealed class PostgresConnector : ISourceConnector
{
    /// <inheritdoc/>
    public string Name => "postgres";

    /// <inheritdoc/>
    public bool Claims(string address) =>
        address.StartsWith("postgres://", StringComparison.OrdinalIgnoreCase) || address.StartsWith("postgresql://", StringComparison.OrdinalIgnoreCase);

    /// <inheritdoc/>
    public ISource Open(SourceContext context) => new PostgresSource(context);

    /// <inheritdoc/>
    public IUnitReader OpenReader(SourceContext context) => new PostgresUnitReader(context);

    /// <inheritdoc/>
    public IMomentKeeper OpenKeeper(SourceContext context) => new PostgresKeeper(context);

    /// <summary>The settings in an address; a malformed one is a fault that says where it was written.</summary>
    internal static PgSettings SettingsOf(SourceContext context)
    {
        try
        {
            return PgSettings.Parse(context.Address);
        }
        catch (Fault fault) when (fault.Where is null)
        {
            throw new Fault(fault.Kind, fault.Message, fault) { Side = fault.Side, Where = context.Mark.ToString(), Advice = fault.Advice };
        }
    }
}
