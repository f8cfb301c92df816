# SPDX-License-Identifier: Apache-2.0
"""Very many live runs, found by the next process.

usage: recovery.py BUILD [--long] [CASE]
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from world import HOLD, LIMIT_SECONDS, World, check, is_sanitized, main, wait_until


def make(world, build, count):
    process = world.start("run", HOLD, "-q")
    wait_until("it waits", lambda: world.rows("SELECT 1 FROM journal WHERE type = 'node_started'"))
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=LIMIT_SECONDS)
    (world.state / "control.sock").unlink(missing_ok=True)  # the next one's tells that it is there
    subprocess.run([str(Path(build, "tests", "bin", "make_runs")), str(world.state), str(count - 1)],
                   check=True, timeout=300)


def peak_kib(pid):
    for line in Path("/proc", str(pid), "status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0


def P8__very_many_runs_that_wait_are_found(build, is_long):
    """All are there within seconds, in bounded memory, and each still hears its event."""
    count = 100000 if is_long else 1500
    with World(build) as world:
        make(world, build, count)
        begin = time.monotonic()
        process = world.start("serve", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not (world.state / "control.sock").exists():
            check(time.monotonic() - begin < LIMIT_SECONDS, "it does not listen")
            time.sleep(0.005)
        world.run("list", "--limit", "1", expect=0)
        took = time.monotonic() - begin
        peak = peak_kib(process.pid)
        print(f"  {count} runs in {took:.2f} s, {peak / 1024:.0f} MiB", flush=True)
        if not is_sanitized(process.pid):
            check(took < 50, f"{took:.1f} s")
            check(peak < 100 * 1024, f"{peak} KiB")
        for number in (1, 2, count // 2, count):
            (run,), = world.rows("SELECT id FROM runs WHERE run = ?", number)
            world.run("send", run, "go", expect=0)
        wait_until("those that were sent their event end", lambda: world.rows(
            "SELECT count(*) FROM runs WHERE state = 'completed'") == [(4,)])
        os.kill(process.pid, signal.SIGTERM)
        process.communicate(timeout=LIMIT_SECONDS)
        check(process.returncode == 0, f"serve: exit {process.returncode}")
        world.check_tables()


if __name__ == "__main__":
    sys.exit(main([P8__very_many_runs_that_wait_are_found]))
