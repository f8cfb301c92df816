# SPDX-License-Identifier: Apache-2.0
"""Files that are torn, flipped or not what they say.

Each command on a damaged state says something sensible and ends by itself: never by a signal, never
with a report of a sanitizer. FAULT_SEED chooses another beginning.

usage: damage.py BUILD [--long] [CASE]
"""

import os
import random
import shutil
import signal
import sqlite3
import sys
import time

from world import LIMIT_SECONDS, LINGER, PIPELINE, World, check, main

LOG_BYTES = 40000
SEED = int(os.environ.get("FAULT_SEED", "1"))
COMMANDS = [("list",), ("list", "--json"), ("db", "check"), ("db", "check", "--json"),
            ("run", LINGER, "-i", "seconds=0.05", "-q")]


def copy(source, target):
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("control.sock"))


def has_log(state):
    log = state / "state.db-wal"
    return log.exists() and log.stat().st_size > LOG_BYTES


def make_state(world):
    """A run that has ended, and one that was killed half-way with its log not yet copied."""
    world.run("run", f"{PIPELINE}#main", "-q", expect=0)
    while not has_log(world.state):
        process = world.start("run", f"{PIPELINE}#main", "-q")
        while process.poll() is None and not has_log(world.state):
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=LIMIT_SECONDS)
    copy(world.state, world.folder / "whole")


def restore(world):
    shutil.rmtree(world.state)
    copy(world.folder / "whole", world.state)


def try_all(world, what):
    """What the commands said: their exit codes."""
    codes = []
    for command in COMMANDS:
        try:
            done = world.run(*command)
        except AssertionError as error:
            raise AssertionError(f"{what}: {error}") from error
        text = f"{what}: {command}: exit {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr}"
        check(done.returncode in (0, 1, 3, 74), text)
        check("Sanitizer" not in done.stderr and "runtime error" not in done.stderr, text)
        check(done.returncode in (0, 1) or done.stderr.strip(), text)
        codes.append(done.returncode)
    return codes


def flip(file, rng, count):
    data = bytearray(file.read_bytes())
    places = []
    for _ in range(count):
        at = rng.randrange(len(data))
        data[at] ^= 1 << rng.randrange(8)
        places.append(at)
    file.write_bytes(data)
    return places


def flipped_bits_are_survived(build, is_long):
    with World(build) as world:
        make_state(world)
        for seed in range(SEED, SEED + (400 if is_long else 12)):
            rng = random.Random(seed)
            restore(world)
            name = rng.choice(["state.db", "state.db", "state.db-wal"])
            if not (world.state / name).exists():
                name = "state.db"
            places = flip(world.state / name, rng, rng.choice([1, 1, 4, 64]))
            try_all(world, f"FAULT_SEED={seed}: {name} at {places[:8]}")


def P1__a_torn_log_leaves_a_consistent_beginning(build, is_long):
    """Whatever the log is cut to: what is left of the run is a beginning of what it was."""
    with World(build) as world:
        make_state(world)
        log = world.folder / "whole" / "state.db-wal"
        check(has_log(world.folder / "whole"), "there is no log to tear")
        whole = world.rows("SELECT run, seq, type, path, body FROM journal ORDER BY id")
        size = log.stat().st_size
        rng = random.Random(SEED)
        for n in range(60 if is_long else 5):
            restore(world)
            cut = rng.randrange(size)
            with open(world.state / "state.db-wal", "r+b") as out:
                out.truncate(cut)
                if n % 3 == 2:  # the last page holds what was there before
                    out.seek(max(0, cut - 4096))
                    out.write(os.urandom(min(cut, 4096)))
            if (world.state / "state.db-shm").exists():
                (world.state / "state.db-shm").unlink()
            world.check_tables()
            rows = world.rows("SELECT run, seq, type, path, body FROM journal ORDER BY id")
            check(rows == whole[:len(rows)], f"cut at {cut}: records are no beginning")
            world.run("run", LINGER, "-i", "seconds=0.2", "-q", expect=0)
            world.check_tables()


def torn_files_are_refused_or_read(build, is_long):
    with World(build) as world:
        make_state(world)
        rng = random.Random(SEED)
        size = (world.folder / "whole" / "state.db").stat().st_size
        for cut in [0, 1, 99, 100, 511, 512, 4095, 4096] + [
                rng.randrange(size) for _ in range(40 if is_long else 3)]:
            restore(world)
            os.truncate(world.state / "state.db", cut)
            try_all(world, f"state.db cut to {cut}")


def pages_in_disorder_are_found(build, is_long):
    """Two pages change places: each is whole, and the check finds it all the same."""
    with World(build) as world:
        world.run("run", f"{PIPELINE}#main", "-q", expect=0)
        world.run("db", "vacuum", expect=0)
        copy(world.state, world.folder / "whole")
        pages = (world.folder / "whole" / "state.db").stat().st_size // 4096
        rng = random.Random(SEED)
        for _ in range(60 if is_long else 4):
            restore(world)
            first, second = rng.sample(range(1, pages), 2)
            with open(world.state / "state.db", "r+b") as file:
                file.seek(first * 4096)
                a = file.read(4096)
                file.seek(second * 4096)
                b = file.read(4096)
                file.seek(first * 4096)
                file.write(b)
                file.seek(second * 4096)
                file.write(a)
            codes = try_all(world, f"pages {first} and {second}")
            check(a == b or codes[2] != 0, f"pages {first} and {second}: nothing was found")


def a_stranger_is_refused(build, _):
    """Other files of that name, and those of a newer program."""
    def said(world, code, *words):
        for command in COMMANDS[0], COMMANDS[2], COMMANDS[4]:
            done = world.run(*command)
            check(done.returncode == code, f"{command}: exit {done.returncode}\n{done.stderr}")
            for word in words:
                check(word in done.stderr, f"{command}: '{word}' is not in: {done.stderr}")
            check(done.stderr.count("\n") == 1, f"{command}: not one line: {done.stderr}")

    with World(build) as world:
        world.run("run", LINGER, "-i", "seconds=0.01", "-q", expect=0)
        copy(world.state, world.folder / "whole")
        with sqlite3.connect(world.state / "state.db") as db:
            db.execute("UPDATE meta SET schema = 9999")
        db.close()
        said(world, 74, "newer opstream", "9999")
        restore(world)
        with sqlite3.connect(world.state / "state.db") as db:
            db.execute("PRAGMA application_id = 7")
        db.close()
        said(world, 74, "another program")
        restore(world)
        (world.state / "state.db").write_text("no database at all\n" * 50)
        said(world, 74, "is no database")
        for kind in ("-wal", "-shm"):
            (world.state / f"state.db{kind}").unlink(missing_ok=True)
        (world.state / "state.db").unlink()
        os.mkdir(world.state / "state.db")
        for command in COMMANDS[0], COMMANDS[2], COMMANDS[4]:
            done = world.run(*command)
            check(done.returncode == 74 and done.stderr, f"{command}: {done}")


if __name__ == "__main__":
    sys.exit(main([flipped_bits_are_survived, P1__a_torn_log_leaves_a_consistent_beginning,
                   torn_files_are_refused_or_read, pages_in_disorder_are_found,
                   a_stranger_is_refused]))
