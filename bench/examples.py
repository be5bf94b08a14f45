#!/usr/bin/env python3
"""The examples of the README's gallery at many sizes: time, processor time and peak memory, which stays below their limits.memory of 512 MB.

    bench/examples.py --rows 300000,1000000,3000000,10000000 --mapping-url postgres://user@host/database

Makes each size's rows with the example's own generator, runs its job files as they are but for the folders, and writes results/examples.md and the
curve, results/examples.svg. Rows are those of the larger file. The mapping store is a table public.mapping of that database, which is dropped and
made anew; the server's memory does not count.
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
ROOT = os.path.dirname(HERE)
MILLRACE = os.path.join(ROOT, "millrace")
LIMIT_MB = 512
JOBS = [("silver-table", "job.yaml"), ("mapping-table", "job-shuffle.yaml"), ("mapping-table", "job-store.yaml"), ("mapping-table", "job-lookup.yaml")]
STORE = "DROP TABLE IF EXISTS public.mapping; CREATE TABLE public.mapping (id text PRIMARY KEY, targets jsonb)"


def parse():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", default="300000,1000000,3000000,10000000", help="comma-separated, the smallest first")
    arguments.add_argument("--mapping-url", required=True, help="a database of PostgreSQL for the mapping store")
    arguments.add_argument("--work", default=tempfile.gettempdir())
    return arguments.parse_args()


def make(example, rows, out):
    """Makes the rows where the example's jobs look for them; gives their megabytes."""
    data = os.path.join(out, "examples", example, "data")
    subprocess.run([sys.executable, os.path.join(ROOT, "examples", example, "generate.py"), "--rows", str(rows), "--to", data], check=True, stdout=subprocess.DEVNULL)
    return sum(os.path.getsize(os.path.join(data, name)) for name in os.listdir(data)) / 1e6


def run(example, job, mapping_url):
    """Runs a job in the current folder, which has its rows and no other run's."""
    if job == "job-store.yaml": report.psql(mapping_url, STORE)
    return measure.run([MILLRACE, "run", os.path.join(ROOT, "examples", example, job), "--quiet"], {"MAPPING_URL": mapping_url})


def main():
    options = parse()
    began = os.getcwd()
    rows, points = [], {job: [] for job in JOBS}
    for size in [int(text) for text in options.rows.split(",")]:
        for example in dict.fromkeys(example for example, _ in JOBS):
            out = tempfile.mkdtemp(prefix="millrace-bench-", dir=options.work)
            try:
                megabytes = make(example, size, out)
                os.chdir(out)
                for job in [job for of, job in JOBS if of == example]:
                    figures = run(example, job, options.mapping_url)
                    points[example, job].append((size, figures["peak_mb"]))
                    rows.append([f"{example}/{job}", f"{size:,}", f"{megabytes:.0f}", f"{figures['seconds']:.1f}", f"{figures['cpu']:.1f}", f"{figures['peak_mb']:.0f}"])
                    print(rows[-1], flush=True)
            finally:
                os.chdir(began)
                shutil.rmtree(out, ignore_errors=True)
    rows.sort(key=lambda row: [f"{example}/{job}" for example, job in JOBS].index(row[0]))
    series = [(f"{example}/{job}", points[example, job]) for example, job in JOBS]
    with open(os.path.join(HERE, "results", "examples.svg"), "w", encoding="utf-8") as picture:
        picture.write(report.curve(series, LIMIT_MB, f"limits.memory: {LIMIT_MB} MB"))
    body = (report.table(["job", "rows", "source MB", "seconds", "CPU s", "peak PSS MB, all processes"], rows)
            + "\n\nPostgreSQL's own memory and CPU are not in the figures of `job-store.yaml` and `job-lookup.yaml`.\n\n![Peak memory against rows](examples.svg)")
    report.write("examples", "The examples, at many sizes", [("millrace", report.version([MILLRACE, "--version"])), ("PostgreSQL", report.postgres_version(options.mapping_url))], body)


if __name__ == "__main__":
    main()
