using Millrace.Jobs;

namespace Millrace.Tests.Jobs;

public sealed class ByteSizeTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("1048576", 1048576)]
    [InlineData("512MB", 512L << 20)]
    [InlineData("512 mb", 512L << 20)]
    [InlineData("64KiB", 64L << 10)]
    [InlineData("64k", 64L << 10)]
    [InlineData("1.5GB", 3L << 29)]
    [InlineData("2T", 2L << 40)]
    [InlineData("10B", 10)]
    public void Sizes_are_read(string text, long bytes)
    {
        Assert.True(ByteSize.TryParse(text, out var read));
        Assert.Equal(bytes, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("MB")]
    [InlineData("-1MB")]
    [InlineData("1.2.3MB")]
    [InlineData("1XB")]
    [InlineData("1MBB")]
    [InlineData("1 M B")]
    [InlineData("9999999999999TB")]
    [InlineData("1e3")]
    public void What_is_no_size_is_refused(string text) => Assert.False(ByteSize.TryParse(text, out _));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1536, "1.5 KB")]
    [InlineData(512L << 20, "512 MB")]
    [InlineData(3L << 50, "3072 TB")]
    public void Sizes_are_written_for_people(long bytes, string text) => Assert.Equal(text, ByteSize.Format(bytes));
}
