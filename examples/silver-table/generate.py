#!/usr/bin/env python3
"""Writes bronze.csv and predictions.csv for the silver table: for the same --rows the same bytes, on every machine."""
import argparse
import datetime
import pathlib

# A prime larger than any --rows: i * PRIME % rows visits every number once, in an order that looks like chance.
PRIME = 2_147_483_647
HERE = pathlib.Path(__file__).parent
BEGIN = datetime.datetime(2022, 1, 1)
SECONDS = 4 * 365 * 86_400


def image(i):
    return f"img-{i:010d}.jpg"


def bronze(rows):
    yield "image_name,captured_at,camera,content\n"
    for i in range(rows):
        captured = BEGIN + datetime.timedelta(seconds=i * 40_503 * 997 % SECONDS)
        # One in eight has no content: nobody could read the picture.
        content = "" if i % 8 == 3 else f'"crack {i * 613 % 100_000}, seen at gate {i * 31 % 500}"'
        yield f"{image(i)},{captured},cam-{i * 7_919 % 40:02d},{content}\n"


def predictions(rows):
    yield "image_name,model,severity\n"
    for j in range(rows):
        i = j * PRIME % rows
        # One image in ten has no prediction, and one in fifty has a prediction without a severity.
        if i % 10 != 9:
            severity = "" if i % 50 == 7 else f"{i * 7_919 % 1_001 / 1_000:.3f}"
            yield f"{image(i)},model-{i % 3},{severity}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000, help="rows of bronze.csv; default: %(default)s")
    parser.add_argument("--to", type=pathlib.Path, default=HERE / "data", help="the folder; default: %(default)s")
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    for name, lines in (("bronze.csv", bronze), ("predictions.csv", predictions)):
        with open(options.to / name, "w", encoding="utf-8", newline="") as file:
            file.writelines(lines(options.rows))
        print(f"{options.to / name}: {(options.to / name).stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
