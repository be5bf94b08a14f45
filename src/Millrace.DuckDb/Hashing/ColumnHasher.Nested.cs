using System.Runtime.CompilerServices;

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
            for (var i = 0; i < count; i++) folded = WithElement(folded, run[i]);
        }

        return ListOf(folded, length);
    }

    /// <summary>A list's hash before its first element.</summary>
    public ulong NoElements => _seed;

    /// <summary>A list's hash with one more element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong WithElement(ulong folded, ulong element) => HashMixing.Mix(folded ^ element);

    /// <summary>A list's hash, all of whose elements are in it.</summary>
    public static ulong ListOf(ulong folded, long length) => HashMixing.Mix(folded + (ulong)length);

    /// <summary>The hash of the only element of each of <paramref name="count"/> lists.</summary>
    /// <exception cref="ArgumentException">A list has another number of elements.</exception>
    public void OnlyElements(in VectorReader lists, int first, int count, ulong* hashes)
    {
        new Span<ulong>(hashes, count).Clear();
        var elements = lists.ListElements();
        for (var done = 0; done < count;)
        {
            // Lists of a chunk that was just made lie in one run.
            var (offset, _) = lists.List(first + done);
            var run = 0;
            for (; done + run < count; run++)
            {
                if (lists.IsNull(first + done + run) || lists.List(first + done + run).Length != 1) throw new ArgumentException("found a list of more or fewer than one element");
                if (lists.List(first + done + run).Offset != offset + run) break;
            }

            _children[0].Add(elements, offset, run, hashes + done);
            done += run;
        }
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
