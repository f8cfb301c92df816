# SPDX-License-Identifier: Apache-2.0
"""Disks that fail, and disks that are full.

usage: disk.py BUILD [--long] [CASE]
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

from world import (HOLD, LIMIT_SECONDS, LINGER, PIPELINE, Skip, World, can_trace, check, main, under,
                   undisturbed, wait_until)


def end_well(world, expected):
    if not world.exists():
        world.run("run", f"{PIPELINE}#main", "-q", expect=0)
    world.finish()
    world.check_end(expected)


def P13__a_failed_sync_ends_the_process(build, is_long):
    """Exit 74 at once, and the next process finds a state that agrees with itself."""
    can_trace()
    expected, _ = undisturbed(build)
    seen = 0
    # How many syncs there are depends on how many writes meet: at least nine.
    for nth in range(1, 40, 1 if is_long else 4):
        with World(build) as world:
            done = world.run("run", f"{PIPELINE}#main", "-q",
                             before=under(world, f"error=EIO:when={nth}+", "fdatasync,fsync"))
            if done.returncode == 0:
                break
            check(done.returncode == 74, f"sync {nth}: exit {done.returncode}\n{done.stderr}")
            check(done.stderr.strip(), f"sync {nth}: nothing was said")
            seen += 1
            world.look()
            end_well(world, expected)
    check(seen > 2, f"only {seen} syncs could fail")


def P13__writes_that_fail_are_tried_again_or_end_it(build, is_long):
    """EIO of a write may end the process; what it leaves is whole."""
    can_trace()
    expected, _ = undisturbed(build)
    for nth in range(1, 60, 3 if is_long else 19):
        with World(build) as world:
            done = world.run("run", f"{PIPELINE}#main", "-q",
                             before=under(world, f"error=EIO:when={nth}", "write,pwrite64"))
            check(done.returncode in (0, 74), f"write {nth}: exit {done.returncode}\n{done.stderr}")
            world.look()
            end_well(world, expected)


def P13__no_room_for_a_while(build, is_long):
    """Runs wait, and go on when there is room; nothing is lost and nothing runs twice."""
    can_trace()
    expected, _ = undisturbed(build)
    for nth in range(2, 50, 2 if is_long else 14):
        with World(build) as world:
            world.run("run", LINGER, "-i", "seconds=0.01", "-q", expect=0)
            done = world.run("run", f"{PIPELINE}#main", "-q", before=under(
                world, f"error=ENOSPC:when={nth}..{nth + 2}", "pwrite64,write"))
            check(done.returncode == 0, f"write {nth}: exit {done.returncode}\n{done.stderr}")
            world.check_end(expected)


def wait_for_effect(world, name):
    wait_until(name, lambda: name in world.effects())


def mount_small(folder, size):
    os.makedirs(folder, mode=0o700, exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "none", str(folder)],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Skip("nothing may be mounted here: " + done.stderr.strip())


def fill(folder):
    """Takes all the room there is."""
    file = folder / "ballast"
    with open(file, "wb", buffering=0) as out:
        for size in (65536, 4096, 1):
            try:
                while True:
                    out.write(b"x" * size)
            except OSError:
                pass
    return file


@contextlib.contextmanager
def small_world(build, size="3m"):
    with World(build) as world:
        mount_small(world.state, size)
        try:
            yield world
        finally:
            subprocess.run(["umount", "-l", str(world.state)], check=False)


def at_rest(world):
    """The effects, when those of nodes that had started are there."""
    effects = None
    while effects != world.effects():
        effects = world.effects()
        time.sleep(1)
    return effects


def P13__a_full_disk(build, _):
    expected, _ = undisturbed(build)
    for _ in range(50):
        with small_world(build) as world:
            world.run("run", LINGER, "-i", "seconds=0.01", "-q", expect=0)
            # The run stops where the disk is filled: after its first effect.
            process = world.start("run", f"{PIPELINE}#main", "-q")
            wait_for_effect(world, "first")
            ballast = fill(world.state)
            if world.has_ended("main"):
                continue  # it was faster than this
            time.sleep(1.5)
            if process.poll() is not None:
                raise AssertionError(f"it ended: {process.communicate(timeout=LIMIT_SECONDS)}")
            before = at_rest(world)
            listed = world.run("db", "check", expect=0)
            check("all agrees" in listed.stdout, listed.stdout)
            listed = world.run("list")
            check(listed.returncode == 0 and "main" in listed.stdout, f"list: {listed}")
            time.sleep(0.5)
            check(world.effects() == before, "something started on a full disk")
            ballast.unlink()
            out, err = process.communicate(timeout=LIMIT_SECONDS)
            check(process.returncode == 0, f"exit {process.returncode}\n{out}{err}")
            world.check_end(expected)
            return
    raise AssertionError("the run always ends before the disk is full")


def P13__killed_on_a_full_disk(build, _):
    expected, _ = undisturbed(build)
    with World(build) as world:
        mount_small(world.state, "3m")
        try:
            process = world.start("run", f"{PIPELINE}#main", "-q")
            wait_for_effect(world, "second")
            ballast = fill(world.state)
            time.sleep(0.3)
            os.kill(process.pid, signal.SIGKILL)
            process.communicate(timeout=LIMIT_SECONDS)
            world.look()
            done = world.linger(0.2)
            time.sleep(1)
            done.kill()
            done.communicate(timeout=LIMIT_SECONDS)
            ballast.unlink()
            end_well(world, expected)
        finally:
            subprocess.run(["umount", "-l", str(world.state)], check=False)


def serve(world):
    """The service, listening; its log is in `log` of the folder."""
    with open(world.folder / "log", "a", encoding="utf-8") as log:
        process = world.start("serve", "--drain", "1s", stderr=log)
    wait_until("serving", lambda: "serving" in (world.folder / "log").read_text())
    return process


def health(world):
    done = subprocess.run(["curl", "-s", "--unix-socket", str(world.state / "control.sock"),
                           "http://localhost/health"], capture_output=True, timeout=LIMIT_SECONDS, check=False)
    return json.loads(done.stdout)


def begin_and_park(world):
    run = world.begin(HOLD)
    wait_until("the run is parked", lambda: health(world)["runs_parked"] == 1)
    return run


def fill_and_write(world, run):
    """The disk is full, and the engine knows: `send` has asked for what has no room."""
    wait_until("hold", lambda: world.rows("SELECT 1 FROM nodes WHERE path = 'hold'"))
    for _ in range(10):
        wait_until("all is kept", lambda: health(world)["writes_waiting"] == 0)
        # A run that is not in memory is fetched first, and that is a write, too.
        others = 1 if health(world)["runs_in_memory"] == 0 else 0

        def is_taken():
            found = health(world)
            return found["status"] == "unavailable" and found["writes_waiting"] > others

        ballast = fill(world.state)
        asked = world.start("send", run, "go")
        wait_until("`send` is taken", lambda: asked.poll() is not None or is_taken())
        if asked.poll() is None:
            return ballast, asked
        # The engine has had something to write before, and has refused this.
        check("nothing was accepted" in asked.communicate()[1], "what has no room was answered")
        ballast.unlink()
        wait_until("there is room", lambda: health(world)["status"] == "ok")
    raise AssertionError("it has something to write all the time")


def P13__a_full_disk_is_said_and_refused(build, _):
    """All that looks says it, all that changes is refused at once; what waits goes on later."""
    with small_world(build) as world:
        service = serve(world)
        run = begin_and_park(world)
        ballast, asked = fill_and_write(world, run)
        check(health(world)["reason"] == "the disk is full", str(health(world)))
        for words in (("status", run), ("list",)):
            done = world.run(*words, expect=0)
            said = done.stdout + done.stderr
            check("nothing can be kept at the moment: the disk is full" in said, said)
            told = json.loads(world.run(*words, "--json", expect=0).stdout)
            check(told["trouble"] == "the disk is full", str(told))
        for words in (("start", HOLD), ("cancel", run), ("run", HOLD, "-q")):
            done = world.run(*words, expect=74, timeout=50)
            check("the disk is full" in done.stderr and "nothing was accepted" in done.stderr,
                  done.stderr)
        log = (world.folder / "log").read_text()
        check("error nothing can be kept at the moment" in log, log)
        ballast.unlink()
        out, err = asked.communicate(timeout=LIMIT_SECONDS)
        check(asked.returncode == 0, f"send: {asked.returncode}\n{out}{err}")
        wait_until("the end", lambda: world.has_ended("main"))
        check(health(world)["status"] == "ok", str(health(world)))
        check("what happens is kept again" in (world.folder / "log").read_text(), "its end is not said")
        service.send_signal(signal.SIGTERM)
        check(service.wait(timeout=LIMIT_SECONDS) == 0, "the service")
        world.look()


def P13__signals_end_what_waits_for_room(build, _):
    """The service, an engine of a command line, and clients; the next engine goes on."""
    with small_world(build) as world:
        service = serve(world)
        run = begin_and_park(world)
        ballast, asked = fill_and_write(world, run)
        service.send_signal(signal.SIGTERM)
        check(service.wait(timeout=LIMIT_SECONDS) in (0, 74), "the service did not end")
        _, err = asked.communicate(timeout=LIMIT_SECONDS)
        check(asked.returncode == 74, f"send: {asked.returncode}\n{err}")
        check("no room" in err, err)
        log = (world.folder / "log").read_text()
        check("there was no room for what came last" in log, log)
        ballast.unlink()
        world.look()
        serve(world)
        world.run("send", run, "go", expect=0)
        wait_until("the end", lambda: world.has_ended("main"))

    for kind in (signal.SIGINT, signal.SIGTERM):
        with small_world(build) as world:
            engine = world.start("run", HOLD, "-q")
            run = wait_until("a run", lambda: world.rows("SELECT id FROM runs"))[0][0]
            wait_until("its engine", lambda: (world.state / "control.sock").exists())
            ballast, asked = fill_and_write(world, run)
            asked.send_signal(kind)
            asked.communicate(timeout=LIMIT_SECONDS)
            engine.send_signal(kind)
            _, err = engine.communicate(timeout=LIMIT_SECONDS)
            check(engine.returncode == 74, f"run: {engine.returncode}\n{err}")
            check("the disk is full" in err and "as they were kept last" in err, err)
            ballast.unlink()
            world.look()


def P13__no_room_to_begin(build, _):
    """A state that cannot even be made is refused with a reason."""
    with World(build) as world:
        mount_small(world.state, "64k")
        try:
            fill(world.state)
            done = world.run("run", f"{PIPELINE}#main", "-q")
            check(done.returncode == 74, f"exit {done.returncode}\n{done.stderr}")
            check("full" in done.stderr or "space" in done.stderr, done.stderr)
        finally:
            subprocess.run(["umount", "-l", str(world.state)], check=False)


if __name__ == "__main__":
    sys.exit(main([
        P13__a_failed_sync_ends_the_process, P13__writes_that_fail_are_tried_again_or_end_it,
        P13__no_room_for_a_while, P13__a_full_disk, P13__killed_on_a_full_disk,
        P13__a_full_disk_is_said_and_refused, P13__signals_end_what_waits_for_room,
        P13__no_room_to_begin]))
