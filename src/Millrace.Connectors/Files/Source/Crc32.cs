namespace Millrace.Connectors.Files.Source;

/// <summary>The CRC-32 of gzip (RFC 1952, polynomial 0xEDB88320), eight bytes at a time.</summary>
internal static class Crc32
{
    private static readonly uint[][] Tables = MakeTables();

    /// <summary>Goes on with a CRC; it starts at 0.</summary>
    public static uint Update(uint crc, ReadOnlySpan<byte> data)
    {
        var tables = Tables;
        uint[] t0 = tables[0], t1 = tables[1], t2 = tables[2], t3 = tables[3], t4 = tables[4], t5 = tables[5], t6 = tables[6], t7 = tables[7];
        crc = ~crc;
        while (data.Length >= 8)
        {
            var low = BitConverter.ToUInt32(data) ^ crc;
            var high = BitConverter.ToUInt32(data[4..]);
            crc = t7[low & 0xFF] ^ t6[(low >> 8) & 0xFF] ^ t5[(low >> 16) & 0xFF] ^ t4[low >> 24]
                ^ t3[high & 0xFF] ^ t2[(high >> 8) & 0xFF] ^ t1[(high >> 16) & 0xFF] ^ t0[high >> 24];
            data = data[8..];
        }

        foreach (var value in data) crc = (crc >> 8) ^ t0[(crc ^ value) & 0xFF];
        return ~crc;
    }

    private static uint[][] MakeTables()
    {
        var tables = new uint[8][];
        for (var i = 0; i < 8; i++) tables[i] = new uint[256];
        for (var i = 0u; i < 256; i++)
        {
            var value = i;
            for (var bit = 0; bit < 8; bit++) value = (value & 1) != 0 ? (value >> 1) ^ 0xEDB88320u : value >> 1;
            tables[0][i] = value;
        }

        for (var table = 1; table < 8; table++)
        {
            for (var i = 0; i < 256; i++) tables[table][i] = (tables[table - 1][i] >> 8) ^ tables[0][tables[table - 1][i] & 0xFF];
        }

        return tables;
    }
}
