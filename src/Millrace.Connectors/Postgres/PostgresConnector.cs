using Millrace.Connectors.Postgres.Lookup;
using Millrace.Connectors.Postgres.Protocol;
using Millrace.Extract;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Transform;

namespace Millrace.Connectors.Postgres;

/// <summary>PostgreSQL 12 and later as a source: <c>postgres://user@host/database</c>. Stateless.</summary>
public sealed class PostgresConnector : ISourceConnector, ILookupConnector
{
    /// <summary>The name of both halves, the source's and the target's.</summary>
    internal const string ConnectorName = "postgres";

    /// <inheritdoc/>
    public string Name => ConnectorName;

    /// <inheritdoc/>
    public bool Claims(string address) => IsPostgres(address);

    /// <inheritdoc/>
    public ISource Open(SourceContext context) => new PostgresSource(context);

    /// <inheritdoc/>
    public IUnitReader OpenReader(SourceContext context) => new PostgresUnitReader(context);

    /// <inheritdoc/>
    public ILookupStore OpenLookup(SourceContext context) => new PostgresLookup(context);

    /// <inheritdoc/>
    public IMomentKeeper OpenKeeper(SourceContext context) => new PostgresKeeper(context);

    /// <summary>Whether an address is PostgreSQL's.</summary>
    internal static bool IsPostgres(string address) =>
        address.StartsWith("postgres://", StringComparison.OrdinalIgnoreCase) || address.StartsWith("postgresql://", StringComparison.OrdinalIgnoreCase);

    /// <summary>The settings in an address; a malformed one is a fault that says where it was written.</summary>
    internal static PgSettings SettingsOf(SourceContext context) => SettingsOf(context.Address, context.Mark);

    /// <inheritdoc cref="SettingsOf(SourceContext)"/>
    internal static PgSettings SettingsOf(string address, Mark mark)
    {
        try
        {
            return PgSettings.Parse(address);
        }
        catch (Fault fault) when (fault.Where is null)
        {
            throw new Fault(fault.Kind, fault.Message, fault) { Side = fault.Side, Where = mark.ToString(), Advice = fault.Advice };
        }
    }
}
