#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The issue triage in full: how many issues a minute when each answer takes 50 ms, how often a connection is
used, and how much faster it is than one node after the other, and so are its parts.

usage: bench_triage.py BUILD [ISSUES]     prints rows as bench.h does

The yardstick is the same pipeline with {parallel_workers: 1, max_parallel_nodes: 1}, on fewer issues. Of the parts
both have one issue at a time.
"""

import json
import re
import sys
import time
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "pipelines"))

from triage import Triage, check  # noqa: E402  pylint: disable=wrong-import-position

LATENCY_MS = 50
FEW = 24  # issues, one node after the other


def print_row(name, unit, ours, yardstick, goal):
    """As bench_print_row() does, where the goal is the least that will do."""
    figure = ours / yardstick if yardstick else ours
    beside = f" | yardstick {yardstick:10.4g} | ratio {figure:8.3g}" if yardstick else ""
    print(f"{name:44} | ours {ours:10.4g} {unit}{beside} | goal >= {goal:g} | {'met' if figure >= goal else 'not met'}",
          flush=True)


def replace(file, pattern, text):
    new, count = re.subn(pattern, text, file.read_text())
    check(count == 1, f"{file.name} has not one {pattern!r}")
    file.write_text(new)


def slow_down(triage, nodes_at_once):
    """One issue after the other, and of each so many nodes at once."""
    replace(triage.pipeline.parent / "settings.yaml", r"(?m)^scaling: .*$",
            f"scaling: {{parallel_workers: 1, max_parallel_nodes: {nodes_at_once}}}")
    replace(triage.pipeline, r"(?m)^    max_parallel: .*\n", "")


def mean_span(steps, nodes):
    """From the first start to the last end of these, the mean over the issues that have all."""
    spans = [max(issue[n][1] for n in nodes) - min(issue[n][0] for n in nodes)
             for issue in steps.values() if all(n in issue for n in nodes)]
    return sum(spans) / len(spans)


def read(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def run(build, issues, nodes_at_once=0):
    """Seconds of a run, those of its parts, and what was counted. `nodes_at_once`: of one issue; 0: as it is."""
    with Triage(build, issues, latency=LATENCY_MS) as triage:
        if nodes_at_once > 0:
            slow_down(triage, nodes_at_once)
        begin = time.monotonic()
        done = triage.command("run", triage.pipeline, "--json", "-i", "repo=octocat/hello", "-i", f"limit={issues}",
                              timeout=280)
        took = time.monotonic() - begin
        check(done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:])
        result = json.loads(done.stdout)
        check(result["output"]["triaged"] == issues, str(result["output"]))
        steps = {}
        for step in result["inner_results"]:
            path = step["path"].rsplit(".", 1)
            if step["status"] == "completed" and step["started_at"]:
                steps.setdefault(path[0], {})[path[-1]] = (read(step["started_at"]), read(step["completed_at"]))
        whole = {s["step_id"]: s["duration_seconds"] for s in result["step_results"]}
        parts = {"analysis": mean_span(steps, ("sentiment_analysis", "code_analysis", "impact_assessment", "classify")),
                 "report": whole["generate_report"]}
        return took, parts, triage.counts()


def total(counts, what):
    return sum(count[what] for count in counts.values())


def main():
    build = sys.argv[1]
    issues = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    took, _, counts = run(build, issues)
    slow, slow_parts, slow_counts = run(build, FEW, nodes_at_once=1)
    _, parts, _ = run(build, FEW, nodes_at_once=200)
    calls = total(counts, "calls")
    http = {name: count for name, count in counts.items() if name != "mail"}  # each mail has its own
    rate = f"at {LATENCY_MS} ms"
    print_row(f"triage: issues {rate}", "/min", issues * 60 / took, 0, 1000)
    print_row("triage: HTTP on an open connection", "%", 100 * (1 - total(http, "connections") / total(http, "calls")), 0, 99)
    print_row(f"triage: issues {rate}, one node at a time", "/min", issues * 60 / took, FEW * 60 / slow, 2.8)
    print_row(f"triage: calls {rate}, one node at a time", "/s", calls / took, total(slow_counts, "calls") / slow, 2.5)
    print_row("triage: analysis of an issue, one node at a time", "/s", 1 / parts["analysis"], 1 / slow_parts["analysis"], 3.0)
    print_row("triage: the report, one node at a time", "/s", 1 / parts["report"], 1 / slow_parts["report"], 3.3)
    return 0


if __name__ == "__main__":
    sys.exit(main())
