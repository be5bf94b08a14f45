"""Medians, ratios and the Markdown of a benchmark's result."""
import datetime
import os
import platform
import statistics
import subprocess


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


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "|".join(" --- " if i == 0 else " ---: " for i in range(len(header))) + "|"]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


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
