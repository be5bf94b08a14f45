using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>
/// Values of any type as bytes and back: a byte that says whether it is NULL, then what lies in the vector; before texts their length, before the
/// elements of lists their number. For memory of this process only.
/// </summary>
public static class ValueBytes
{
    /// <summary>Whether values of a type have such a form.</summary>
    public static bool CanHold(DuckDbType type)
    {
        if (type.Kind is DuckDbKind.Variant or DuckDbKind.Geometry) return false;
        foreach (var field in type.Fields)
        {
            if (!CanHold(field.Type)) return false;
        }

        return true;
    }

    /// <summary>Appends a value.</summary>
    public static void Append(ByteList to, in VectorReader vector, int row)
    {
        if (vector.IsNull(row))
        {
            Byte(to, 0);
            return;
        }

        Byte(to, 1);
        switch (vector.Type.Kind)
        {
            case DuckDbKind.List or DuckDbKind.Map:
                var (offset, length) = vector.List(row);
                Count(to, length);
                var elements = vector.ListElements();
                for (var i = 0; i < length; i++) Append(to, elements, offset + i);
                break;
            case DuckDbKind.Array:
                var fixedElements = vector.ArrayElements();
                for (var i = 0; i < vector.Type.ArraySize; i++) Append(to, fixedElements, (row * vector.Type.ArraySize) + i);
                break;
            case DuckDbKind.Struct:
                for (var i = 0; i < vector.Type.Fields.Length; i++) Append(to, vector.Field(i), row);
                break;
            case DuckDbKind.Union:
                var tag = vector.Tag(row);
                Byte(to, (byte)tag);
                Append(to, vector.Field(tag), row);
                break;
            default:
                AppendPlain(to, vector, row);
                break;
        }
    }

    /// <summary>Reads a value from the front into a row that was not written yet.</summary>
    public static void Read(ref ReadOnlySpan<byte> from, ref VectorWriter vector, int row)
    {
        if (Take(ref from, 1)[0] == 0)
        {
            vector.SetNull(row);
            return;
        }

        switch (vector.Type.Kind)
        {
            case DuckDbKind.List or DuckDbKind.Map:
                var length = BinaryPrimitives.ReadInt32LittleEndian(Take(ref from, sizeof(int)));
                var elements = vector.AppendList(row, length, out var offset);
                for (var i = 0; i < length; i++) Read(ref from, ref elements, offset + i);
                break;
            case DuckDbKind.Array:
                var fixedElements = vector.ArrayElements();
                for (var i = 0; i < vector.Type.ArraySize; i++) Read(ref from, ref fixedElements, (row * vector.Type.ArraySize) + i);
                break;
            case DuckDbKind.Struct:
                for (var i = 0; i < vector.Type.Fields.Length; i++)
                {
                    var field = vector.Field(i);
                    Read(ref from, ref field, row);
                }

                break;
            case DuckDbKind.Union:
                var tag = Take(ref from, 1)[0];
                vector.SetTag(row, tag);
                var member = vector.Field(tag);
                Read(ref from, ref member, row);
                break;
            default:
                ReadPlain(ref from, vector, row);
                break;
        }
    }

    private static bool IsText(DuckDbType type) =>
        type.Kind is DuckDbKind.Varchar or DuckDbKind.Blob or DuckDbKind.Bit or DuckDbKind.BigNum;

    private static void AppendPlain(ByteList to, in VectorReader vector, int row)
    {
        if (IsText(vector.Type))
        {
            var bytes = vector.Bytes(row);
            Count(to, bytes.Length);
            to.Append(bytes);
            return;
        }

        switch (vector.Type.ValueBytes)
        {
            case 1:
                Byte(to, vector.Get<byte>(row));
                break;
            case 2:
                Plain(to, vector.Get<ushort>(row));
                break;
            case 4:
                Plain(to, vector.Get<uint>(row));
                break;
            case 8:
                Plain(to, vector.Get<ulong>(row));
                break;
            default:
                Plain(to, vector.Get<UInt128>(row));
                break;
        }
    }

    private static void ReadPlain(ref ReadOnlySpan<byte> from, VectorWriter vector, int row)
    {
        if (IsText(vector.Type))
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(Take(ref from, sizeof(int)));
            vector.SetBlob(row, Take(ref from, length));
            return;
        }

        var bytes = vector.Type.ValueBytes;
        var value = Take(ref from, bytes);
        switch (bytes)
        {
            case 1:
                vector.Set(row, value[0]);
                break;
            case 2:
                vector.Set(row, MemoryMarshal.Read<ushort>(value));
                break;
            case 4:
                vector.Set(row, MemoryMarshal.Read<uint>(value));
                break;
            case 8:
                vector.Set(row, MemoryMarshal.Read<ulong>(value));
                break;
            default:
                vector.Set(row, MemoryMarshal.Read<UInt128>(value));
                break;
        }
    }

    private static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> from, int bytes)
    {
        var taken = from[..bytes];
        from = from[bytes..];
        return taken;
    }

    private static void Byte(ByteList to, byte value) => to.Extend(1)[0] = value;

    private static void Count(ByteList to, int count) => BinaryPrimitives.WriteInt32LittleEndian(to.Extend(sizeof(int)), count);

    private static void Plain<T>(ByteList to, T value)
        where T : unmanaged => MemoryMarshal.Write(to.Extend(System.Runtime.CompilerServices.Unsafe.SizeOf<T>()), value);
}
