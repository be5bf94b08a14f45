namespace Millrace.DuckDb;

/// <summary>
/// Waits for a store. DuckDB asks for rows by a call that returns when it has them: its thread can only block, and nothing that it waits for needs that
/// thread.
/// </summary>
internal static class Waiting
{
    /// <summary>Waits for an end.</summary>
    public static void For(Task task) => task.GetAwaiter().GetResult();

    /// <summary>Waits for a value.</summary>
    public static T For<T>(Task<T> task) => task.GetAwaiter().GetResult();

    /// <summary>Waits for a value that is usually there.</summary>
    public static T For<T>(ValueTask<T> task) => task.IsCompletedSuccessfully ? task.Result : For(task.AsTask());
}
