#!/usr/bin/env python3
"""Memory against rows under a limit that the kernel enforces: a memory group (cgroup) that kills whoever passes it.

    bench/memory.py --url postgres://user@127.0.0.1:5432/db --tables events_2m,events,events_30m,events_100m --limit 256

Writes results/memory.md and the curve, results/memory.svg. Needs the right to make a memory group. The server runs outside of it.
"""
import argparse
import os
import shutil
import tempfile
import time

import measure
import report

HERE = os.path.dirname(os.path.abspath(__file__))
MILLRACE = os.path.join(HERE, "..", "millrace")
FIRST, SECOND = "/sys/fs/cgroup/memory", "/sys/fs/cgroup"


def parse():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--url", required=True)
    arguments.add_argument("--tables", required=True, help="comma-separated, the smallest first")
    arguments.add_argument("--limit", type=int, default=256, help="the group's limit in MiB")
    arguments.add_argument("--rounds", type=int, default=1)
    arguments.add_argument("--work", default=tempfile.gettempdir())
    return arguments.parse_args()


class Group:
    """A memory group, version 1 or 2, while the block runs."""

    def __init__(self, mebibytes):
        self.first = os.path.exists(f"{FIRST}/memory.limit_in_bytes")
        self.path = f"{FIRST if self.first else SECOND}/millrace-bench-{os.getpid()}"
        self.bytes = mebibytes * 1024 * 1024

    def __enter__(self):
        os.mkdir(self.path)
        self.write("memory.limit_in_bytes" if self.first else "memory.max", self.bytes)
        return self

    def __exit__(self, *_):
        # The keeper of the run's moment looks twice a second whether it is still needed.
        deadline = time.monotonic() + 30
        while True:
            try:
                return os.rmdir(self.path)
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def write(self, name, value):
        with open(f"{self.path}/{name}", "w", encoding="ascii") as file:
            file.write(str(value))

    def inside(self, command):
        return ["sh", "-c", 'echo $$ > "$0"/cgroup.procs && exec "$@"', self.path, *command]

    def kills(self):
        with open(f"{self.path}/{'memory.oom_control' if self.first else 'memory.events'}", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("oom_kill "))


def move(options, table):
    out = tempfile.mkdtemp(prefix="run-", dir=options.work)
    try:
        with Group(options.limit) as group:
            command = [MILLRACE, "run", "--from", "${BENCH_URL}", "--to", os.path.join(out, "lake"), "--stream", f"public.{table}",
                       "--quiet", "--state", os.path.join(out, "state"), "--set", "engine=local"]
            figures = measure.run(group.inside(command), {"BENCH_URL": options.url})
            return {**figures, "kills": group.kills()}
    finally:
        shutil.rmtree(out, ignore_errors=True)


def main():
    options = parse()
    rows, points = [], []
    for table in options.tables.split(","):
        figures = [move(options, table) for _ in range(options.rounds)]
        count = int(report.psql(options.url, f"SELECT count(*) FROM {table}"))
        peak = report.median(figures, "peak_mb")
        points.append((count, peak))
        rows.append([f"{count:,}", f"{peak:.0f}", sum(run["kills"] for run in figures)])
        print(rows[-1], flush=True)
    with open(os.path.join(HERE, "results", "memory.svg"), "w", encoding="utf-8") as picture:
        picture.write(report.curve([("", points)], options.limit * 1.048576, f"the kernel kills above {options.limit} MiB"))
    body = (f"Every run in a memory group of its own with a limit of {options.limit} MiB; PostgreSQL outside of it. The default of `limits.memory` is "
            f"{options.limit * 3 // 4} MiB there.\n\n" + report.table(["rows", "peak PSS MB, all processes", "killed by the kernel"], rows)
            + "\n\n![Peak memory against rows](memory.svg)")
    versions = [("millrace", report.version([MILLRACE, "--version"])), ("PostgreSQL", report.postgres_version(options.url))]
    report.write("memory", f"Memory under a kernel limit of {options.limit} MiB", versions, body)


if __name__ == "__main__":
    main()
