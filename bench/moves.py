"""What the benchmarks ask of PostgreSQL, and the command that moves one of its tables to Parquet."""
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
MILLRACE = os.path.join(HERE, "..", "millrace")


def psql(url, sql):
    return subprocess.run(["psql", url, "-Atc", sql], capture_output=True, text=True, check=True).stdout.strip()


def count(url, table):
    return int(psql(url, f"SELECT count(*) FROM {table}"))


def command(stream, out, *settings):
    """A run that leaves everything below the folder `out`; the source is in the environment as BENCH_URL."""
    found = [MILLRACE, "run", "--from", "${BENCH_URL}", "--to", os.path.join(out, "lake"), "--stream", stream,
             "--quiet", "--state", os.path.join(out, "state")]
    for setting in settings:
        found += ["--set", setting]
    return found
