#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A daemon without work: how often it wakes up, what it reads and writes, how much memory it has."""

import time
from pathlib import Path

from world import LINGER, Skip, World, check, is_sanitized, main, wait_until

MOST_MB = 15
WINDOW_S = 20  # one wake-up is allowed in it


def switches(pid):
    """How often its threads have gone to sleep, by their names and numbers."""
    counts = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        status = dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines()
                      if ":\t" in line)
        counts[f"{status['Name']} {task.name}"] = int(status["voluntary_ctxt_switches"])
    return counts


def io(pid):
    text = Path(f"/proc/{pid}/io").read_text()
    return {name: int(value) for name, value in (line.split(": ") for line in text.splitlines())
            if name in ("syscr", "syscw")}


def settle(world, pid):
    """Waits until what the last run has left to do is done: log lines, the last checkpoint."""
    log = world.state / "state.db-wal"
    before = None
    for _ in range(240):
        now = switches(pid)
        if now == before and log.stat().st_size == 0:
            return
        before = now
        time.sleep(1)
    raise AssertionError(f"it does not come to rest: {before}, {log.stat().st_size} bytes")


def resident_mb(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise Skip("/proc does not say how much memory a process has")


def look(pid, window):
    before, read = switches(pid), io(pid)
    time.sleep(window)
    after, now = switches(pid), io(pid)
    wakes = {name: count - before.get(name, 0) for name, count in after.items()
             if count != before.get(name, 0)}
    most = max(1, int(window / WINDOW_S))
    memory = resident_mb(pid)
    print(f"  {sum(wakes.values())} wake-ups in {window:.0f} s, {len(after)} threads,"
          f" {memory:.1f} MB", flush=True)
    check(sum(wakes.values()) <= most, f"it woke up in {window:.0f} s: {wakes}")
    check(read == now, f"it read or wrote: {read}, then {now}")
    check(memory < MOST_MB or is_sanitized(pid), f"it has {memory:.1f} MB")


def idle(build, is_long):
    with World(build) as world:
        daemon = world.start("serve")
        wait_until("it listens", (world.state / "control.sock").exists)
        world.run("start", LINGER, "-i", "seconds=0.1", expect=0)
        wait_until("the run ends", lambda: world.has_ended("linger"))
        # One that waits for days, as a row, and is no reason to wake up.
        world.run("start", LINGER, "-i", "seconds=864000", expect=0)
        settle(world, daemon.pid)
        window = 3 * WINDOW_S if is_long else WINDOW_S / 4
        # A busy machine may let it do late what it had left; what never rests does not rest later.
        for attempt in reversed(range(5)):
            try:
                look(daemon.pid, window)
                return
            except AssertionError:
                if attempt == 0:
                    raise


if __name__ == "__main__":
    raise SystemExit(main([idle]))
