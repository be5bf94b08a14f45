#!/usr/bin/env python3
"""Tables into PostgreSQL: Millrace beside `psql \\copy | psql \\copy` and `pg_dump | psql`, in turns, between two databases of one server.

    bench/into_postgres.py --url postgres://user@127.0.0.1:5432/db --target postgres://user@127.0.0.1:5432/other --rounds 3

The table (see bench/README.md) goes with its primary key and its logging, so both ends are alike: psql copies into a table that has
the key, as a script would; pg_dump makes it after the load, and so does Millrace. Every other round runs backwards. Afterwards a million
changes are merged into the table that is there, and loaded by a cursor; these have no peer.
"""
import argparse
import os
import shlex
import shutil
import subprocess
import tempfile

import measure
import report

HERE = os.path.dirname(os.path.abspath(__file__))
MILLRACE = os.path.join(HERE, "..", "millrace")
PIPE, BINARY, DUMP, FILE = "psql \\copy | psql \\copy", "psql \\copy | psql \\copy, binary", "pg_dump | psql", "psql \\copy from a binary file"


def parse():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--url", required=True)
    arguments.add_argument("--target", required=True, help="a database whose table of this name may be dropped")
    arguments.add_argument("--table", default="events", help="a table of the schema public")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--changes", type=int, default=1_000_000)
    arguments.add_argument("--work", default=tempfile.gettempdir())
    arguments.add_argument("--name", default="into-postgres")
    return arguments.parse_args()


def moved(options, source, *sets):
    return [MILLRACE, "run", "--from", source, "--to", "${BENCH_TARGET}", "--quiet", "--state", os.path.join(options.out, "state"),
            *(("--stream", f"public.{options.table}") if source.startswith("$") else ()), *(part for text in sets for part in ("--set", text))]


def piped(first, second):
    return ["bash", "-c", f"set -o pipefail; {shlex.join(first)} | {shlex.join(second)}"]


def commands(options):
    """Each with what must be there before it: an empty table with its key, or none."""
    table, url, target, stream = options.table, options.url, options.target, f"streams.public.{options.table}"
    parquet, binary = os.path.join(options.out, "lake", table), os.path.join(options.out, "rows.bin")
    text = piped(["psql", url, "-qc", f"\\copy {table} TO STDOUT"], ["psql", target, "-qc", f"\\copy {table} FROM STDIN"])
    both = piped(["psql", url, "-qc", f"\\copy {table} TO STDOUT (FORMAT binary)"], ["psql", target, "-qc", f"\\copy {table} FROM STDIN (FORMAT binary)"])
    return [
        (PIPE, True, text),
        (BINARY, True, both),
        (DUMP, False, piped(["pg_dump", url, "-t", f"public.{table}"], ["psql", target, "-q"])),
        ("millrace, proof: hash", True, moved(options, "${BENCH_URL}")),
        ("millrace, proof: counts", True, moved(options, "${BENCH_URL}", f"{stream}.proof=counts")),
        (FILE, True, ["psql", target, "-qc", f"\\copy {table} FROM '{binary}' (FORMAT binary)"]),
        ("millrace, from Parquet", True, moved(options, parquet, f"streams.{table}.to={table}")),
    ]


def prepare(options):
    """What the commands that read files read."""
    environment = {"BENCH_URL": options.url}
    measure.run([MILLRACE, "run", "--from", "${BENCH_URL}", "--to", os.path.join(options.out, "lake"), "--stream", f"public.{options.table}", "--quiet",
                 "--state", os.path.join(options.out, "state")], environment)
    subprocess.run(["psql", options.url, "-qc", f"\\copy {options.table} TO '{os.path.join(options.out, 'rows.bin')}' (FORMAT binary)"], check=True)


def begin(options, has_table):
    report.psql(options.target, f"DROP TABLE IF EXISTS {options.table}")
    if has_table:
        schema = subprocess.run(["pg_dump", options.url, "-s", "-t", f"public.{options.table}"], capture_output=True, text=True, check=True).stdout
        subprocess.run(["psql", options.target, "-q"], input=schema, text=True, check=True, stdout=subprocess.DEVNULL)
    report.psql(options.target, "CHECKPOINT")


def changes(options):
    """Merges and incremental loads into the table that the last command has left."""
    table, stream = options.table, "streams.public.changes"
    environment = {"BENCH_URL": options.url, "BENCH_TARGET": options.target}
    source = [MILLRACE, "run", "--from", "${BENCH_URL}", "--to", "${BENCH_TARGET}", "--stream", "public.changes", "--quiet", "--state", os.path.join(options.out, "state"),
              "--set", f"{stream}.to={table}", "--set", f"{stream}.key=[id]"]
    rows = []
    for name, cursor, sets in (
            ("merge, half of them new", "id * 10", [f"{stream}.mode=merge"]),
            ("incremental by key, the first load", "id * 10", [f"{stream}.mode=incremental", f"{stream}.cursor=created_at"]),
            ("incremental by key, nothing new but the last hour", "id * 10", [f"{stream}.mode=incremental", f"{stream}.cursor=created_at", f"{stream}.lag=1h"])):
        if rows == []:
            report.psql(options.url, f"DROP TABLE IF EXISTS changes; CREATE UNLOGGED TABLE changes AS SELECT * FROM {table} WHERE id % 10 = 0 LIMIT {options.changes}; "
                              f"UPDATE changes SET id = CASE WHEN id % 20 = 0 THEN -id ELSE id END, score = score + 1; ANALYZE changes")
        figures = measure.run([*source, *(part for text in sets for part in ("--set", text))], environment)
        rows.append([name, f"{figures['seconds']:.2f}", f"{figures['cpu']:.1f}", f"{figures['peak_mb']:.0f}", report.psql(options.target, f"SELECT count(*) || ' rows, sum of ids ' || sum(id) FROM {table}")])
        print(rows[-1], flush=True)
    report.psql(options.url, "DROP TABLE changes")
    return report.table([f"{options.changes:,} changes", "seconds", "CPU s (client)", "peak PSS MB", "the table then"], rows)


def main():
    options = parse()
    options.out = tempfile.mkdtemp(prefix="millrace-bench-", dir=options.work)
    runs = {}
    digest = f"SELECT count(*) || ' ' || sum(hashtextextended(t::text, 0)::numeric) FROM {options.table} AS t"
    try:
        prepare(options)
        expected = report.psql(options.url, digest)
        for round_number in range(options.rounds + 1):
            turns = commands(options)
            for name, has_table, command in turns if round_number % 2 == 0 else turns[::-1]:
                begin(options, has_table)
                figures = measure.run(command, {"BENCH_URL": options.url, "BENCH_TARGET": options.target})
                if round_number == 0:
                    assert report.psql(options.target, digest) == expected, name
                else:
                    runs.setdefault(name, []).append(figures)
                print(name, {k: round(v, 2) for k, v in figures.items()}, flush=True)
        publish(options, runs, changes(options))
    finally:
        shutil.rmtree(options.out, ignore_errors=True)


def publish(options, runs, merged):
    def seconds(name):
        return report.median(runs[name], "seconds")

    pipe, ours = seconds(PIPE), seconds("millrace, proof: hash")
    rows = [[name.replace("|", "\\|"), f"{seconds(name):.2f}", f"{seconds(name) / pipe:.2f}", f"{report.median(runs[name], 'cpu'):.1f}", f"{report.median(runs[name], 'peak_mb'):.0f}"]
            for name, _, _ in commands(options)]
    body = report.table(["", "seconds", "/ psql \\| psql", "CPU s (clients)", "peak PSS MB"], rows)
    body += (f"\n\nWith `proof: hash`: {pipe / ours:.2f} times as fast as `psql | psql`, {seconds(BINARY) / ours:.2f} times as the same in binary, {seconds(DUMP) / ours:.2f} times as "
             f"`pg_dump | psql`. From Parquet: {seconds(FILE) / seconds('millrace, from Parquet'):.2f} times as fast as one `psql` with the same rows in a binary file.")
    count = int(report.psql(options.url, f"SELECT count(*) FROM {options.table}"))
    is_logged = report.psql(options.url, f"SELECT relpersistence <> 'u' FROM pg_class WHERE oid = '{options.table}'::regclass") == "t"
    versions = [("millrace", report.version([MILLRACE, "--version"])), ("PostgreSQL", report.postgres_version(options.url)), ("psql", report.version(["psql", "--version"]))]
    report.write(options.name, f"`{options.table}`, {count:,} rows, into PostgreSQL", versions,
                 f"Medians of {options.rounds} rounds after one that does not count and whose content was compared; servers and clients share the machine. "
                 f"The table is {'logged' if is_logged else 'unlogged'} and has its primary key at both ends.\n\n" + body + "\n\n" + merged)


if __name__ == "__main__":
    main()
