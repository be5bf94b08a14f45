#!/usr/bin/env python3
"""Readers in a loop while a table is overwritten and merged, again and again: no error, never a part, and how long they wait.

    bench/readers.py --url postgres://user@127.0.0.1:5432/db --target postgres://user@127.0.0.1:5432/other --runs 50

Every run gives all rows of a table the next version. A reader (pgbench, one statement a transaction) divides by zero when it finds another
number of rows, or two versions: that would end it.
"""
import argparse
import glob
import os
import shutil
import statistics
import subprocess
import tempfile

import report

HERE = os.path.dirname(os.path.abspath(__file__))
MILLRACE = os.path.join(HERE, "..", "millrace")
READ = "SELECT 1 / (count(*) = {rows} AND min(version) = max(version))::int FROM {table};\n"


def parse():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--url", required=True)
    arguments.add_argument("--target", required=True, help="a database whose table read_while_written may be dropped")
    arguments.add_argument("--runs", type=int, default=50, help="of each mode")
    arguments.add_argument("--rows", type=int, default=100_000)
    arguments.add_argument("--readers", type=int, default=2)
    arguments.add_argument("--pgbench", default="pgbench")
    arguments.add_argument("--work", default=tempfile.gettempdir())
    arguments.add_argument("--name", default="readers")
    return arguments.parse_args()


def move(options, out, *sets):
    subprocess.run([MILLRACE, "run", "--from", "${BENCH_URL}", "--to", "${BENCH_TARGET}", "--stream", "public.read_while_written", "--quiet",
                    "--state", os.path.join(out, "state"), *(part for text in sets for part in ("--set", f"streams.public.read_while_written.{text}"))],
                   env={**os.environ, "BENCH_URL": options.url, "BENCH_TARGET": options.target}, check=True, stdout=subprocess.DEVNULL)


def during(options, out, *sets):
    """Reads while it writes; gives the waits in milliseconds, sorted."""
    table = "read_while_written"
    script = os.path.join(out, "read.sql")
    with open(script, "w", encoding="ascii") as file:
        file.write(READ.format(rows=options.rows, table=table))
    for log in glob.glob(os.path.join(out, "reads.*")):
        os.remove(log)
    reading = subprocess.Popen([options.pgbench, "-n", "-c", str(options.readers), "-T", "36000", "-f", script, "-l", f"--log-prefix={out}/reads", options.target],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for version in range(options.runs):
        report.psql(options.url, f"UPDATE {table} SET version = version + 1")
        move(options, out, *sets)
        assert report.psql(options.target, f"SELECT min(version) = max(version) AND count(*) = {options.rows} FROM {table}") == "t", version
    if reading.poll() is not None:
        raise RuntimeError(f"the readers ended before the writer: {reading.stdout.read()}")
    reading.terminate()
    said = reading.communicate()[0]
    if "division by zero" in said or "ERROR" in said:
        raise RuntimeError(f"a reader found a part, or an error: {said}")
    waits = []
    for log in glob.glob(os.path.join(out, "reads.*")):
        with open(log, encoding="ascii") as lines:
            waits += [int(line.split()[2]) / 1000 for line in lines if len(line.split()) >= 6]
    return sorted(waits)


def main():
    options = parse()
    out = tempfile.mkdtemp(prefix="millrace-bench-", dir=options.work)
    try:
        report.psql(options.url, f"DROP TABLE IF EXISTS read_while_written; CREATE TABLE read_while_written AS SELECT i AS id, 0 AS version, md5(i::text) AS text FROM generate_series(1, {options.rows}) AS i; "
                          "ALTER TABLE read_while_written ADD PRIMARY KEY (id)")
        report.psql(options.target, "DROP TABLE IF EXISTS read_while_written CASCADE")
        report.psql(options.target, "CREATE TABLE read_while_written (id int PRIMARY KEY, version int, text text)")
        move(options, out)
        rows = []
        for name, sets in (("overwrite, by exchange", []), ("merge by key", ["mode=merge", "key=[id]"])):
            waits = during(options, out, *sets)
            rows.append([f"{options.runs} times {name}", f"{len(waits):,}", 0, *(f"{wait:.1f}" for wait in (statistics.median(waits), waits[int(len(waits) * 0.99)], waits[-1]))])
            print(rows[-1], flush=True)
        report.psql(options.target, "DROP TABLE read_while_written")
        versions = [("millrace", report.version([MILLRACE, "--version"])), ("PostgreSQL", report.postgres_version(options.url))]
        report.write(options.name, f"{options.readers} readers of a table of {options.rows:,} rows while it is written", versions,
                     "Each read counts the rows and compares their versions; one that found a part, or an error, would have ended the benchmark.\n\n"
                     + report.table(["", "reads", "errors or parts", "median ms", "99 % below ms", "longest ms"], rows))
    finally:
        shutil.rmtree(out, ignore_errors=True)


if __name__ == "__main__":
    main()
