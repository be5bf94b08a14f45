namespace Millrace.DuckDb;

/// <summary>DuckDB's error classes, with the numbers of <c>duckdb_error_type</c> in its C API.</summary>
public enum DuckDbErrorType
{
    /// <summary>Not an error class; DuckDB gave none.</summary>
    Invalid = 0,

    /// <summary>A value is outside of its type's range.</summary>
    OutOfRange = 1,

    /// <summary>A cast failed.</summary>
    Conversion = 2,

    /// <summary>A type's name is not known.</summary>
    UnknownType = 3,

    /// <summary>Decimal arithmetic failed.</summary>
    Decimal = 4,

    /// <summary>Two types don't fit together.</summary>
    MismatchType = 5,

    /// <summary>Division by zero.</summary>
    DivideByZero = 6,

    /// <summary>An object is too large.</summary>
    ObjectSize = 7,

    /// <summary>A type is not allowed here.</summary>
    InvalidType = 8,

    /// <summary>Reading or writing a serialised form failed.</summary>
    Serialization = 9,

    /// <summary>A transaction conflicts or was aborted.</summary>
    Transaction = 10,

    /// <summary>DuckDB does not implement this.</summary>
    NotImplemented = 11,

    /// <summary>An expression is wrong.</summary>
    Expression = 12,

    /// <summary>A table, function or type does not exist, or exists already.</summary>
    Catalog = 13,

    /// <summary>The SQL text is no SQL.</summary>
    Parser = 14,

    /// <summary>Planning failed.</summary>
    Planner = 15,

    /// <summary>Scheduling failed.</summary>
    Scheduler = 16,

    /// <summary>Execution failed.</summary>
    Executor = 17,

    /// <summary>A constraint was violated.</summary>
    Constraint = 18,

    /// <summary>An index failed.</summary>
    Index = 19,

    /// <summary>Statistics failed.</summary>
    Stat = 20,

    /// <summary>The connection is unusable.</summary>
    Connection = 21,

    /// <summary>A syntax error found after parsing.</summary>
    Syntax = 22,

    /// <summary>A setting is wrong.</summary>
    Settings = 23,

    /// <summary>Names or types could not be bound; also every error of a bind callback.</summary>
    Binder = 24,

    /// <summary>The network failed.</summary>
    Network = 25,

    /// <summary>The optimizer failed.</summary>
    Optimizer = 26,

    /// <summary>A null pointer inside DuckDB.</summary>
    NullPointer = 27,

    /// <summary>Reading or writing a file failed.</summary>
    IO = 28,

    /// <summary>The query was interrupted.</summary>
    Interrupt = 29,

    /// <summary>The database is unusable from now on and must be closed.</summary>
    Fatal = 30,

    /// <summary>A bug in DuckDB; the database is unusable from now on.</summary>
    Internal = 31,

    /// <summary>An input is invalid; also every error of a callback other than bind.</summary>
    InvalidInput = 32,

    /// <summary>The memory limit does not suffice; the database stays usable.</summary>
    OutOfMemory = 33,

    /// <summary>The configuration forbids this.</summary>
    Permission = 34,

    /// <summary>A parameter's type could not be found out.</summary>
    ParameterNotResolved = 35,

    /// <summary>A parameter is not allowed here.</summary>
    ParameterNotAllowed = 36,

    /// <summary>Something else depends on this.</summary>
    Dependency = 37,

    /// <summary>An HTTP request failed.</summary>
    Http = 38,

    /// <summary>An extension is needed that is not loaded.</summary>
    MissingExtension = 39,

    /// <summary>Loading an extension by itself failed.</summary>
    Autoload = 40,

    /// <summary>A sequence is exhausted or misused.</summary>
    Sequence = 41,

    /// <summary>A configuration value is wrong.</summary>
    InvalidConfiguration = 42,
}
