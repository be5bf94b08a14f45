using Millrace.Jobs;

namespace Millrace.Tests.Jobs;

public sealed class StoreAddressTests
{
    [Theory]
    [InlineData("s3://bucket", "bucket", "", "s3://bucket", null, null)]
    [InlineData("S3://bucket/", "bucket", "", "s3://bucket", null, null)]
    [InlineData("s3://my.bucket-1/some/prefix/", "my.bucket-1", "some/prefix/", "s3://my.bucket-1/some/prefix", null, null)]
    [InlineData("s3://b/p?endpoint=http://127.0.0.1:9000&region=eu-central-1", "b", "p/", "s3://b/p", "http://127.0.0.1:9000/", "eu-central-1")]
    [InlineData("s3://b/p?endpoint=https%3A%2F%2Fminio.example.org", "b", "p/", "s3://b/p", "https://minio.example.org/", null)]
    public void An_address_has_a_bucket_a_prefix_and_perhaps_a_server(string text, string bucket, string prefix, string shown, string? endpoint, string? region)
    {
        var address = StoreAddress.TryParse(text, out var mistake);

        Assert.Null(mistake);
        Assert.Equal((bucket, prefix, shown, endpoint, region), (address!.Bucket, address.Prefix, address.Shown, address.Endpoint?.ToString(), address.Region));
    }

    [Fact]
    public void The_job_keeps_it_and_what_is_resolved_later()
    {
        var job = JobText.Right("source: a.csv\ntarget: out\nshuffle: 's3://${BUCKET}/p'\n");

        Assert.Equal("s3://${BUCKET}/p", job.Shuffle!.Text);
        Assert.Equal(job.Shuffle.Text, JobJson.Read(JobJson.Write(job), "job.json").Shuffle!.Text);
        Assert.Null(JobText.Right("source: a.csv\ntarget: out\n").Shuffle);
    }
}
