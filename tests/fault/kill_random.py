# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random moments, again and again, until the run has ended.

usage: kill_random.py BUILD [--long] [CASE]
"""

import os
import random
import signal
import sys
import time

from world import LIMIT_SECONDS, PIPELINE, World, main, undisturbed

SEED = int(os.environ.get("FAULT_SEED", "1"))


def kill_after(process, seconds):
    time.sleep(seconds)
    process.kill()
    process.communicate(timeout=LIMIT_SECONDS)


def disturb(world, rng, took, expected):
    """A run that is killed up to six times, each moment as likely as any other."""
    kill_after(world.start("run", f"{PIPELINE}#main", "-q"), rng.uniform(0, took * 1.2))
    for _ in range(rng.randrange(6)):
        world.look()
        if not world.exists():
            kill_after(world.start("run", f"{PIPELINE}#main", "-q"), rng.uniform(0, took))
        elif not world.has_ended("main"):
            kill_after(world.linger(5), rng.uniform(0, took))
    world.look()
    if not world.exists():
        world.run("run", f"{PIPELINE}#main", "-q", expect=0)
    world.finish()
    world.check_end(expected)


def P4__P5__P6__killed_at_random_moments(build, is_long):
    expected, took = undisturbed(build)
    for seed in range(SEED, SEED + (100 if is_long else 6)):
        with World(build) as world:
            try:
                disturb(world, random.Random(seed), took, expected)
            except AssertionError as error:
                raise AssertionError(f"FAULT_SEED={seed}: {error}") from error


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.exit(main([P4__P5__P6__killed_at_random_moments]))
