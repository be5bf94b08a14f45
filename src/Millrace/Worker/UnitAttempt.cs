using Millrace.DuckDb;
using Millrace.Extract;
using Millrace.Faults;
using Millrace.Load;
using Millrace.Runs;
using Millrace.Transform;

namespace Millrace.Worker;

/// <summary>One attempt at a unit: what is read, where its rows go, and who looks at them on the way. It owns none of these.</summary>
internal sealed record UnitAttempt
{
    /// <summary>The unit and the attempt's number.</summary>
    public required UnitOrder Order { get; init; }

    /// <summary>The unit's stream as it is written.</summary>
    public required StreamHeader Header { get; init; }

    /// <summary>The same as its reader sees it.</summary>
    public required StreamHeader ReadHeader { get; init; }

    /// <summary>Whether DuckDB has the memory of the whole process.</summary>
    public required bool HasMore { get; init; }

    /// <summary>Where rows go.</summary>
    public required IUnitOutput Output { get; init; }

    /// <summary>The lane that is taken.</summary>
    public required LaneHold Lane { get; init; }

    /// <summary>Takes rows that can't be written; null: none may be left out.</summary>
    public required Quarantine? Quarantine { get; init; }

    /// <summary>How rows are written element by element; null: whole.</summary>
    public required ElementStream? Elements { get; init; }

    /// <summary>The stage's SQL; null: there is none.</summary>
    public required UnitSteps? Steps { get; init; }

    /// <summary>The stage's rules; null: there are none.</summary>
    public required UnitChecks? Checks { get; init; }

    /// <summary>The proof.</summary>
    public required UnitProof Proof { get; init; }

    private long LeftSource => Quarantine?.RowsOfSource ?? 0;

    /// <summary>A SELECT of the rows that are handed to the writer, over those that the reader gives.</summary>
    /// <param name="select">The reader's rows.</param>
    /// <param name="input">The reader.</param>
    public string Over(string select, IUnitInput input)
    {
        select = Quarantine?.Over(select, input.RejectColumn) ?? select;
        select = Steps?.Over(select) ?? select;
        select = Checks?.Over(select, Quarantine, Header) ?? select;
        select = UnitSteps.After(select, Header);
        if (Header.Stage is not null) select = Quarantine?.OverGiven(select, Header) ?? select;
        return Proof.Over(select);
    }

    /// <summary>Writes the rows of a SELECT by so many statements, each going on behind the one before; gives how many.</summary>
    public async Task<long> WriteAsync(string select, int statements, DuckDbConnection connection, CancellationToken cancel)
    {
        var rows = 0L;
        for (var i = 0; i < statements; i++)
        {
            var statement = Elements is null ? Output.CopyStatement(select, Order.BatchDivisor) : Output.ElementsStatement(select, Elements.First);
            using var answer = await connection.QueryAsync(statement, cancel).ConfigureAwait(false);
            rows = Elements is null ? Output.Answered(answer) : Proof.RowsOfElements(Output, answer);
        }

        return rows;
    }

    /// <summary>How many rows have come from the reader, when so many were copied.</summary>
    public long RowsFrom(long copied) => Steps is null ? copied + (Quarantine?.Rows ?? 0) : Steps.Rows + LeftSource;

    /// <summary>
    /// The rows and bytes of a unit of which DuckDB asked for fewer rows than it has: all of them are counted. Null when it has asked for all.
    /// </summary>
    /// <param name="copied">How many rows were copied.</param>
    /// <param name="input">The reader.</param>
    /// <param name="again">Opens it anew.</param>
    /// <param name="connection">The attempt's connection.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<(long Rows, long Bytes)?> ReadRestAsync(long copied, IUnitInput input, Func<ValueTask<IUnitInput>> again, DuckDbConnection connection, CancellationToken cancel) =>
        Steps?.MayEndEarly(copied) is true && !input.IsRead(RowsFrom(copied))
            ? await Steps.ReadAllAsync(input, again, LeftSource, connection, cancel).ConfigureAwait(false)
            : null;

    /// <summary>The fault behind an error of DuckDB's: of whoever knows it first.</summary>
    public Fault Explain(DuckDbException error, IUnitInput input) =>
        Quarantine?.Explain(error) ?? Steps?.Explain(error) ?? TargetRefusals.Explain(error, $"{Order.Stream}, {Order.Unit.Label}")
        ?? Output.Explain(error) ?? input.Explain(error) ?? DuckDbFaults.Translate(error, Order);

    /// <summary>What left the source came to the steps, and what they gave was written. Rows of buckets are counted as they are read.</summary>
    /// <exception cref="Fault">The numbers differ.</exception>
    public void AssertCounts(long read, long copied, long written)
    {
        var stayed = read - LeftSource;
        var entered = Steps?.Rows ?? copied + (Quarantine?.Rows ?? 0) - LeftSource;
        if ((stayed == entered || Header.Stage is { Buckets.IsEmpty: false }) && copied == written) return;
        throw new Fault(FaultKind.Data, $"{stayed} rows left the source for the target, {entered} came there, {copied} were copied and {written} were written")
        {
            Where = $"{Order.Stream}, unit {Order.Unit.Number} ({Order.Unit.Label})",
            Advice = "Nothing of this unit was kept. Please report it: the counts must agree.",
        };
    }
}
