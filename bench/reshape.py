#!/usr/bin/env python3
"""The loads that kill other pipelines: 27M rows nested by key, 38M joined with 34M and partitioned, beside DuckDB alone, with and without a limit.

    bench/reshape.py --data FOLDER --rounds 3

FOLDER holds mapping.parquet, bronze.parquet and predictions.parquet (see bench/README.md). Every round runs every command once, every other round
backwards; the figures are medians. What both wrote is compared once, row by row, by DuckDB.
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
MILLRACE = os.path.join(HERE, "..", "millrace")
NESTED = "struct_pack(mapping_id := mapping_id, target_type := target_type, target_id := target_id, score := score, valid_from := valid_from)"
JOBS = {
    "nest": """
source: {data}/mapping.parquet
target: {out}/lake
limits: {{memory: {memory}, workers: 2}}
streams:
  mapping:
    transform:
      - nest: {{by: [source_id], as: targets}}
""",
    "join": """
source: {data}/bronze.parquet
target: {out}/lake
limits: {{memory: {memory}, workers: 2}}
streams:
  bronze:
    transform:
      - join: {{with: '{data}/predictions.parquet', on: [record_id], how: left}}
    write: {{partition_by: {{year: year(event_time), month: month(event_time)}}, max_rows_per_file: 100000}}
""",
}
PEERS = {
    "nest": "COPY (SELECT source_id, list({nested}) AS targets FROM '{data}/mapping.parquet' GROUP BY source_id) TO '{out}/peer.parquet' "
            "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 20480)",
    "join": "COPY (SELECT b.*, p.* EXCLUDE (record_id), year(event_time) AS year, month(event_time) AS month FROM '{data}/bronze.parquet' AS b "
            "LEFT JOIN '{data}/predictions.parquet' AS p USING (record_id)) TO '{out}/peer' "
            "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 20480, PARTITION_BY (year, month))",
}
EQUAL = {
    "nest": ("SELECT source_id, list_sort(targets) AS targets FROM '{out}/peer.parquet'", "SELECT source_id, targets FROM read_parquet('{out}/lake/mapping/*.parquet')"),
    "join": ("SELECT b.*, p.* EXCLUDE (record_id), year(event_time) AS year, month(event_time) AS month FROM '{data}/bronze.parquet' AS b "
             "LEFT JOIN '{data}/predictions.parquet' AS p USING (record_id)", "SELECT * FROM read_parquet('{out}/lake/bronze/**/*.parquet', hive_partitioning = true)"),
}


def parse():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", required=True)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--only", choices=JOBS, help="one of the two loads")
    arguments.add_argument("--work", default=tempfile.gettempdir())
    return arguments.parse_args()


def commands(load, options, out):
    for memory in ("512MB", "256MB"):
        job = os.path.join(out, f"{load}-{memory}.yaml")
        with open(job, "w", encoding="utf-8") as file:
            file.write(JOBS[load].format(data=options.data, out=out, memory=memory))
        yield f"millrace, limits.memory {memory}", [MILLRACE, "run", job, "--quiet", "--state", os.path.join(out, "state")]
    sql = PEERS[load].format(data=options.data, out=out, nested=NESTED)
    for limit in ("", "512MB"):
        code = ("import duckdb, sys; c = duckdb.connect(); c.execute(\"SET temp_directory = '" + out + "/spill'; SET preserve_insertion_order = false; SET enable_progress_bar = false\"); "
                + (f"c.execute(\"SET memory_limit = '{limit}'\"); " if limit else "") + "c.execute(sys.argv[1])")
        yield f"DuckDB, {'memory_limit ' + limit if limit else 'no limit'}", [sys.executable, "-s", "-c", code, sql]


def clean(out):
    for entry in os.listdir(out):
        path = os.path.join(out, entry)
        if os.path.isdir(path):
            shutil.rmtree(path)
        elif not entry.endswith(".yaml"):
            os.remove(path)


def written(out):
    """Bytes and files of what the last command left."""
    found = [os.path.join(folder, file) for folder, _, files in os.walk(out) for file in files if file.endswith(".parquet")]
    return sum(map(os.path.getsize, found)) / 1e6, len(found)


def differences(load, options, out):
    """Whether what was written last is DuckDB's own answer."""
    import duckdb
    expected, actual = (sql.format(data=options.data, out=out) for sql in EQUAL[load])
    connection = duckdb.connect(config={"enable_progress_bar": False})
    connection.execute(f"SET temp_directory = '{out}/spill'; SET preserve_insertion_order = false")
    names = [row[0] for row in connection.execute(f"DESCRIBE {expected}").fetchall()]
    columns = ", ".join(f'"{name}"' for name in names if name not in ("year", "month")) + ("" if "year" not in names else ", year::BIGINT, month::BIGINT")
    return report.compared(connection, columns, expected, actual)


def measured(load, options, out):
    runs, sizes, equal = {}, {}, None
    for round_number in range(options.rounds):
        turns = list(commands(load, options, out))
        for name, command in turns if round_number % 2 == 0 else reversed(turns):
            runs.setdefault(name, [])
            try:
                runs[name].append(measure.run(command, {}))
            except RuntimeError as failure:
                if not name.startswith("DuckDB"):
                    raise
                print(load, name, failure, flush=True)
                clean(out)
                continue
            figures = runs[name][-1]
            if any(os.path.exists(os.path.join(out, made)) for made in ("lake", "peer", "peer.parquet")):
                sizes[name] = written(out)
            print(load, name, {key: round(value, 2) for key, value in figures.items()}, sizes.get(name), flush=True)
            if round_number == 0 and name.startswith("millrace, limits.memory 512MB"):
                if load == "nest":
                    subprocess.run(list(commands(load, options, out))[2][1], check=True)
                equal = differences(load, options, out)
                print(load, "rows are", equal, flush=True)
            clean(out)
    return runs, sizes, equal


def line(figures, peer, size):
    if not figures:
        return ["out of memory"] + [""] * 5
    seconds = report.median(figures, "seconds")
    return [f"{seconds:.1f}", f"{seconds / peer:.2f}", f"{report.median(figures, 'cpu'):.1f}", f"{max(run['peak_mb'] for run in figures):.0f}", f"{size[0]:.0f}", size[1]]


def body(load, runs, sizes, equal):
    peer = report.median(runs["DuckDB, no limit"], "seconds")
    rows = [[name, *line(figures, peer, sizes.get(name))] for name, figures in runs.items()]
    return (report.table(["", "seconds", "/ DuckDB without a limit", "CPU s", "highest peak PSS MB", "written MB", "files"], rows)
            + f"\n\nCompared with DuckDB's own answer, by count and a sum of hashes over all columns: {equal}.")


def main():
    options = parse()
    out = tempfile.mkdtemp(prefix="millrace-bench-", dir=options.work)
    texts = []
    try:
        for load, title in (("nest", "27M rows nested by key (9M keys, one of 100,000 rows)"), ("join", "38M rows left join 34M, by year and month, 100,000 rows a file")):
            if options.only in (None, load):
                texts.append(f"## {title}\n\n" + body(load, *measured(load, options, out)))
    finally:
        shutil.rmtree(out, ignore_errors=True)
    versions = [("millrace", report.version([MILLRACE, "--version"])),
                ("DuckDB", report.duckdb_version())]
    report.write("reshape", "Reshaped out of core", versions, f"Medians of {options.rounds} rounds.\n\n" + "\n\n".join(texts))


if __name__ == "__main__":
    main()
