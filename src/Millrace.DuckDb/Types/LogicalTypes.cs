using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>Turns a <see cref="DuckDbType"/> into DuckDB's own type and back.</summary>
internal static unsafe class LogicalTypes
{
    /// <summary>Makes the native type; the caller disposes it.</summary>
    /// <exception cref="DuckDbException">DuckDB can't make the type.</exception>
    public static LogicalTypeHandle Create(DuckDbType type)
    {
        var native = new LogicalTypeHandle(type.Kind switch
        {
            DuckDbKind.Decimal => NativeMethods.duckdb_create_decimal_type((byte)type.Width, (byte)type.Scale),
            DuckDbKind.Enum => WithNames(type.Labels, static (names, count) => NativeMethods.duckdb_create_enum_type(names, count)),
            _ when type.IsNested => CreateNested(type),

            // Made by its number alone a VARIANT lacks its inner structure, and the first query with it breaks the database.
            DuckDbKind.Variant => 0,
            _ => NativeMethods.duckdb_create_logical_type((int)type.Kind),
        });
        if (native.IsInvalid)
        {
            native.Dispose();
            throw new DuckDbException(DuckDbErrorType.InvalidType, $"DuckDB can't make the type {type.ToSql()}.");
        }

        if (type.Alias is { } alias) NativeMethods.duckdb_logical_type_set_alias(native.Pointer, alias);
        return native;
    }

    /// <summary>Reads a native type, takes it over and destroys it.</summary>
    /// <exception cref="DuckDbException">The kind is not known here.</exception>
    public static DuckDbType Take(nint pointer)
    {
        using var native = new LogicalTypeHandle(pointer);
        var kind = (DuckDbKind)NativeMethods.duckdb_get_type_id(pointer);
        switch (kind)
        {
            case DuckDbKind.Decimal:
                return DuckDbType.Decimal(NativeMethods.duckdb_decimal_width(pointer), NativeMethods.duckdb_decimal_scale(pointer));
            case DuckDbKind.List:
                return DuckDbType.List(Take(NativeMethods.duckdb_list_type_child_type(pointer)));
            case DuckDbKind.Array:
                var size = (int)NativeMethods.duckdb_array_type_array_size(pointer);
                return DuckDbType.Array(Take(NativeMethods.duckdb_array_type_child_type(pointer)), size);
            case DuckDbKind.Map:
                var key = Take(NativeMethods.duckdb_map_type_key_type(pointer));
                return DuckDbType.Map(key, Take(NativeMethods.duckdb_map_type_value_type(pointer)));
            case DuckDbKind.Struct or DuckDbKind.Union:
                return TakeFields(pointer, kind);
            case DuckDbKind.Enum:
                var labels = new string[NativeMethods.duckdb_enum_dictionary_size(pointer)];
                for (var i = 0; i < labels.Length; i++)
                    labels[i] = NativeMethods.Owned(NativeMethods.duckdb_enum_dictionary_value(pointer, (ulong)i));
                return DuckDbType.Enum(labels);
            case DuckDbKind.Varchar:
                return NativeMethods.Owned(NativeMethods.duckdb_logical_type_get_alias(pointer)) == "JSON" ? DuckDbType.Json : DuckDbType.Varchar;
        }

        return DuckDbTypeNames.IsScalar(kind)
            ? DuckDbType.Of(kind)
            : throw new DuckDbException(DuckDbErrorType.UnknownType, $"DuckDB's type number {(int)kind} is not known.");
    }

    private static DuckDbType TakeFields(nint pointer, DuckDbKind kind)
    {
        var isStruct = kind == DuckDbKind.Struct;
        var count = isStruct ? NativeMethods.duckdb_struct_type_child_count(pointer) : NativeMethods.duckdb_union_type_member_count(pointer);
        var fields = new DuckDbField[count];
        for (var i = 0UL; i < count; i++)
        {
            fields[i] = isStruct
                ? new DuckDbField(
                    NativeMethods.Owned(NativeMethods.duckdb_struct_type_child_name(pointer, i)),
                    Take(NativeMethods.duckdb_struct_type_child_type(pointer, i)))
                : new DuckDbField(
                    NativeMethods.Owned(NativeMethods.duckdb_union_type_member_name(pointer, i)),
                    Take(NativeMethods.duckdb_union_type_member_type(pointer, i)));
        }

        return isStruct ? DuckDbType.Struct(fields) : DuckDbType.Union(fields);
    }

    private static nint CreateNested(DuckDbType type)
    {
        var children = new LogicalTypeHandle[type.Fields.Length];
        try
        {
            for (var i = 0; i < children.Length; i++) children[i] = Create(type.Fields[i].Type);
            switch (type.Kind)
            {
                case DuckDbKind.List: return NativeMethods.duckdb_create_list_type(children[0].Pointer);
                case DuckDbKind.Array: return NativeMethods.duckdb_create_array_type(children[0].Pointer, (ulong)type.ArraySize);
                case DuckDbKind.Map: return NativeMethods.duckdb_create_map_type(children[0].Pointer, children[1].Pointer);
            }

            var isStruct = type.Kind == DuckDbKind.Struct;
            var pointers = children.Select(c => c.Pointer).ToArray();
            return WithNames([.. type.Fields.Select(f => f.Name)], (names, count) =>
            {
                fixed (nint* types = pointers)
                {
                    return isStruct
                        ? NativeMethods.duckdb_create_struct_type(types, names, count)
                        : NativeMethods.duckdb_create_union_type(types, names, count);
                }
            });
        }
        finally
        {
            foreach (var child in children) child?.Dispose();
        }
    }

    private delegate nint NamesCall(nint* names, ulong count);

    private static nint WithNames(ImmutableArray<string> names, NamesCall call)
    {
        var pointers = new nint[names.Length];
        try
        {
            for (var i = 0; i < pointers.Length; i++) pointers[i] = Marshal.StringToCoTaskMemUTF8(names[i]);
            fixed (nint* start = pointers) return call(start, (ulong)pointers.Length);
        }
        finally
        {
            foreach (var pointer in pointers) Marshal.FreeCoTaskMem(pointer);
        }
    }
}
