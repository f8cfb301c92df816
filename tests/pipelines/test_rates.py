#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The issue triage with its own rates, on a clock that is faster: no span sees more calls than the rate allows,
and the whole takes as long as the rates demand, and not much longer.

usage: test_rates.py BUILD [--long]
"""

import json
import sys
from pathlib import Path

from triage import Triage, check

SKIPPED = 77
SLACK = 1.3  # what a busy machine computes meanwhile seems long on a clock that is faster
# Service: calls in a span of seconds, and how many at once, as settings.yaml and bug_flow.yaml have it.
RATES = {"github": (5000, 3600, 500), "search": (30, 60, 3), "llm": (500, 60, 50), "shortcut": (200, 60, 20)}


def most_in_span(times, seconds):
    """The most calls that any span saw."""
    most = first = 0
    for last, time in enumerate(times):
        while times[first] <= time - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def demanded(calls, rate):
    """The least seconds in which so many calls can be made."""
    limit, span, burst = rate
    return max(0, calls - burst) * span / (limit - burst)


def main():
    build, is_long = sys.argv[1], "--long" in sys.argv
    issues, factor = (1000, 25) if is_long else (100, 8)  # so much faster the clock is
    library = Path(build, "tests", "bin", "libfast_clock.so").resolve()
    with Triage(build, issues, keeps_rates=True) as triage:
        tried = triage.command("version", LD_PRELOAD=str(library))
        if tried.returncode != 0 or "LD_PRELOAD" in tried.stderr:
            print("skipped: a library cannot be loaded before others here: " + tried.stderr.strip())
            return SKIPPED
        done = triage.command("run", triage.pipeline, "--json", "-i", "repo=octocat/hello", timeout=500,
                              LD_PRELOAD=str(library), FAST_CLOCK=str(factor))
        check(done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:])
        result = json.loads(done.stdout)
        check(result["output"]["triaged"] == issues, str(result["output"]))
        took = result["total_duration_seconds"]
        times = {name: [t * factor for t in sorted(at)] for name, at in triage.ask("/times").items()}
    least = 0
    for name, rate in RATES.items():
        # A call is counted where it leaves, and seen where it arrives.
        most, needs = most_in_span(times[name], rate[1] * 0.95), demanded(len(times[name]), rate)
        print(f"{name:9} {len(times[name]):5} calls: at most {most:4} in {rate[1]} s, {rate[0]} are allowed; they need {needs:.0f} s")
        check(most <= rate[0], f"{name}: {most} calls in {rate[1]} s")
        least = max(least, needs)
    print(f"{issues} issues took {took:.0f} s of {least:.0f} s that the rates demand")
    check(least <= took <= least * SLACK, f"it took {took:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
