using Millrace.SystemTests.Chaos.Points;
using Npgsql;

namespace Millrace.SystemTests.Chaos.Database;

/// <summary>The moment when the publication waits for a lock on the nth table of the target: somebody else holds it from the run's beginning.</summary>
internal sealed record LockPoint() : ChaosPoint("the publication's lock is free", ChaosPhase.Commit, ChaosOften.EachStream)
{
    /// <inheritdoc/>
    public override IChaosWatch Watch(ChaosWorld world, int count) => new LockWatch(world.Database, count - 1);

    private sealed class LockWatch : IChaosWatch
    {
        private readonly DatabaseTarget _target;
        private readonly string _name;
        private readonly TaskCompletionSource _held = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Task _holding;

        public LockWatch(DatabaseTarget target, int table)
        {
            (_target, _name) = (target, ChaosTables.Name(table));
            _holding = HoldAsync();
        }

        public async Task<bool> ReachedAsync(Task ended)
        {
            await _held.Task;
            while (!ended.IsCompleted)
            {
                if (await _target.NumberAsync($"SELECT count(*) FROM pg_locks WHERE relation = to_regclass('{_name}') AND NOT granted") > 0) return true;
                await Task.Delay(TimeSpan.FromMilliseconds(10), TestContext.Current.CancellationToken);
            }

            return false;
        }

        public void Release() => _released.TrySetResult();

        public async ValueTask DisposeAsync()
        {
            Release();
            await _holding;
        }

        private async Task HoldAsync()
        {
            try
            {
                await using var holder = await _target.OpenAsync();
                await using var command = new NpgsqlCommand($"BEGIN; LOCK TABLE {_name} IN SHARE MODE", holder);
                await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
                _held.SetResult();
                await _released.Task;
                command.CommandText = "COMMIT";
                await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            }
            catch (NpgsqlException error)
            {
                // Where the fault was the server's end, nobody holds the lock any more.
                _held.TrySetException(error);
            }
        }
    }
}
