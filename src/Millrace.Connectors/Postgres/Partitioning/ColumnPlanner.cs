using System.Collections.Immutable;
using Millrace.Connectors.Postgres.Catalog;
using Millrace.Connectors.Postgres.Types;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;

namespace Millrace.Connectors.Postgres.Partitioning;

/// <summary>The columns of a stream: which, in which order, under which name, as which type, and how each is read.</summary>
internal sealed class ColumnPlanner
{
    private readonly StreamJob _stream;
    private readonly TargetTraits _traits;
    private readonly ImmutableArray<PgAttribute> _attributes;

    internal ColumnPlanner(StreamJob stream, TargetTraits traits, ImmutableArray<PgAttribute> attributes)
    {
        _stream = stream;
        _traits = traits;
        _attributes = attributes;
    }

    /// <summary>After <see cref="Plan"/>: the form in which rows can pass undecoded; null: they can't, or a column is to have another type.</summary>
    internal string? WireForm { get; private set; }

    /// <summary>The plan's columns and, beside each, how it is read. What can't be read is refused by name.</summary>
    internal (ImmutableArray<Column> Columns, ImmutableArray<PgReadColumn> Reads) Plan()
    {
        RefuseUnknown();
        var columns = ImmutableArray.CreateBuilder<Column>();
        var reads = ImmutableArray.CreateBuilder<PgReadColumn>();
        var names = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var passed = new List<PgAttribute>();
        foreach (var attribute in Selected())
        {
            var mapping = Map(attribute, out var isStandard);
            var name = _stream.Rename.GetValueOrDefault(attribute.Name, attribute.Name);
            if (!names.TryAdd(name, attribute.Name))
            {
                throw Fault(
                    FaultKind.JobFile, "rename", $"the columns {names[name]} and {attribute.Name} would both be called {name} (the target does not tell case)",
                    $"Give one another name: rename: {{{attribute.Name}: {attribute.Name}_2}}.");
            }

            columns.Add(new Column
            {
                Name = name,
                SourceName = attribute.Name,
                SourceType = attribute.Spelling,
                Type = mapping.Type.ToSql(),
                Nullable = attribute.Nullable,
                Native = isStandard ? NativeTypes.Of(attribute.Type, attribute.Modifier, attribute.Declared) : null,
                Remark = mapping.Remark,
            });
            var sql = PgName.Quote(attribute.Name);
            reads.Add(mapping.Cast is null ? new PgReadColumn(sql, mapping.Shape) : new PgReadColumn($"{sql}::pg_catalog.{mapping.Cast}", mapping.Shape) { Raw = sql });
            if (isStandard) passed.Add(attribute);
        }

        if (columns.Count == 0) throw Fault(FaultKind.Refused, "columns", "no column is left to read", "Name at least one column of the table.");
        WireForm = passed.Count == columns.Count ? PgWireForm.Of(passed) : null;
        return (columns.DrainToImmutable(), reads.DrainToImmutable());
    }

    /// <summary>In the order that <c>columns</c> asks for; <c>*</c> is every column that is not named by itself.</summary>
    private List<PgAttribute> Selected()
    {
        if (_stream.Columns.IsEmpty) return [.. _attributes];
        var left = _stream.Columns.Where(static item => item.StartsWith('-')).Select(static item => item[1..]).ToHashSet();
        var named = _stream.Columns.Where(static item => item != "*" && !item.StartsWith('-')).ToHashSet();
        // "-name" alone means all but that one.
        var items = named.Count == 0 && !_stream.Columns.Contains("*") ? ["*"] : _stream.Columns;
        var selected = new List<PgAttribute>();
        foreach (var item in items)
        {
            if (item == "*") selected.AddRange(_attributes.Where(a => !named.Contains(a.Name) && !left.Contains(a.Name)));
            else if (!item.StartsWith('-')) selected.AddRange(_attributes.Where(a => a.Name == item));
        }

        return selected;
    }

    private PgMapping Map(PgAttribute attribute, out bool isStandard)
    {
        if (!attribute.MayRead)
        {
            throw Fault(
                FaultKind.Refused, "columns", $"this user has no right to SELECT the column {attribute.Name}",
                $"Grant it, or leave the column out: columns: [\"*\", \"-{attribute.Name}\"].");
        }

        if (PostgresTypes.Map(attribute.Type, attribute.Modifier, attribute.Dimensions, _traits, out var refusal) is not { } standard)
        {
            throw Fault(
                FaultKind.Refused, "columns", $"the column {attribute.Name} can't be read: {refusal}",
                $"Leave it out: columns: [\"*\", \"-{attribute.Name}\"].");
        }

        var key = _stream.Types.ContainsKey(attribute.Name) ? attribute.Name : "*";
        isStandard = !_stream.Types.TryGetValue(key, out var text);
        if (isStandard) return standard;
        if (!DuckDbType.TryParse(text, out var wanted))
            throw Fault(FaultKind.JobFile, $"types.{key}", $"'{text}' is no type", $"Allowed for {attribute.Name}: {TypeOverrides.Allowed(attribute.Type, standard)}.");
        isStandard = wanted == standard.Type;
        return TypeOverrides.Apply(attribute.Type, standard, wanted, _traits) ?? throw Fault(
            FaultKind.JobFile, $"types.{key}", $"the column {attribute.Name} ({attribute.Spelling}) can't become {wanted.ToSql()} without changing values",
            $"Allowed for it: {TypeOverrides.Allowed(attribute.Type, standard)}.");
    }

    /// <summary>A name that no column has is a slip, not a wish.</summary>
    private void RefuseUnknown()
    {
        var known = _attributes.Select(static a => a.Name).ToHashSet();
        Refuse("columns", _stream.Columns.Where(static c => c != "*").Select(static c => c.StartsWith('-') ? c[1..] : c).Where(c => !known.Contains(c)), static _ => "columns");
        Refuse("types", _stream.Types.Keys.Where(c => c != "*" && !known.Contains(c)), static c => $"types.{c}");
        Refuse("rename", _stream.Rename.Keys.Where(c => !known.Contains(c)), static c => $"rename.{c}");
        Refuse("partition.key", _stream.Partition.Key.Where(c => !known.Contains(c)), static _ => "partition.key");
    }

    private void Refuse(string what, IEnumerable<string> unknown, Func<string, string> key)
    {
        if (unknown.FirstOrDefault() is not { } name) return;
        var near = _attributes.FirstOrDefault(a => string.Equals(a.Name, name, StringComparison.OrdinalIgnoreCase))?.Name;
        var some = string.Join(", ", _attributes.Take(12).Select(static a => a.Name));
        throw Fault(
            FaultKind.JobFile, key(name), $"{what} names the column {name}, which {_stream.Name} does not have",
            near is null ? $"Its columns are {some}{(_attributes.Length > 12 ? ", …" : "")}." : $"Did you mean {near}?");
    }

    private Fault Fault(FaultKind kind, string key, string message, string advice) => new(kind, message)
    {
        Side = kind == FaultKind.JobFile ? FaultSide.Job : FaultSide.Source,
        Where = _stream.MarkOf(key).ToString(),
        Advice = advice,
    };
}
