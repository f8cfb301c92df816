#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The issue triage takes no more memory for many issues than for few.

usage: test_memory.py BUILD [FEW MANY]
"""

import os
import resource
import subprocess
import sys

from triage import Triage, check

SKIPPED = 77
SHARE = 1.1  # of what the few take, the many may take


def is_sanitized(program):
    """It then says what its sanitizer can be told."""
    asked = {"ASAN_OPTIONS": "help=1", "TSAN_OPTIONS": "help=1"}
    done = subprocess.run([program, "version"], env={**os.environ, **asked}, capture_output=True, text=True, check=False)
    return "Sanitizer" in done.stderr


def most_memory(build, issues):
    """The most that a run had in memory at once, in MB."""
    with Triage(build, issues) as triage:
        process = triage.spawn("run", triage.pipeline, "-q", "-i", "repo=octocat/hello", "-i", f"limit={issues}")
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        check(process.returncode == 0, f"{issues} issues: exit {process.returncode}")
        calls = triage.counts()["shortcut"]["calls"]
        check(calls >= issues, f"{calls} calls for stories of {issues} issues")
    # What is started counts from the fork on: it had this program's memory for a moment.
    check(usage.ru_maxrss > resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, "this program takes more itself")
    print(f"{issues:5} issues: {usage.ru_maxrss / 1024:.1f} MB", flush=True)
    return usage.ru_maxrss / 1024


def main():
    build, few, many = sys.argv[1], *map(int, sys.argv[2:] or (1000, 10000))
    if is_sanitized(os.path.join(build, "bin", "opstream")):
        print("skipped: with a sanitizer it takes more")
        return SKIPPED
    least, most = most_memory(build, few), most_memory(build, many)
    check(most <= SHARE * least, f"{most:.1f} MB are {most / least:.2f} times {least:.1f} MB, more than {SHARE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
