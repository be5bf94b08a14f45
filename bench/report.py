"""Medians, ratios and the Markdown of a benchmark's result."""
import datetime
import os
import platform
import statistics
import subprocess
import sys


def median(runs, figure):
    return statistics.median(run[figure] for run in runs)


def machine():
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="ascii") as cpus:
        for line in cpus:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    with open("/proc/meminfo", encoding="ascii") as memory:
        total = int(memory.readline().split()[1]) // (1024 * 1024)
    return f"{os.cpu_count()} x {model}, {total} GB, Linux {platform.release()}"


def version(command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().splitlines()[0]


def duckdb_version():
    return version([sys.executable, "-s", "-c", "import duckdb; print(duckdb.__version__)"])


def psql(url, sql):
    """What a statement gives: values without a header, one row a line. One that fails raises."""
    return subprocess.run(["psql", url, "-v", "ON_ERROR_STOP=1", "-qAtc", sql], capture_output=True, text=True, check=True).stdout.strip()


def postgres_version(url):
    return psql(url, "SHOW server_version")


def compared(connection, columns, expected, actual):
    """Whether two SELECTs have the same rows: by count and a sum of hashes, since a sorted comparison of 38M rows takes longer than all else."""
    sums = [connection.execute(f"SELECT count(*), sum(hash({columns})::HUGEINT) FROM ({sql})").fetchone() for sql in (expected, actual)]
    return "equal" if sums[0] == sums[1] else f"DIFFERENT: {sums[0]} and {sums[1]}"


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "|".join(" --- " if i == 0 else " ---: " for i in range(len(header))) + "|"]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


COLOURS = ("#06c", "#090", "#c60", "#909")


def spread(places, gap):
    """The same places, moved down where they would be nearer to each other than the gap."""
    moved, last = {}, None
    for number, place in sorted(enumerate(places), key=lambda pair: pair[1]):
        last = place if last is None else max(place, last + gap)
        moved[number] = last
    return [moved[number] for number in range(len(places))]


def curve(series, limit_mb, limit_words):
    """
    Curves as a picture: rows across, peak memory in MB up, the limit as a line. Each curve is a name and its points. One without a name has a figure at
    each point; several have their names and last figures beside them.
    """
    named = any(name for name, _ in series)
    width, height, left, bottom, top = 840 if named else 640, 320, 60, 40, 20
    right = width - (240 if named else 20)
    most_rows, most_mb = max(points[-1][0] for _, points in series), limit_mb * 1.1
    def x(rows): return left + (right - left) * rows / most_rows
    def y(mb): return height - bottom - (height - bottom - top) * mb / most_mb
    text = 'font-family="sans-serif" font-size="12"'
    grey = f'{text} fill="#333"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
             f'<rect width="{width}" height="{height}" fill="#fff"/>',
             f'<path d="M{left} {top}V{height - bottom}H{right}" fill="none" stroke="#999"/>']
    for mb in range(0, int(most_mb), 50 if most_mb < 400 else 100):
        parts.append(f'<text x="{left - 8}" y="{y(mb) + 4:.0f}" text-anchor="end" {grey}>{mb}</text>')
    parts.append(f'<path d="M{left} {y(limit_mb):.1f}H{right}" stroke="#c33" stroke-dasharray="6 4"/>')
    parts.append(f'<text x="{left + 8}" y="{y(limit_mb) - 6:.1f}" {grey}>{limit_words}</text>')
    names = spread([y(points[-1][1]) for _, points in series], 16)
    for (name, points), colour, place in zip(series, COLOURS, names):
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="' + " ".join(f"{x(rows):.1f},{y(mb):.1f}" for rows, mb in points) + '"/>')
        for rows, mb in points:
            parts.append(f'<circle cx="{x(rows):.1f}" cy="{y(mb):.1f}" r="4" fill="{colour}"/>')
            if not named: parts.append(f'<text x="{x(rows):.1f}" y="{y(mb) + 20:.1f}" text-anchor="middle" {text} fill="{colour}">{mb:.0f}</text>')
        if named: parts.append(f'<text x="{right + 10}" y="{place + 4:.1f}" {text} fill="{colour}">{name}: {points[-1][1]:.0f}</text>')
    for rows in sorted({rows for _, points in series for rows, _ in points}):
        words = f"{rows / 1e6:.0f} M" if rows >= 1e6 else f"{rows / 1e6:.1f} M"
        parts.append(f'<text x="{x(rows):.1f}" y="{height - bottom + 18}" text-anchor="middle" {grey}>{words}</text>')
    parts.append(f'<text x="{left}" y="{height - 6}" {grey}>rows; peak PSS of all processes together, in MB</text></svg>')
    return "\n".join(parts) + "\n"


def write(name, title, versions, body):
    """Writes bench/results/NAME.md."""
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "results")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name + ".md")
    today = datetime.date.today().isoformat()
    with open(path, "w", encoding="utf-8") as out:
        out.write(f"# {title}\n\n{today}. Machine: {machine()}.\n\n")
        out.write("\n".join(f"- {tool}: {what}" for tool, what in versions) + "\n\n" + body + "\n")
    print(path)
