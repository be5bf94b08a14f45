#!/usr/bin/env python3
"""CSV and NDJSON to Parquet: Millrace beside DuckDB alone on the same files, in turns.

    bench/files.py --rows 10000000
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile

import measure
import report

HERE = os.path.dirname(os.path.abspath(__file__))
MILLRACE = os.path.join(HERE, "..", "millrace")
MAKE = """
COPY (
    SELECT i AS id, (i * 2654435761) % 1000000 AS user_id,
           TIMESTAMP '2024-01-01' + to_seconds(((i * 40503) % 31536000)::BIGINT) AS created_at,
           CASE (i * 7919) % 6 WHEN 0 THEN NULL WHEN 1 THEN 'new' WHEN 2 THEN 'paid' WHEN 3 THEN 'shipped' WHEN 4 THEN 'returned' ELSE 'delivered' END AS status,
           ((i * 104729) % 1000000000) / 100.0 AS amount, (i * 31) % 20 = 0 AS is_test, md5(i::VARCHAR) AS session,
           CASE WHEN i % 10 < 3 THEN NULL WHEN i % 100 = 50 THEN 'said "so", and' || chr(10) || 'went on' ELSE repeat(md5(i::VARCHAR), 1 + (i % 5)::INT) END AS note
    FROM range({rows}) AS t(i)
) TO '{path}' ({options})
"""


def parse():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=10_000_000)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--work", default=tempfile.gettempdir())
    return arguments.parse_args()


def duckdb(*statements):
    return [sys.executable, "-s", os.path.join(HERE, "duckdb_copy.py"), "1GB", *statements]


def commands(path, reader, out):
    target = os.path.join(out, "duckdb.parquet")
    return {
        "millrace": [MILLRACE, "run", "--from", path, "--to", os.path.join(out, "lake"), "--quiet", "--state", os.path.join(out, "state")],
        "duckdb": duckdb(f"COPY (SELECT * FROM {reader}('{path}')) TO '{target}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 20480)"),
    }


def compare(options, name, reader, copy_options, work):
    path = os.path.join(work, f"input.{name}")
    subprocess.run(duckdb(MAKE.format(rows=options.rows, path=path, options=copy_options)), check=True)
    runs = {}
    for round_number in range(options.rounds + 1):
        out = os.path.join(work, "out")
        for tool, command in commands(path, reader, out).items():
            os.makedirs(out)
            figures = measure.run(command)
            shutil.rmtree(out)
            if round_number > 0:
                runs.setdefault(tool, []).append(figures)
    size = os.path.getsize(path) / 1e9
    os.remove(path)
    rows = [[tool, f"{report.median(figures, 'seconds'):.2f}", f"{report.median(figures, 'cpu'):.1f}", f"{report.median(figures, 'peak_mb'):.0f}"]
            for tool, figures in runs.items()]
    speed = report.median(runs["duckdb"], "seconds") / report.median(runs["millrace"], "seconds")
    return (f"## {name.upper()}, {size:.1f} GB\n\n" + report.table(["", "seconds", "CPU s", "peak PSS MB"], rows)
            + f"\n\nMillrace has {speed:.2f} of DuckDB's own speed.")


def main():
    options = parse()
    work = tempfile.mkdtemp(prefix="millrace-bench-", dir=options.work)
    try:
        parts = [compare(options, "csv", "read_csv", "FORMAT csv, HEADER", work), compare(options, "ndjson", "read_json", "FORMAT json", work)]
    finally:
        shutil.rmtree(work, ignore_errors=True)
    versions = [("millrace", report.version([MILLRACE, "--version"])),
                ("DuckDB", report.duckdb_version() + ", memory_limit 1 GB")]
    report.write("files", f"Files of {options.rows:,} rows to Parquet, zstd level 1, row groups of 20,480", versions,
                 f"Medians of {options.rounds} rounds after one that does not count.\n\n" + "\n\n".join(parts))


if __name__ == "__main__":
    main()
