#!/usr/bin/env python3
"""What a proof costs: `events` from PostgreSQL to Parquet with `proof: counts`, `hash` and `readback` in turns.

    bench/proof.py --url postgres://user@127.0.0.1:5432/db --rounds 8

The three run directly after one another, every other round backwards, and what counts is the ratio within a round: a machine whose speed
drifts by more than a proof costs would hide it otherwise.
"""
import argparse
import os
import shutil
import statistics
import tempfile

import measure
import report

MILLRACE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "millrace")
PROOFS = ("counts", "hash", "readback")
COLUMNS = ("seconds", "cpu", "peak_mb")


def parse():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--url", required=True)
    arguments.add_argument("--table", default="public.events")
    arguments.add_argument("--rounds", type=int, default=8)
    arguments.add_argument("--work", default=tempfile.gettempdir())
    return arguments.parse_args()


def move(options, proof):
    out = tempfile.mkdtemp(prefix="millrace-bench-", dir=options.work)
    try:
        command = [MILLRACE, "run", "--from", "${BENCH_URL}", "--to", os.path.join(out, "lake"), "--stream", options.table, "--quiet",
                   "--state", os.path.join(out, "state"), "--set", f"streams.{options.table}.proof={proof}"]
        figures = measure.run(command, {"BENCH_URL": options.url})
        print(proof, {name: round(value, 2) for name, value in figures.items()}, flush=True)
        return figures
    finally:
        shutil.rmtree(out, ignore_errors=True)


def main():
    options = parse()
    runs = {proof: [] for proof in PROOFS}
    for number in range(options.rounds + 1):
        for proof in PROOFS if number % 2 == 0 else PROOFS[::-1]:
            figures = move(options, proof)
            if number > 0:
                runs[proof].append(figures)
    rows = []
    for proof, figures in runs.items():
        ratio = [statistics.median(run[name] / counted[name] for run, counted in zip(figures, runs["counts"])) for name in COLUMNS[:2]]
        rows.append([f"`{proof}`", *(f"{report.median(figures, name):.2f}" for name in COLUMNS[:2]), f"{report.median(figures, 'peak_mb'):.0f}", *(f"{value:.2f}" for value in ratio)])
    body = report.table(["", "seconds", "CPU s", "peak PSS MB", "time / counts", "CPU / counts"], rows)
    report.write("proof", f"The cost of a proof, `{options.table}`", [("millrace", report.version([MILLRACE, "--version"]))],
                 f"PostgreSQL to Parquet, medians of {options.rounds} rounds after one that does not count; the ratios are medians of the rounds' ratios. "
                 "Server and client share the machine.\n\n" + body)


if __name__ == "__main__":
    main()
