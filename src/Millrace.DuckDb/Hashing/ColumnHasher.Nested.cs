namespace Millrace.DuckDb;

/// <summary>Lists, maps, arrays, structs and unions: what they hold is hashed first, in runs, and folded in order.</summary>
internal sealed unsafe partial class ColumnHasher
{
    // Hashes of elements or fields that lie on the stack at once.
    private const int RunMax = 64;

    private void AddNested(in VectorReader column, int first, int count, ulong* sums)
    {
        // Beneath a NULL there may be anything: only runs of rows that are none are looked into.
        for (var i = 0; i < count;)
        {
            if (column.IsNull(first + i))
            {
                sums[i++] += _null;
                continue;
            }

            var run = 1;
            while (run < RunMax && i + run < count && !column.IsNull(first + i + run)) run++;
            AddRun(column, first + i, run, sums + i);
            i += run;
        }
    }

    private void AddRun(in VectorReader column, int first, int count, ulong* sums)
    {
        switch (_kind)
        {
            case DuckDbKind.Struct:
                AddStructs(column, first, count, sums);
                break;
            case DuckDbKind.Array:
                var fixedElements = column.ArrayElements();
                for (var i = 0; i < count; i++) sums[i] += Elements(fixedElements, (first + i) * _arraySize, _arraySize);
                break;
            case DuckDbKind.Union:
                for (var i = 0; i < count; i++) sums[i] += Member(column, first + i);
                break;
            default:
                var elements = column.ListElements();
                for (var i = 0; i < count; i++)
                {
                    var (offset, length) = column.List(first + i);
                    sums[i] += Elements(elements, offset, length);
                }

                break;
        }
    }

    private ulong Elements(in VectorReader elements, int offset, int length)
    {
        var run = stackalloc ulong[RunMax];
        var folded = _seed;
        for (var done = 0; done < length; done += RunMax)
        {
            var count = Math.Min(RunMax, length - done);
            new Span<ulong>(run, count).Clear();
            _children[0].Add(elements, offset + done, count, run);
            for (var i = 0; i < count; i++) folded = HashMixing.Mix(folded ^ run[i]);
        }

        return HashMixing.Mix(folded + (ulong)length);
    }

    private void AddStructs(in VectorReader column, int first, int count, ulong* sums)
    {
        var folded = stackalloc ulong[RunMax];
        var field = stackalloc ulong[RunMax];
        for (var i = 0; i < count; i++) folded[i] = _seed;
        for (var f = 0; f < _children.Length; f++)
        {
            new Span<ulong>(field, count).Clear();
            _children[f].Add(column.Field(f), first, count, field);
            for (var i = 0; i < count; i++) folded[i] = HashMixing.Mix(folded[i] ^ field[i]);
        }

        for (var i = 0; i < count; i++) sums[i] += folded[i];
    }

    private ulong Member(in VectorReader column, int row)
    {
        var tag = column.Tag(row);
        var value = 0UL;
        _children[tag].Add(column.Field(tag), row, 1, &value);
        return HashMixing.Mix(HashMixing.Mix(_seed ^ (ulong)tag) ^ value);
    }
}
