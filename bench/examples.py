#!/usr/bin/env python3
"""The examples of the README's gallery at many sizes: time, processor time and peak memory, which stays below their limits.memory of 512 MB.

    bench/examples.py --rows 300000,1000000,3000000,10000000

Makes each size's rows with the example's own generator, runs its job file as it is but for the folders, and writes results/examples.md and the
curve, results/examples.svg. Rows are those of the larger file.
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
EXAMPLES = {"silver-table": "job.yaml", "mapping-table": "job-shuffle.yaml"}


def parse():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", default="300000,1000000,3000000,10000000", help="comma-separated, the smallest first")
    arguments.add_argument("--work", default=tempfile.gettempdir())
    return arguments.parse_args()


def run(example, job, rows, work):
    """Makes the rows and runs the job in a folder of its own, where only they are."""
    out = tempfile.mkdtemp(prefix="millrace-bench-", dir=work)
    began = os.getcwd()
    try:
        data = os.path.join(out, "examples", example, "data")
        subprocess.run([sys.executable, os.path.join(ROOT, "examples", example, "generate.py"), "--rows", str(rows), "--to", data], check=True, stdout=subprocess.DEVNULL)
        size = sum(os.path.getsize(os.path.join(data, name)) for name in os.listdir(data)) / 1e6
        os.chdir(out)
        figures = measure.run([MILLRACE, "run", os.path.join(ROOT, "examples", example, job), "--quiet"], {})
        return {**figures, "read_mb": size}
    finally:
        os.chdir(began)
        shutil.rmtree(out, ignore_errors=True)


def main():
    options = parse()
    sizes = [int(text) for text in options.rows.split(",")]
    rows, series = [], []
    for example, job in EXAMPLES.items():
        points = []
        for size in sizes:
            figures = run(example, job, size, options.work)
            points.append((size, figures["peak_mb"]))
            rows.append([f"{example}/{job}", f"{size:,}", f"{figures['read_mb']:.0f}", f"{figures['seconds']:.1f}", f"{figures['cpu']:.1f}", f"{figures['peak_mb']:.0f}"])
            print(rows[-1], flush=True)
        series.append((example, points))
    with open(os.path.join(HERE, "results", "examples.svg"), "w", encoding="utf-8") as picture:
        picture.write(report.curve(series, LIMIT_MB, f"limits.memory: {LIMIT_MB} MB"))
    body = (report.table(["job", "rows", "source MB", "seconds", "CPU s", "peak PSS MB, all processes"], rows)
            + "\n\n![Peak memory against rows](examples.svg)")
    report.write("examples", "The examples, at many sizes", [("millrace", report.version([MILLRACE, "--version"]))], body)


if __name__ == "__main__":
    main()
