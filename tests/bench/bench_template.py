#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long the first build of a new plugin takes, from `cmake` to the .so and its tests.

usage: bench_template.py BUILD     prints rows as bench.h does
"""
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile

ROUNDS = 5
EMPTY = "cmake_minimum_required(VERSION 3.25)\nproject(empty LANGUAGES C)\nadd_library(empty MODULE empty.c)\n"


def print_row(name, ours, yardstick, goal):
    """As bench_print_row() does, where the goal is the most that will do."""
    figure = ours / yardstick if yardstick else ours
    beside = f" | yardstick {yardstick:10.4g} s | ratio {figure:6.2f}" if yardstick else ""
    print(f"{name:44} | ours {ours:10.4g} s{beside} | goal <= {goal:g} | {'met' if figure <= goal else 'not met'}",
          flush=True)


def first_build(folder, environment):
    """In time of the processor, of all programs that take part: one after the other, as make calls them."""
    shutil.rmtree(folder / "build", ignore_errors=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for words in (["cmake", "-S", ".", "-B", "build"], ["cmake", "--build", "build"]):
        subprocess.run(words, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        prefix = work / "usr"
        subprocess.run(["cmake", "--install", sys.argv[1], "--prefix", prefix], check=True, stdout=subprocess.DEVNULL)
        environment = {"PATH": f"{prefix}/bin:/usr/bin:/bin", "HOME": name, "CMAKE_PREFIX_PATH": str(prefix)}
        for language in ("c", "c++"):
            subprocess.run(["opstream", "plugin", "new", "acme.thing", "--lang", language, "--dir", language],
                           cwd=work, env=environment, check=True, stdout=subprocess.DEVNULL)
        (work / "empty").mkdir()
        (work / "empty/CMakeLists.txt").write_text(EMPTY)
        (work / "empty/empty.c").write_text("int empty;\n")
        times = {folder: [] for folder in ("c", "c++", "empty")}
        for _ in range(ROUNDS):
            for folder, found in times.items():
                found.append(first_build(work / folder, environment))
    # The fastest round: all else on the machine only makes one slower.
    c, cxx, empty = (min(found) for found in times.values())
    print_row("template: first build in C", c, 0, 3)
    print_row("template: first build in C++", cxx, 0, 3)
    print_row("template: in C, beside an empty project", c, empty, 3)
    return 0


sys.exit(main())
