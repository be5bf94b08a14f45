using Millrace.Load;
using Millrace.Runs;

namespace Millrace.Planning;

/// <summary>Compares a planned stream's columns with those of the table it goes to, before anything is staged.</summary>
/// <param name="target">The target.</param>
/// <param name="state">The state folder, whose runs are asked where a table can't tell its columns.</param>
/// <param name="run">The run; null when nothing is to be run. Streams that it has begun with these columns were compared then.</param>
internal sealed class SchemaCheck(ITarget target, string state, RunDirectory? run)
{
    /// <summary>The plan with what has changed.</summary>
    /// <exception cref="Faults.Fault">The stream's rule does not let it through.</exception>
    public async ValueTask<StreamPlan> CheckAsync(StreamPlan plan, CancellationToken cancel)
    {
        var stream = plan.Stream;
        if (run?.Stream(stream.Name).Latest()?.ReadHeader() is { } begun && TableColumn.Of(begun.Columns).SequenceEqual(TableColumn.Of(plan.Columns)))
            return plan with { SchemaChanges = begun.SchemaChanges };
        var table = await target.FindAsync(stream.TargetName, cancel).ConfigureAwait(false);
        if (table is { Columns: null }) table = TableHistory.Find(state, table.Identity);
        if (table is null) return plan;
        var ruling = new SchemaRuling(stream.Schema, stream.Mode, stream.MarkOf("schema").ToString());
        return plan with { SchemaChanges = ruling.Admit(table, plan.Columns) };
    }
}
