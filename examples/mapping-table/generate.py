#!/usr/bin/env python3
"""Writes mapping.csv and records.ndjson for the mapping table: for the same --rows the same bytes, on every machine."""
import argparse
import pathlib

# A prime larger than any --rows: i * PRIME % n visits every number below n once, in an order that looks like chance.
PRIME = 2_147_483_647
HERE = pathlib.Path(__file__).parent


def key(k):
    return f"K{k:09d}"


def keys(rows):
    """How many keys the mapping has: about three rows a key."""
    return max(1, rows // 3)


def mapping(rows):
    yield "id,target,score\n"
    for j in range(rows):
        i = j * PRIME % rows
        # One row in a hundred belongs to one of ten keys, which are as hot as keys are in real tables.
        k = i // 100 % 10 if i % 100 == 7 else i % keys(rows)
        yield f"{key(k)},T{i * 40_503 % 50_000_000},{i * 7_919 % 1_009 % 1_000 / 1_000:.3f}\n"


def records(rows):
    """A third as many records as mapping rows, each with 0 to 4 ids, in an order that means something, sometimes twice the same."""
    for r in range(keys(rows)):
        ids = [key((r * 613 + n % 3 * 104_729) % (keys(rows) + keys(rows) // 20)) for n in range(r % 5)]
        quoted = ",".join(f'"{id}"' for id in ids)
        yield f'{{"record_id":{r},"title":"album {r * 31 % 5_000}","ids":[{quoted}]}}\n'


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=300_000, help="rows of mapping.csv; default: %(default)s")
    parser.add_argument("--to", type=pathlib.Path, default=HERE / "data", help="the folder; default: %(default)s")
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    for name, lines in (("mapping.csv", mapping), ("records.ndjson", records)):
        with open(options.to / name, "w", encoding="utf-8", newline="") as file:
            file.writelines(lines(options.rows))
        print(f"{options.to / name}: {(options.to / name).stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
