# SPDX-License-Identifier: Apache-2.0
"""SIGKILL at the n-th call that writes, syncs or renames in the state folder, for every n; and the
same for the process that goes on with what the first one left.

usage: kill_at_calls.py BUILD [--long] [CASE]
"""

import sys

from world import LINGER, PIPELINE, World, can_trace, check, main, under, undisturbed

def begin_killed(world, nth):
    """Whether the process died there."""
    done = world.run("run", f"{PIPELINE}#main", "-q", before=under(world, f"signal=KILL:when={nth}"))
    check(done.returncode in (0, -9, 137), f"exit {done.returncode}\n{done.stderr}")
    world.look()
    return done.returncode != 0


def end_well(world, expected):
    if not world.exists():
        world.run("run", f"{PIPELINE}#main", "-q", expect=0)
    world.finish()
    world.check_end(expected)


def every_nth(build, step, expected, case):
    """`case` for each call until there are no more in one process."""
    nth = 1
    while nth < 400:
        with World(build) as world:
            try:
                if not case(world, nth, expected):
                    return nth
            except AssertionError as error:
                raise AssertionError(f"at call {nth}: {error}") from error
        nth += step
    raise AssertionError("it never lived to its end")


def kill_first(world, nth, expected):
    was_killed = begin_killed(world, nth)
    end_well(world, expected)
    return was_killed


def P1__P4__P5__killed_at_every_call(build, is_long):
    can_trace()
    expected, _ = undisturbed(build)
    last = every_nth(build, 1 if is_long else 17, expected, kill_first)
    check(last > 20, f"there are only {last} calls")


def kill_both(world, nth, expected):
    """The first one dies half-way; then each of those that recover dies one call later."""
    begin_killed(world, nth)
    for step in range(1, 8):
        if not world.exists() or world.has_ended("main"):
            break
        done = world.run("run", LINGER, "-i", "seconds=0.4", "-q",
                      before=under(world, f"signal=KILL:when={step}"))
        check(done.returncode in (0, -9, 137), f"exit {done.returncode}\n{done.stderr}")
        world.look()
    end_well(world, expected)
    return nth < 40


def P4__P5__recovery_killed_during_recovery(build, is_long):
    can_trace()
    expected, _ = undisturbed(build)
    every_nth(build, 3 if is_long else 13, expected, kill_both)


if __name__ == "__main__":
    sys.exit(main([P1__P4__P5__killed_at_every_call, P4__P5__recovery_killed_during_recovery]))
