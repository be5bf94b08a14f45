using System.Collections.Concurrent;
using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Transform;

namespace Millrace.Connectors.S3;

/// <summary>A bucket with a prefix. The client is made for the first request: it looks for credentials. Thread safe.</summary>
internal sealed class S3Store : IShuffleStore
{
    private readonly StoreAddress _address;
    private readonly S3Faults _faults;
    private readonly Lazy<AmazonS3Client> _client;
    private readonly SemaphoreSlim _reading = new(Limits.ShuffleReadsAtOnceMax);
    private readonly SemaphoreSlim _sending = new(Limits.ShufflePartsAtOnceMax);
    private readonly ConcurrentBag<byte[]> _parts = [];

    /// <summary>A store; nothing is asked yet.</summary>
    public S3Store(StoreAddress address)
    {
        _address = address;
        _faults = new S3Faults(address);
        _client = new Lazy<AmazonS3Client>(() => S3Client.Of(address));
    }

    /// <inheritdoc/>
    public string Place => _address.Shown;

    /// <inheritdoc/>
    public Task ReadAsync(string name, long offset, Memory<byte> bytes, CancellationToken cancel) =>
        ReadAsync(name, new ByteRange(offset, offset + bytes.Length - 1), bytes, bytes.Length, cancel);

    /// <inheritdoc/>
    public Task<long> ReadEndAsync(string name, Memory<byte> bytes, CancellationToken cancel) =>
        ReadAsync(name, new ByteRange($"bytes=-{bytes.Length}"), bytes, expected: null, cancel);

    /// <inheritdoc/>
    public async Task WriteAsync(string name, long length, Func<Memory<byte>, int> next, CancellationToken cancel)
    {
        var part = Math.Max(Limits.ShufflePartBytes, (length + Limits.ShufflePartsMax - 1) / Limits.ShufflePartsMax);
        if (part > Limits.ShufflePartBytesMax)
        {
            throw new Fault(FaultKind.Limit, $"a file of {length} bytes is too large for {Place}")
            {
                Divisible = true, Advice = "Make units smaller with partition.rows.",
            };
        }

        // What the bytes come from has errors of its own.
        Exception? own = null;
        await _faults.ExplainAsync(name, length <= part ? PutAsync(name, (int)length, Next, cancel) : SendAsync(name, length, (int)part, Next, cancel), cancel, error => error == own).ConfigureAwait(false);

        int Next(Memory<byte> bytes)
        {
            try
            {
                return next(bytes);
            }
            catch (Exception error)
            {
                own = error;
                throw;
            }
        }
    }

    /// <inheritdoc/>
    public async Task RemoveAsync(string prefix, Action before, CancellationToken cancel)
    {
        try
        {
            await _faults.ExplainAsync(prefix, RemoveObjectsAsync(KeyOf(prefix), before, cancel), cancel).ConfigureAwait(false);
            await _faults.ExplainAsync(prefix, RemoveUploadsAsync(KeyOf(prefix), before, cancel), cancel).ConfigureAwait(false);
        }
        catch (Fault fault) when (fault.Code == S3Faults.NoSuchBucket)
        {
            // Nothing is there.
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        // Not what requests wait for: one that was given up may still end.
        if (_client.IsValueCreated) _client.Value.Dispose();
        return ValueTask.CompletedTask;
    }

    private string KeyOf(string name) => _address.Prefix + name;

    private async Task<long> ReadAsync(string name, ByteRange range, Memory<byte> bytes, long? expected, CancellationToken cancel)
    {
        await _reading.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            for (var retry = 0; ; retry++)
            {
                try
                {
                    return await ReadOnceAsync(name, range, bytes, expected, cancel).ConfigureAwait(false);
                }
                catch (Exception error) when (retry < Limits.ShuffleReadRetriesMax && S3Faults.IsCut(error, cancel))
                {
                    // The client tries again what was not answered; an answer that broke off is asked for anew.
                    await Task.Delay(TimeSpan.FromMilliseconds(Limits.RetryWaitMilliseconds << retry), cancel).ConfigureAwait(false);
                }
                catch (Exception error) when (error is not Fault)
                {
                    throw _faults.Of(name, error, cancel);
                }
            }
        }
        finally
        {
            _reading.Release();
        }
    }

    private async Task<long> ReadOnceAsync(string name, ByteRange range, Memory<byte> bytes, long? expected, CancellationToken cancel)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var request = new GetObjectRequest { BucketName = _address.Bucket, Key = KeyOf(name), ByteRange = range };
        using var answer = await _client.Value.GetObjectAsync(request, cancel).ConfigureAwait(false);
        var length = answer.HttpStatusCode == HttpStatusCode.PartialContent && answer.ContentRange is { } said ? S3Faults.LengthIn(said) : answer.ContentLength;
        var wanted = expected ?? Math.Min(bytes.Length, length);
        if (answer.ContentLength < wanted) throw _faults.Shorter(name, length);
        for (var done = 0; done < wanted;)
        {
            late.CancelAfter(TimeSpan.FromSeconds(Limits.ShuffleAnswerSecondsMax));
            var read = await answer.ResponseStream.ReadAsync(bytes[done..(int)wanted], late.Token).ConfigureAwait(false);
            if (read == 0) throw new HttpIOException(HttpRequestError.ResponseEnded, "the answer ended before all of it had come");
            done += read;
        }

        return length;
    }

    /// <summary>Memory for a part; as many are in use as are sent at once. The usual size, as a pool's next larger one would be more than half as much again.</summary>
    private byte[] RentPart(int bytes) =>
        _parts.TryTake(out var part) && part.Length >= bytes ? part : GC.AllocateUninitializedArray<byte>(Math.Max(bytes, Limits.ShufflePartBytes));

    private async Task PutAsync(string name, int length, Func<Memory<byte>, int> next, CancellationToken cancel)
    {
        await _sending.WaitAsync(cancel).ConfigureAwait(false);
        var bytes = RentPart(length);
        try
        {
            using var body = new MemoryStream(bytes, 0, next(bytes.AsMemory(0, length)), writable: false);
            var request = new PutObjectRequest { BucketName = _address.Bucket, Key = KeyOf(name), InputStream = body, AutoCloseStream = false, UseChunkEncoding = false };
            await _client.Value.PutObjectAsync(request, cancel).ConfigureAwait(false);
        }
        finally
        {
            _parts.Add(bytes);
            _sending.Release();
        }
    }

    private async Task SendAsync(string name, long length, int partBytes, Func<Memory<byte>, int> next, CancellationToken cancel)
    {
        var begin = new InitiateMultipartUploadRequest { BucketName = _address.Bucket, Key = KeyOf(name) };
        var upload = (await _client.Value.InitiateMultipartUploadAsync(begin, cancel).ConfigureAwait(false)).UploadId;
        try
        {
            var parts = await SendPartsAsync(name, upload, length, partBytes, next, cancel).ConfigureAwait(false);
            var end = new CompleteMultipartUploadRequest { BucketName = _address.Bucket, Key = KeyOf(name), UploadId = upload, PartETags = parts };
            await _client.Value.CompleteMultipartUploadAsync(end, cancel).ConfigureAwait(false);
        }
        catch (Exception)
        {
            await AbortAsync(name, upload).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Sends the parts, several at once; none is on its way any more when it ends.</summary>
    private async Task<List<PartETag>> SendPartsAsync(string name, string upload, long length, int partBytes, Func<Memory<byte>, int> next, CancellationToken cancel)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var sending = new List<Task<PartETag>>();
        try
        {
            for (var left = length; left > 0; left -= partBytes)
            {
                await _sending.WaitAsync(stop.Token).ConfigureAwait(false);
                if (sending.Exists(static part => part.IsFaulted))
                {
                    _sending.Release();
                    break;
                }

                var bytes = RentPart(partBytes);
                try
                {
                    var filled = next(bytes.AsMemory(0, (int)Math.Min(left, partBytes)));
                    sending.Add(SendPartAsync(name, upload, sending.Count + 1, bytes, filled, stop.Token));
                }
                catch (Exception)
                {
                    _parts.Add(bytes);
                    _sending.Release();
                    throw;
                }
            }

            return [.. await Task.WhenAll(sending).ConfigureAwait(false)];
        }
        catch (Exception)
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await ((Task)Task.WhenAll(sending)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
    }

    private async Task<PartETag> SendPartAsync(string name, string upload, int number, byte[] bytes, int length, CancellationToken cancel)
    {
        try
        {
            using var body = new MemoryStream(bytes, 0, length, writable: false);
            var request = new UploadPartRequest
            {
                BucketName = _address.Bucket, Key = KeyOf(name), UploadId = upload, PartNumber = number, PartSize = length, InputStream = body, UseChunkEncoding = false,
            };
            return new PartETag(number, (await _client.Value.UploadPartAsync(request, cancel).ConfigureAwait(false)).ETag);
        }
        finally
        {
            _parts.Add(bytes);
            _sending.Release();
        }
    }

    /// <summary>What can't be aborted now goes with the stage.</summary>
    private async Task AbortAsync(string name, string upload)
    {
        using var late = new CancellationTokenSource(TimeSpan.FromSeconds(Limits.ShuffleConnectSecondsMax));
        try
        {
            await _client.Value.AbortMultipartUploadAsync(new AbortMultipartUploadRequest { BucketName = _address.Bucket, Key = KeyOf(name), UploadId = upload }, late.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is not Fault)
        {
            System.Diagnostics.Debug.WriteLine(error.GetType());
        }
    }

    private async Task RemoveObjectsAsync(string prefix, Action before, CancellationToken cancel)
    {
        // What is removed is not listed again: always the first page, until there is none.
        while (true)
        {
            before();
            var list = new ListObjectsV2Request { BucketName = _address.Bucket, Prefix = prefix, MaxKeys = Limits.ShuffleRemovedAtOnceMax };
            var page = (await _client.Value.ListObjectsV2Async(list, cancel).ConfigureAwait(false)).S3Objects;
            if (page is not { Count: > 0 }) return;
            before();
            var remove = new DeleteObjectsRequest { BucketName = _address.Bucket, Quiet = true, Objects = [.. page.Select(static one => new KeyVersion { Key = one.Key })] };
            await _client.Value.DeleteObjectsAsync(remove, cancel).ConfigureAwait(false);
        }
    }

    private async Task RemoveUploadsAsync(string prefix, Action before, CancellationToken cancel)
    {
        var list = new ListMultipartUploadsRequest { BucketName = _address.Bucket, Prefix = prefix };
        while (true)
        {
            before();
            var page = await _client.Value.ListMultipartUploadsAsync(list, cancel).ConfigureAwait(false);
            foreach (var begun in page.MultipartUploads ?? [])
            {
                before();
                var abort = new AbortMultipartUploadRequest { BucketName = _address.Bucket, Key = begun.Key, UploadId = begun.UploadId };
                await S3Faults.UnlessGoneAsync(_client.Value.AbortMultipartUploadAsync(abort, cancel)).ConfigureAwait(false);
            }

            if (page.IsTruncated is not true) return;
            (list.KeyMarker, list.UploadIdMarker) = (page.NextKeyMarker, page.NextUploadIdMarker);
        }
    }
}
