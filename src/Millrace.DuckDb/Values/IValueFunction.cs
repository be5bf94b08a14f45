namespace Millrace.DuckDb;

/// <summary>One use of a function in a query; see <see cref="DuckDbConnection.RegisterValueFunction"/>. Thread safe.</summary>
public interface IValueFunction
{
    /// <summary>Opens what works for one thread.</summary>
    IValueWorker Open();
}

/// <summary>Makes the values of a function, chunk by chunk. Used by one thread; disposed when its query has ended.</summary>
public interface IValueWorker : IDisposable
{
    /// <summary>Writes a value for each row.</summary>
    /// <param name="arguments">The token is column 0, the others follow.</param>
    /// <param name="output">Takes the values; every row below <see cref="ChunkReader.Rows"/> is written.</param>
    void Run(in ChunkReader arguments, VectorWriter output);
}
