#!/usr/bin/env python3
"""Runs the chaos test (tests/Millrace.System.Tests/Chaos) over many seeds and writes what was found to results/chaos.md; where the job has steps
whose rows go through several stages, to results/chaos_stages.md; where the target is PostgreSQL, to results/chaos_postgres.md.

    bench/chaos.py [--world files|stages|postgres] [--first 1] [--runs 500] [--beside 2]

Each run is disturbed at moments that follow from its seed and resumed until it is done; the tests compare the tables with the source by
independent readers and look for what was left behind. Needs what ./test needs (root on Linux, PostgreSQL, libfaketime, the testbed), and
a program and tests that are built.
"""
import argparse
import collections
import json
import os
import pathlib
import subprocess
import tempfile
import time

import report

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "tests/Millrace.System.Tests/bin/Debug/net10.0/Millrace.System.Tests.dll"
PORTION = 20
WORLDS = {"files": ("*.ChaosTests", "chaos"), "stages": ("*.StageChaosTests", "chaos_stages"), "postgres": ("*.PostgresChaosTests", "chaos_postgres")}


def every(tests, first, runs, beside, folder):
    """Runs all seeds, some portions at the same time; what fails is printed."""
    waiting = [(start, min(PORTION, first + runs - start)) for start in range(first, first + runs, PORTION)]
    running = []
    while waiting or running:
        while waiting and len(running) < beside:
            start, count = waiting.pop(0)
            log = open(folder / f"{start}.log", "w", encoding="utf-8")
            chosen = {"SEED": str(start), "RUNS": str(count), "RESULT": str(folder / f"{start}.ndjson")}
            environment = {**os.environ, **{f"MILLRACE_CHAOS_{name}": value for name, value in chosen.items()}}
            running.append((start, subprocess.Popen(["dotnet", str(PROGRAM), "-class", tests, "-noColor"], env=environment, stdout=log)))
        time.sleep(0.2)
        for start, process in [pair for pair in running if pair[1].poll() is not None]:
            running.remove((start, process))
            if process.returncode != 0:
                print((folder / f"{start}.log").read_text(encoding="utf-8"))
    return [json.loads(line) for file in sorted(folder.glob("*.ndjson")) for line in file.read_text(encoding="utf-8").splitlines()]


def body(runs, first, asked):
    struck = collections.Counter(fault for run in runs for fault in run["struck"])
    several = sum(len(run["struck"]) > 1 for run in runs)
    calm = sum(not run["struck"] for run in runs)
    sums = [(name, sum(run[name] or 0 for run in runs)) for name in ("losses", "doubles", "litter")]
    failed = [run["seed"] for run in runs if run["failed"]]
    missing = asked - len(runs)
    text = [
        f"{len(runs)} runs, seeds {first} to {first + asked - 1}" + (f" ({missing} did not come to an end)" if missing else "") + ".",
        f"{sum(struck.values())} faults struck; {several} runs met more than one, {calm} none, since the moment that their seed names never came.",
        "",
        report.table(["found", "number"], [*sums, ("runs that did not end as an undisturbed one", len(failed) + missing)]),
        "",
        report.table(["fault", "times"], sorted(struck.items())),
    ]
    if failed:
        text += ["", "Seeds that failed: " + ", ".join(map(str, failed)) + "."]
    return "\n".join(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", choices=WORLDS, default="files", help="what the target is, or that there are stages")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--runs", type=int, default=500, help="how many seeds")
    parser.add_argument("--beside", type=int, default=2, help="how many at the same time")
    arguments = parser.parse_args()
    tests, name = WORLDS[arguments.world]
    with tempfile.TemporaryDirectory() as folder:
        runs = every(tests, arguments.first, arguments.runs, arguments.beside, pathlib.Path(folder))
    versions = [("millrace", report.version([str(ROOT / "millrace"), "--version"]))]
    report.write(name, "Nothing lost, nothing twice, nothing left behind", versions, body(runs, arguments.first, arguments.runs))


if __name__ == "__main__":
    main()
