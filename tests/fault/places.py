# SPDX-License-Identifier: Apache-2.0
"""Folders that cannot hold a state: what is said, and that nothing is left behind.

usage: places.py BUILD [--long] [CASE]
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from world import LINGER, Skip, World, check, main

NOBODY = 65534
READING = [("list",), ("db", "check")]
WRITING = [("run", LINGER, "-i", "seconds=0.01", "-q")]


def refused(world, commands, *words, **options):
    for command in commands:
        done = world.run(*command, **options)
        # A wrong --state is also a wrong argument.
        check(done.returncode in (2, 74), f"{command}: exit {done.returncode}\n{done.stderr}")
        check(done.stderr.count("\n") == 1, f"{command}: not one line: {done.stderr}")
        for word in words:
            check(word in done.stderr, f"{command}: '{word}' is not in: {done.stderr}")


def as_nobody(world):
    """Words before a command that make it another user's; what it needs to read is open to all."""
    if os.geteuid() != 0:
        raise Skip("only root can be another user")
    if shutil.which("setpriv") is None:
        raise Skip("setpriv is not installed")
    words = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    if subprocess.run([*words, world.program, "version"], capture_output=True,
                      check=False).returncode != 0:
        raise Skip("the build folder is closed to other users")
    os.chmod(world.folder, 0o755)
    return words


def a_folder_of_another_user(build, _):
    with World(build) as world:
        as_nobody(world)
        world.run("run", LINGER, "-i", "seconds=0.01", "-q", expect=0)
        for file in [world.state, *world.state.iterdir()]:
            os.chown(file, NOBODY, NOBODY)
        refused(world, READING + WRITING, str(world.state))
        for file in world.state.iterdir():
            check(file.stat().st_uid == NOBODY, f"{file} was made anew")


def another_user_comes(build, _):
    with World(build) as world:
        words = as_nobody(world)
        world.run("run", LINGER, "-i", "seconds=0.01", "-q", expect=0)
        refused(world, READING, before=words)
        refused(world, WRITING, before=words)


def a_folder_that_others_can_write_to(build, _):
    with World(build) as world:
        world.state.mkdir(mode=0o700)
        os.chmod(world.state, 0o777)
        refused(world, WRITING, str(world.state))
        check(not any(world.state.iterdir()), "something was made there")


def a_state_that_can_only_be_read(build, _):
    """Read-only by its mount."""
    with World(build) as world:
        world.run("run", LINGER, "-i", "seconds=0.01", "-q", expect=0)
        world.run("db", "vacuum", expect=0)
        shutil.copytree(world.state, world.folder / "kept",
                        ignore=shutil.ignore_patterns("control.sock"))
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "none",
                               str(world.state)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Skip("nothing may be mounted here: " + done.stderr.strip())
        try:
            for file in Path(world.folder / "kept").iterdir():
                if file.is_file():
                    shutil.copy2(file, world.state)
            subprocess.run(["mount", "-o", "remount,ro", str(world.state)], check=True)
            refused(world, READING + WRITING, "read-only", str(world.state))
        finally:
            subprocess.run(["umount", "-l", str(world.state)], check=False)


def a_mode_that_forbids_writing(build, _):
    with World(build) as world:
        words = as_nobody(world)
        world.state.mkdir(mode=0o700)
        os.chown(world.state, NOBODY, NOBODY)
        world.run(*WRITING[0], before=words, expect=0)
        os.chmod(world.state, 0o500)
        for file in world.state.iterdir():
            os.chmod(file, 0o400)
        refused(world, WRITING, "cannot be written to: use chmod u+rwx", before=words)


def no_folder_at_all(build, _):
    with World(build) as world:
        refused(world, [("db", "check"), ("db", "vacuum")], str(world.state))
        (world.folder / "file").write_text("")
        world.state = world.folder / "file"
        refused(world, READING + WRITING, "file")
        world.state = world.folder / "file" / "below"
        refused(world, WRITING, "file")


if __name__ == "__main__":
    sys.exit(main([a_folder_of_another_user, another_user_comes, a_folder_that_others_can_write_to,
                   a_state_that_can_only_be_read, a_mode_that_forbids_writing, no_folder_at_all]))
