"""The peer: DuckDB alone, in its Python package, as a process of its own. Arguments: memory limit, then SQL statements."""
import sys

import duckdb

connection = duckdb.connect(config={
    "allow_unsigned_extensions": "true",
    "memory_limit": sys.argv[1],
    "preserve_insertion_order": "false",
    "threads": "2",
})
for statement in sys.argv[2:]:
    connection.execute(statement)
