#!/usr/bin/env python3
"""One key with 20M of 21M rows through every key step, and a file that is far larger than its size tells, each within limits.memory.

    bench/hotkeys.py --rows 20000000 --work FOLDER

Makes its data with DuckDB. What each load wrote is compared with DuckDB's own answer over the same files, by count and a sum of hashes over all
columns; of nest the elements are compared, since an array of 20M of them is what no row of DuckDB's can hold.
"""
import argparse
import json
import os
import shutil
import tempfile

import measure
import report

HERE = os.path.dirname(os.path.abspath(__file__))
MILLRACE = os.path.join(HERE, "..", "millrace")
DATA = {
    "hot.parquet": "SELECT 7::BIGINT AS k, i AS id, (hash(i) % 100000) / 1000.0::DOUBLE AS v, 'item ' || hash(i, 1) % 1000000 AS t FROM range({rows}) AS r(i) "
                   "UNION ALL SELECT 1000 + i % 200000, {rows} + i, (hash(i, 2) % 100000) / 1000.0::DOUBLE, 'item ' || hash(i, 3) % 1000000 FROM range({rows} // 20) AS r(i)",
    "names.parquet": "SELECT CASE WHEN i = 0 THEN 7 ELSE 1000 + i END::BIGINT AS k, 'name ' || i AS name, i * 2 AS w FROM range({rows} * 3 // 20) AS r(i)",
    "packed.ndjson.gz": "SELECT i % ({rows} // 100) AS k, i AS id, repeat('the same words ', 16) AS t FROM range({rows} // 5) AS r(i)",
}
HOT, NAMES, PACKED = ("'{data}/hot.parquet'", "'{data}/names.parquet'", "read_json('{data}/packed.ndjson.gz')")

TO_NDJSON = "nest to NDJSON"

# What it is, the stream, its step, the table of the answer, DuckDB's answer, what is compared of the table.
LOADS = {
    "join, the key on the left": ("hot.parquet", "join: {{with: '{data}/names.parquet', on: [k]}}", f"SELECT * FROM {HOT} LEFT JOIN {NAMES} USING (k)", "*"),
    "join, the key on the right": ("names.parquet", "join: {{with: '{data}/hot.parquet', on: [k]}}", f"SELECT * FROM {NAMES} LEFT JOIN {HOT} USING (k)", "*"),
    "group": ("hot.parquet", "group: {{by: [k], n: 'count(*)', least: 'min(id)', most: 'max(t)'}}", f"SELECT k, count(*) AS n, min(id) AS least, max(t) AS most FROM {HOT} GROUP BY k", "*"),
    "dedupe": ("hot.parquet", "dedupe: {{by: [k], order_by: [v desc, id]}}", f"SELECT unnest(arg_max(r, (v, -id))) FROM {HOT} AS r GROUP BY k", "*"),
    "nest, oversize: split": ("hot.parquet", "nest: {{by: [k], as: items, oversize: split}}", f"SELECT * FROM {HOT}", "k, unnest(items, recursive := true)"),
    TO_NDJSON: ("hot.parquet", "nest: {{by: [k], as: items}}", f"SELECT * FROM {HOT}", "*"),
    "nest of a packed file": ("packed.ndjson.gz", "nest: {{by: [k], as: items}}", f"SELECT * FROM {PACKED}", "k, unnest(items, recursive := true)"),
}


def parse():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=20_000_000, help="rows of the one key")
    arguments.add_argument("--only", choices=LOADS)
    arguments.add_argument("--memory", default="512MB", help="limits.memory of each load")
    arguments.add_argument("--work", default=tempfile.gettempdir())
    arguments.add_argument("--data", help="a folder that keeps the data from one call to the next")
    return arguments.parse_args()


def make(data, rows, spill):
    import duckdb
    connection = duckdb.connect()
    connection.execute(f"SET temp_directory = '{spill}'; SET enable_progress_bar = false")
    for name, select in DATA.items():
        path = os.path.join(data, name)
        if not os.path.exists(path):
            form = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1" if name.endswith("parquet") else "FORMAT json, COMPRESSION gzip"
            connection.execute(f"COPY ({select.format(rows=rows)}) TO '{path}' ({form})")


def run(load, data, out, memory):
    source, step, _, _ = LOADS[load]
    job = os.path.join(out, "job.yaml")
    with open(job, "w", encoding="utf-8") as file:
        file.write(f"source: {data}\ntarget: {out}/lake\nformat: {'ndjson' if load == TO_NDJSON else 'parquet'}\nlimits: {{memory: {memory}, workers: 2}}\nstreams:\n  {source}:\n    to: t\n"
                   f"    transform:\n      - {step.format(data=data)}\n")
    return measure.run([MILLRACE, "run", job, "--quiet", "--state", os.path.join(out, "state")])


def elements(out):
    """The elements of all lines as lines of their own, each with its key, and how many lines there were, and the longest array."""
    lines, longest = 0, 0
    with open(f"{out}/elements.ndjson", "wb") as flat:
        for name in sorted(os.listdir(f"{out}/lake/t")):
            if not name.endswith(".ndjson"): continue
            with open(f"{out}/lake/t/{name}", "rb") as file:
                for line in file:
                    key, _, array = line.partition(b',"items":[{')
                    assert array.endswith(b"}]}\n"), array[-20:]
                    lines, longest = lines + 1, max(longest, array.count(b"},{") + 1)
                    flat.write(key + b"," + array[:-3].replace(b"},{", b"}\n" + key + b",") + b"\n")
    return lines, longest


def compared(load, data, out):
    """Rows of the table, the longest array, and whether DuckDB's own answer is the same: by count and a sum of hashes over all columns."""
    import duckdb
    connection = duckdb.connect()
    connection.execute(f"SET temp_directory = '{out}/spill'; SET preserve_insertion_order = false; SET memory_limit = '4GB'; SET enable_progress_bar = false")
    _, _, expected, taken = LOADS[load]
    table = f"read_parquet('{out}/lake/t/*.parquet')"
    if load == TO_NDJSON:
        rows = elements(out)
        table = f"read_json('{out}/elements.ndjson', columns = {{k: 'BIGINT', id: 'BIGINT', v: 'DOUBLE', t: 'VARCHAR'}})"
    expected = expected.format(data=data)
    names = ", ".join(f'"{row[0]}"' for row in connection.execute(f"DESCRIBE {expected}").fetchall())
    if load != TO_NDJSON:
        rows = connection.execute(f"SELECT count(*), {'max(len(items))' if taken != '*' else 'NULL'} FROM {table}").fetchone()
    return *rows, report.compared(connection, names, expected, f"SELECT {taken} FROM {table}")


def refused(data, out, memory):
    """What nest says of the key without `oversize: split`: the line that names it."""
    try:
        LOADS["nest"] = ("hot.parquet", "nest: {{by: [k], as: items}}", "", "*")
        run("nest", data, out, memory)
    except RuntimeError as error:
        return next((line[line.index("error: "):] for line in str(error).splitlines() if "the key" in line), str(error))
    finally:
        del LOADS["nest"]
    return "done"


def main():
    options = parse()
    out = tempfile.mkdtemp(prefix="millrace-bench-", dir=options.work)
    rows = []
    try:
        data = options.data or os.path.join(out, "data")
        os.makedirs(data, exist_ok=True)
        make(data, options.rows, os.path.join(out, "spill"))
        for load in LOADS:
            if options.only not in (None, load): continue
            work = os.path.join(out, "work")
            os.makedirs(work)
            figures = run(load, data, work, options.memory)
            table_rows, longest, equal = compared(load, data, work)
            rows.append([load, f"{figures['seconds']:.1f}", f"{figures['cpu']:.1f}", f"{figures['peak_mb']:.0f}", f"{table_rows:,}", f"{longest:,}" if longest else "", equal])
            print(json.dumps(rows[-1]), flush=True)
            shutil.rmtree(work)
        work = os.path.join(out, "work")
        os.makedirs(work)
        said = refused(data, work, options.memory) if options.only is None else ""
        packed = os.path.getsize(os.path.join(data, "packed.ndjson.gz")) / 1e6
    finally:
        shutil.rmtree(out, ignore_errors=True)
    versions = [("millrace", report.version([MILLRACE, "--version"])),
                ("DuckDB", report.duckdb_version())]
    text = (f"{options.rows:,} rows of one key and {options.rows // 20:,} of 200,000 others; the right side of the joins has one row of it. The packed file has {options.rows // 5:,} rows "
            f"of 290 bytes in {packed:.0f} MB. `limits.memory: {options.memory}`, one run each; the peak is the sum of PSS of all processes.\n\n"
            + report.table(["", "seconds", "CPU s", "peak PSS MB", "rows written", "longest array", "compared with DuckDB"], rows)
            + f"\n\nTo Parquet and without `oversize: split`, `nest` says:\n\n```\n{said}\n```")
    report.write("hotkeys", "One key with 20 million rows", versions, text)


if __name__ == "__main__":
    main()
