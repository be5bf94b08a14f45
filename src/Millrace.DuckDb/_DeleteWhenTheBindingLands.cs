#pragma warning disable
namespace Millrace.DuckDb;
public sealed class DuckDbConnection;
public sealed class DuckDbResult;
public sealed class DuckDbException : Exception;
