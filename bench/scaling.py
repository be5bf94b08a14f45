#!/usr/bin/env python3
"""What must not grow: memory with the rows, time with the units, memory and first unit with the plan.

    bench/scaling.py --url postgres://user@127.0.0.1:5432/db --tables events_2m,events,events_30m
"""
import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time

import measure
import report

HERE = os.path.dirname(os.path.abspath(__file__))
MILLRACE = os.path.join(HERE, "..", "millrace")


def parse():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--url", required=True)
    arguments.add_argument("--tables", required=True, help="comma-separated, the smallest first; the second is used for the units")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--work", default=tempfile.gettempdir())
    return arguments.parse_args()


def count(url, table):
    return int(subprocess.run(["psql", url, "-Atc", f"SELECT count(*) FROM {table}"], capture_output=True, text=True, check=True).stdout)


def move(options, table, *settings):
    """One run into a fresh folder; its figures. The folder stays until the end: ext4 searches long for an inode after many were freed."""
    out = tempfile.mkdtemp(prefix="run-", dir=options.work)
    command = [MILLRACE, "run", "--from", "${BENCH_URL}", "--to", os.path.join(out, "lake"), "--stream", f"public.{table}",
               "--quiet", "--state", os.path.join(out, "state")]
    for setting in settings:
        command += ["--set", setting]
    return measure.run(command, {"BENCH_URL": options.url})


def memory(options):
    rows = []
    for table in options.tables.split(","):
        figures = [move(options, table, "engine=local") for _ in range(options.rounds)]
        rows.append([f"{count(options.url, table):,}", f"{report.median(figures, 'peak_mb'):.0f}", f"{report.median(figures, 'seconds'):.1f}"])
    return "## Memory over rows\n\n" + report.table(["rows", "peak PSS MB, all processes", "seconds"], rows)


def units(options):
    table = options.tables.split(",")[1]
    total = count(options.url, table)
    runs = {20: [], 200: []}
    for round in range(2 * options.rounds):
        # In turns, so that neither always comes after the other.
        for wanted in sorted(runs, reverse=round % 2 == 1):
            runs[wanted].append(move(options, table, f"streams.public.{table}.partition.rows={total // wanted}"))
    ratio = {figure: statistics.median(many[figure] / few[figure] for few, many in zip(*runs.values())) for figure in ("seconds", "cpu")}
    rows = [[wanted, f"{report.median(figures, 'seconds'):.2f}", f"{report.median(figures, 'cpu'):.1f}", f"{report.median(figures, 'peak_mb'):.0f}"]
            for wanted, figures in runs.items()]
    return (f"## Many units\n\n`{table}`, {total:,} rows.\n\n" + report.table(["units", "seconds", "CPU s", "peak PSS MB"], rows)
            + f"\n\n{2 * options.rounds} rounds of both. 200 units take {ratio['seconds']:.2f} of the time of 20 and {ratio['cpu']:.2f} of its CPU (median of the rounds' ratios).")


def plan(options):
    """A million units of one row: how soon the first result is there, and how large the coordinator gets by then."""
    subprocess.run(["psql", options.url, "-qc",
                    "DROP TABLE IF EXISTS many; CREATE UNLOGGED TABLE many AS SELECT i AS id FROM generate_series(1, 1000000) AS i;"
                    "ALTER TABLE many ADD PRIMARY KEY (id); ANALYZE many"], check=True)
    out = tempfile.mkdtemp(prefix="millrace-bench-", dir=options.work)
    began = time.monotonic()
    process = subprocess.Popen(
        [MILLRACE, "run", "--from", "${BENCH_URL}", "--to", os.path.join(out, "lake"), "--stream", "public.many", "--quiet",
         "--state", os.path.join(out, "state"), "--set", "engine=local", "--set", "streams.public.many.partition.by=id",
         "--set", "streams.public.many.partition.rows=1"],
        env={**os.environ, "BENCH_URL": options.url}, stderr=subprocess.DEVNULL)
    first, planned, peak = None, None, 0
    while time.monotonic() - began < 120 and planned is None:
        time.sleep(0.02)
        peak = max(peak, measure.pss_bytes(process.pid))
        if first is None and any(file.endswith(".json") for folder, _, files in os.walk(os.path.join(out, "state")) if "results" in folder for file in files):
            first = time.monotonic() - began
        for folder, _, files in os.walk(os.path.join(out, "state")):
            if "plan.ndjson" in files:
                with open(os.path.join(folder, "plan.ndjson"), "rb") as lines:
                    lines.seek(max(0, os.path.getsize(lines.name) - 100))
                    if b'{"units":' in lines.read():
                        planned = time.monotonic() - began
    process.terminate()
    process.wait()
    return ("## A plan of a million units\n\n"
            f"First unit's result after {first:.2f} s; the plan written whole after {planned:.1f} s; the coordinator's peak PSS until then {peak / 1e6:.0f} MB.")


def main():
    options = parse()
    options.work = tempfile.mkdtemp(prefix="millrace-bench-", dir=options.work)
    try:
        body = "\n\n".join([memory(options), units(options), plan(options)])
    finally:
        shutil.rmtree(options.work, ignore_errors=True)
    report.write("scaling", "What must not grow", [("millrace", report.version([MILLRACE, "--version"]))],
                 f"Medians of {options.rounds} rounds.\n\n" + body)


if __name__ == "__main__":
    main()
