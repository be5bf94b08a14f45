"""Runs one command as a whole process tree and says what it took: wall time, processor time, peak memory.

Peak memory is the highest sum of PSS (/proc/PID/smaps_rollup) over the command's process and all its descendants, so that pages
that several processes share count once. Processor time is what the kernel accounted to the tree after its end.
"""
import os
import resource
import subprocess
import threading
import time

SAMPLE_SECONDS = 0.05


def tree(root):
    """The process ids of a process and its descendants."""
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as children:
                    waiting.extend(int(child) for child in children.read().split())
        except OSError:
            pass
    return found


def pss_bytes(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
            for line in rollup:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def run(command, environment=None, output=subprocess.DEVNULL):
    """Runs the command; gives seconds, processor seconds, peak bytes. A command that fails raises."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=output, stderr=subprocess.PIPE, env={**os.environ, **(environment or {})})
    peak = 0
    errors = []
    reading = threading.Thread(target=lambda: errors.append(process.stderr.read()))
    reading.start()
    while True:
        peak = max(peak, sum(pss_bytes(pid) for pid in tree(process.pid)))
        try:
            process.wait(SAMPLE_SECONDS)
            break
        except subprocess.TimeoutExpired:
            continue
    seconds = time.monotonic() - began
    reading.join()
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}: {errors[0].decode(errors='replace')[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)
    return {"seconds": seconds, "cpu": cpu, "peak_mb": peak / 1e6}
