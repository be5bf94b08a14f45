#!/usr/bin/env python3
"""`events` from PostgreSQL to Parquet: Millrace beside psql and DuckDB's own postgres extension, in turns, on the same server.

    bench/events.py --url postgres://user@127.0.0.1:5432/db --rounds 5 --extension PATH/postgres_scanner.duckdb_extension

The table is made by `psql -v rows=10000000 -f events.sql` (see bench/README.md). Every round runs every command once, every other round
backwards, so that a machine whose speed drifts is fair to all; the figures are medians.
"""
import argparse
import os
import shlex
import shutil
import sys
import tempfile
import urllib.parse

import measure
import report

HERE = os.path.dirname(os.path.abspath(__file__))
MILLRACE = os.path.join(HERE, "..", "millrace")
COLUMNS = ("seconds", "cpu", "peak_mb")


def parse():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--url", required=True)
    arguments.add_argument("--table", default="public.events")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--extension", help="DuckDB's postgres extension; without it DuckDB is left out")
    arguments.add_argument("--work", default=tempfile.gettempdir())
    arguments.add_argument("--name", default="events")
    return arguments.parse_args()


def commands(options, out):
    table, url = options.table, options.url
    pages = int(report.psql(url, f"SELECT pg_relation_size('{table}') / current_setting('block_size')::int"))
    half = pages // 2

    def copy(where=""):
        return f"\\copy (SELECT * FROM {table}{where}) TO /dev/null WITH (FORMAT binary)"

    halves = [f" WHERE ctid < '({half},0)'::tid", f" WHERE ctid >= '({half},0)'::tid"]
    both = " & ".join(shlex.join(["psql", url, "-qc", copy(where)]) for where in halves) + " & wait"
    found = {
        "psql, one stream, to /dev/null": ["psql", url, "-qc", copy()],
        "psql, two ctid halves, to /dev/null": ["sh", "-c", both],
    }
    move = [MILLRACE, "run", "--from", "${BENCH_URL}", "--to", os.path.join(out, "lake"), "--stream", table, "--quiet",
            "--state", os.path.join(out, "state")]
    for level in (1, 3):
        found[f"millrace, Parquet zstd {level}"] = [*move, "--set", f"streams.{table}.write.level={level}"]
    if options.extension:
        part = urllib.parse.urlsplit(url)
        attach = f"host={part.hostname} port={part.port} user={part.username} dbname={part.path[1:]}"
        for level in (1, 3):
            target = os.path.join(out, f"duckdb-{level}.parquet")
            found[f"duckdb, Parquet zstd {level}"] = [
                sys.executable, "-s", os.path.join(HERE, "duckdb_copy.py"), "128MB",
                f"LOAD '{options.extension}'", f"ATTACH '{attach}' AS pg (TYPE postgres, READ_ONLY)",
                f"COPY (SELECT * FROM pg.{table}) TO '{target}' "
                f"(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL {level}, ROW_GROUP_SIZE 20480)"]
    return found


def written(out):
    """Bytes of what the last command left."""
    return sum(os.path.getsize(os.path.join(folder, file)) for folder, _, files in os.walk(out) for file in files if file.endswith(".parquet"))


def main():
    options = parse()
    out = tempfile.mkdtemp(prefix="millrace-bench-", dir=options.work)
    runs, sizes = {}, {}
    try:
        for round_number in range(options.rounds + 1):
            turns = list(commands(options, out).items())
            for name, command in turns if round_number % 2 == 0 else reversed(turns):
                figures = measure.run(command, {"BENCH_URL": options.url})
                sizes[name] = written(out) / 1e6
                for entry in os.listdir(out):
                    path = os.path.join(out, entry)
                    shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
                if round_number > 0:
                    runs.setdefault(name, []).append(figures)
                    print(name, {k: round(v, 2) for k, v in figures.items()}, flush=True)
        publish(options, runs, sizes)
    finally:
        shutil.rmtree(out, ignore_errors=True)


def ratios(ours, peer):
    return {column: report.median(ours, column) / report.median(peer, column) for column in COLUMNS}


def publish(options, runs, sizes):
    one = report.median(runs["psql, one stream, to /dev/null"], "seconds")
    rows = []
    for name in sizes:
        figures = runs[name]
        seconds, cpu, peak = (report.median(figures, column) for column in COLUMNS)
        rows.append([name, f"{seconds:.2f}", f"{seconds / one:.2f}", f"{cpu:.1f}", f"{peak:.0f}", f"{sizes[name]:.0f}" if sizes[name] else ""])
    body = report.table(["", "seconds", "/ psql one stream", "CPU s (client)", "peak PSS MB", "written MB"], rows)
    for level in (1, 3):
        ours, peer = runs.get(f"millrace, Parquet zstd {level}"), runs.get(f"duckdb, Parquet zstd {level}")
        if ours and peer:
            ratio = ratios(ours, peer)
            body += f"\n\nmillrace / duckdb at zstd {level}: time {ratio['seconds']:.2f}, CPU {ratio['cpu']:.2f}, memory {ratio['peak_mb']:.2f}."
    ours, peer = runs["millrace, Parquet zstd 1"], runs.get("duckdb, Parquet zstd 3")
    if peer:
        ratio = ratios(ours, peer)
        body += (f"\n\nEach at its own default (millrace zstd 1, duckdb zstd 3): time {ratio['seconds']:.2f}, CPU {ratio['cpu']:.2f}, "
                 f"memory {ratio['peak_mb']:.2f}, bytes {sizes['millrace, Parquet zstd 1'] / sizes['duckdb, Parquet zstd 3']:.2f}.")
    count = int(report.psql(options.url, f"SELECT count(*) FROM {options.table}"))
    versions = [
        ("millrace", report.version([MILLRACE, "--version"])),
        ("PostgreSQL", report.postgres_version(options.url)),
        ("psql", report.version(["psql", "--version"])),
    ]
    if options.extension:
        versions.append(("DuckDB", report.duckdb_version() + " with its postgres extension"))
    title = f"`{options.table}`, {count:,} rows, PostgreSQL to Parquet"
    report.write(options.name, title, versions, f"Medians of {options.rounds} rounds after one that does not count; server and client share the machine.\n\n" + body)


if __name__ == "__main__":
    main()
